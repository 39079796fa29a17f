"""What a workspace's own part of the manual tells: a line for each thing that its admins set up."""

from crmkit.core.call import Call
from crmkit.core.configuration.pipelines import facts
from crmkit.core.crm import Crm
from crmkit.model.actor import Actor
from crmkit.model.record import Kinds
from crmkit.render.text import line, value
from crmkit.storage import records
from crmkit.storage.configuration import pipelines
from crmkit.storage.custom import declarations
from crmkit.storage.interface.connection import Connection

SHOWN = ("kind", "key", "type", "about", "choices", "required")  # of a declared field
MOST_FIELDS = 200  # that are told
LONGEST = 5_000  # characters of a pipeline that is told
MORE = "# more: GET"


async def told(crm: Crm, actor: Actor) -> list[str]:
    """Return the lines for the workspace that someone works in."""
    return await Call(crm, actor).read(_lines, crm.kinds, actor.workspace_id)


def _lines(connection: Connection, kinds: Kinds, workspace_id: str) -> list[str]:
    return [*_fields(connection, kinds, workspace_id), *_pipelines(connection, workspace_id)]


def _fields(connection: Connection, kinds: Kinds, workspace_id: str) -> list[str]:
    kind = kinds.by_word["field"]
    ids = declarations.of(connection, workspace_id)
    found = (records.fetch(connection, kind, workspace_id, id) for id in ids[:MOST_FIELDS])
    lines = [line(kind, field, SHOWN) for field in found if field is not None]
    return [*lines, *([f"{MORE} {kind.path}"] if len(ids) > MOST_FIELDS else [])]


def _pipelines(connection: Connection, workspace_id: str) -> list[str]:
    lines = []
    for plural, pipeline in pipelines.pipelines_of(connection, workspace_id).items():
        shown = (f"  {name}={value(content)}" for name, content in facts(pipeline).items())
        whole = f"pipeline/{plural}{''.join(shown)}"
        lines.append(whole if len(whole) <= LONGEST else f"{MORE} /pipelines/{plural}")
    return lines
