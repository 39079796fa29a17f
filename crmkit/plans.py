"""Plans: what a workspace may hold and ask."""

from typing import Annotated

from msgspec import Struct, field

Caps = dict[str, int]  # of one plan: what is left out is unlimited, 0 is none allowed
# what a plan may limit as well: requests to a workspace by all its tokens, in so many seconds; 0 switches the limit off
RATES = {"requests_per_minute": 60, "requests_per_10_minutes": 600}
AUDIT_DAYS = "audit_days"  # and for how many days entries of the audit log are kept


class Plans(Struct, frozen=True):
    default: Annotated[str, "plan of a new workspace; each table [plans.NAME] declares one"] = "unlimited"
    named: dict[str, Caps] = field(default_factory=dict)

    def caps(self, name: str) -> Caps:
        """Return the caps of a plan, those of `least` for a name that is not declared."""
        found = self.named.get(name)
        return self.least if found is None else found

    @property
    def least(self) -> Caps:
        """Return the least that any plan allows, of each cap; nothing is removed by it."""
        found: Caps = {}
        for caps in self.named.values():
            for what, cap in caps.items():
                if what != AUDIT_DAYS and (cap or what not in RATES):
                    found[what] = min(cap, found.get(what, cap))
        return found
