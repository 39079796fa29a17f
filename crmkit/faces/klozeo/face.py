"""The face of Klozeo, as a value."""

from crmkit.faces.klozeo.answering import FORMAT, limits
from crmkit.faces.klozeo.routes import attributes, batch, export, leads, notes, scoring, webhooks
from crmkit.faces.klozeo.words import PREFIX
from crmkit.model.record import Kinds
from crmkit.web.routing.face import Face


def face(kinds: Kinds) -> Face:
    """Return the face."""
    parts = (leads, batch, export, notes, attributes, scoring, webhooks)
    return Face("klozeo", PREFIX, FORMAT, tuple(route for part in parts for route in part.routes(kinds)), limits)
