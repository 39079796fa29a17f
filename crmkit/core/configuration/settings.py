"""The settings of a workspace: its name, and what its admins prefer."""

from collections.abc import Mapping
from typing import Annotated, Any

from msgspec.structs import replace

from crmkit.core.call import Call
from crmkit.core.configuration import countries
from crmkit.core.people import access
from crmkit.core.people.workspaces import NAME, workspace_id
from crmkit.model.actor import Membership
from crmkit.model.fields import Country, Currency, Language, Text, Timezone
from crmkit.model.form import REQUIRED, Default, form_of
from crmkit.model.preferences import DEFAULTS
from crmkit.storage.interface.tx import Tx
from crmkit.storage.interface.workspace import Workspace
from crmkit.storage.log import audit
from crmkit.storage.people import accounts


class SettingsBody:
    name: Annotated[str, NAME, REQUIRED, "what the workspace is called"]
    timezone: Annotated[str, Timezone(), Default(DEFAULTS.timezone), "whose days it goes by"]
    currency: Annotated[str, Currency(), Default(DEFAULTS.currency), "of money that is sent without one"]
    country: Annotated[str | None, Country(), Default(DEFAULTS.country), "of phone numbers without one"]
    language: Annotated[str | None, Language(), Default(DEFAULTS.language), "what its people read"]
    date_format: Annotated[str | None, Text(40), Default(DEFAULTS.date_format), "like DD/MM/YYYY, for who shows dates"]
    code_prefix: Annotated[str | None, Text(20), Default(DEFAULTS.code_prefix), "like CRM-, of codes of new contacts"]


SETTINGS = form_of(SettingsBody, "workspace")


async def change(call: Call, id: str, body: Mapping[str, Any]) -> Membership:
    """Change the settings that `body` has and return the workspace; null resets one to its default.

    Only admins may: raises `admin_required`.
    """
    bare, sent = workspace_id(call.crm, id), SETTINGS.sent(body)

    def unit(tx: Tx) -> Membership:
        before = access.enter_as_admin(tx, bare)
        values = {name: value for name, value in sent.items() if value != _of(before, name)}
        if values:
            accounts.change_workspace(tx, bare, values)
            if "country" in values:
                countries.begin(tx, Workspace(bare, before.workspace_number))
            pairs = {name: [_of(before, name) or None, value or None] for name, value in values.items()}
            audit.append(tx, "workspace.update", f"workspace/{bare}", pairs)
        name = values.pop("name", before.name)
        return replace(before, name=name, preferences=replace(before.preferences, **values))

    return await call.write(unit, lanes=[bare])


def _of(membership: Membership, name: str) -> str:
    found: str = membership.name if name == "name" else getattr(membership.preferences, name)
    return found
