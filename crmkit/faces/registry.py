"""The faces that there are, and those that the settings name."""

from collections.abc import Callable, Mapping

from crmkit.core.crm import Crm
from crmkit.faces.klozeo import face as klozeo
from crmkit.faces.konektor import face as konektor
from crmkit.model.record import Kinds
from crmkit.web.routing.face import Face

FACES: Mapping[str, Callable[[Kinds], Face]] = {"klozeo": klozeo.face, "konektor": konektor.face}


def faces_of(crm: Crm) -> tuple[Face, ...]:
    """Return the faces that `[server] faces` names."""
    return tuple(made(crm.kinds) for name, made in FACES.items() if name in crm.settings.server.faces)
