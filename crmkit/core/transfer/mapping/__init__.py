"""The rows of a file of any program -> bodies of POSTs.

`words` and `programs` say what columns are called, `tables` reads them, and `titles` looks a column up there.
`target` is what a column is for, `columns` what its cells tell together, `reading` reads each of them into a
`filling`, `plan` is all of it. `lookups` finds the records that a row names.
"""

from crmkit.core.transfer.mapping.filling import Body, Refused
from crmkit.core.transfer.mapping.plan import UNREADABLE, Plan
from crmkit.core.transfer.mapping.reading import MappedColumn

__all__ = ["UNREADABLE", "Body", "MappedColumn", "Plan", "Refused"]
