"""By which fields two records of a kind are likely one."""

from msgspec import Struct


class Alike(Struct, frozen=True):
    """Two records are likely one if they agree in each field of `same`, and in `like`, a name, are at least alike.

    Others are looked up by the first field of `same`, which has an index. With `open`, only records count in which that
    field holds its default. A POST with merge=alike merges by a rule that `merges`, except where both have the field
    `unless` and it differs.
    """

    same: tuple[str, ...]
    like: str = ""
    open: str = ""
    merges: bool = False
    unless: str = ""

    @property
    def fields(self) -> tuple[str, ...]:
        """The names of the fields on which it depends whether two records are likely one."""
        return tuple(filter(None, (*self.same, self.like, self.open)))
