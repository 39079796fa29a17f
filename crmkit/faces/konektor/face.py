"""The face of Konektor, as a value."""

from crmkit.faces.konektor import figures, leads, workspace
from crmkit.faces.konektor.answering import FORMAT, limits
from crmkit.faces.konektor.skill import skill
from crmkit.faces.konektor.words import PREFIX
from crmkit.model.record import Kinds
from crmkit.web.routing.face import Face


def face(kinds: Kinds) -> Face:
    """Return the face."""
    routes = (skill, *leads.routes(kinds), *figures.routes(kinds), *workspace.routes(kinds))
    return Face("konektor", PREFIX, FORMAT, routes, limits)
