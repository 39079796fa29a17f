"""The faces that there are, those that the settings name, and the forms in which webhooks of their clients tell."""

from collections.abc import Callable, Mapping

from crmkit.core.crm import Crm
from crmkit.core.webhooks.form import Forms
from crmkit.faces.klozeo import events
from crmkit.faces.klozeo import face as klozeo
from crmkit.faces.konektor import face as konektor
from crmkit.model.record import Kinds
from crmkit.web.routing.face import Face

FACES: Mapping[str, Callable[[Kinds], Face]] = {"klozeo": klozeo.face, "konektor": konektor.face}
FORMS: Forms = {events.NAME: events.FORM}  # also of a face that is not named any more: its webhooks go on


def faces_of(crm: Crm) -> tuple[Face, ...]:
    """Return the faces that `[server] faces` names."""
    return tuple(made(crm.kinds) for name, made in FACES.items() if name in crm.settings.server.faces)
