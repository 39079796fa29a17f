"""The types of what a token is given: exact scopes, network addresses, an end."""

from typing import Any

from crmkit import ip
from crmkit.model.access import EVERYTHING, NEVER, VERBS
from crmkit.model.actor import Asker
from crmkit.model.fields import FieldType, Invalid, Time

MOST_SCOPES, MOST_NETWORKS = 100, 50


class Scopes(FieldType, frozen=True):
    """Scopes, each once; which areas there are is checked where they are known (see `Kinds.areas`)."""

    wire = list[str]
    structured = True
    operators = ()

    @property
    def says(self) -> str:
        verbs = ", ".join(f".{verb}" for verb in VERBS[:-1])
        return f"a list of scopes like contacts.read: an area or {EVERYTHING}, then {verbs} or .{VERBS[-1]}"

    def cleaned(self, value: list[str]) -> list[str]:
        found = list(dict.fromkeys(value))
        if not 0 < len(found) <= MOST_SCOPES:
            raise Invalid(f"must be {self.says}; 1 to {MOST_SCOPES} of them")
        return found


class Networks(FieldType, frozen=True):
    """Networks in their usual spelling, each once; an address is a network of one."""

    wire = list[str]
    structured = True
    operators = ()

    @property
    def says(self) -> str:
        return "a list of addresses and networks like 203.0.113.7, 203.0.113.0/24, 2001:db8::/32"

    def cleaned(self, value: list[str]) -> list[str]:
        found = dict.fromkeys(self._network(text) for text in value)
        if not 0 < len(found) <= MOST_NETWORKS:
            raise Invalid(f"must be {self.says}; 1 to {MOST_NETWORKS} of them")
        return list(found)

    def _network(self, text: str) -> str:
        try:
            found = ip.network("" if "%" in text else text.strip())  # a zone names an interface of one machine
        except ValueError:
            raise Invalid(f"must be {self.says}") from None
        return str(found)


class End(Time, frozen=True):
    """When something ends: a time, or NEVER."""

    @property
    def says(self) -> str:
        return f"{super().says}, or {NEVER}"

    def meant(self, raw: Any, asker: Asker) -> Any:
        return raw if _is_never(raw) else super().meant(raw, asker)

    def cleaned(self, value: str) -> str:
        return NEVER if _is_never(value) else super().cleaned(value)


def _is_never(raw: Any) -> bool:
    return isinstance(raw, str) and raw.strip().lower() == NEVER
