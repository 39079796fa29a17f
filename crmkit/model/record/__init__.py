"""Record kinds. A kind is one msgspec class, whose annotations declare everything about its fields.

`kind_of(Contact)` reads the annotations once and returns the `Kind`. Validation, columns, filters, sorts, search, the
text line, JSON, the manual's table, OpenAPI and the audit diff are all derived from it.
"""

from crmkit.model.record.alike import Alike
from crmkit.model.record.bases import REACHED, SCORE, Followed, Reached, Record, Scored, Tracked
from crmkit.model.record.kind import SEQ, Forecast, Index, Kind, Reminds, index, kind_of, partial, unique
from crmkit.model.record.kinds import Kinds, Reference

__all__ = [
    "REACHED",
    "SCORE",
    "SEQ",
    "Alike",
    "Followed",
    "Forecast",
    "Index",
    "Kind",
    "Kinds",
    "Reached",
    "Record",
    "Reference",
    "Reminds",
    "Scored",
    "Tracked",
    "index",
    "kind_of",
    "partial",
    "unique",
]
