"""What a unit may run in, within its transaction: a dry run, or a key (see keyed)."""

from collections.abc import Collection, Sequence
from typing import Any, Protocol

from msgspec import Struct

from crmkit.model.actor import Actor
from crmkit.storage.interface.tx import Tx, Unit
from crmkit.storage.log import audit


class Outcome(Struct, frozen=True):
    """What is told of a write beside its value.

    `operation` is the id of what it logged, empty where it logged nothing. The answer must not show what is `hidden`:
    the ids that a dry run made, and in an answer that is kept the secrets.
    """

    operation: str = ""
    is_dry: bool = False
    hidden: Collection[str] = ()


NOTHING = Outcome()


def operation_of(actor: Actor | None, operations: dict[str, int]) -> str:
    """Return the id of what a transaction logged: that of the actor's workspace, if it logged there."""
    if not operations:
        return ""
    own = "" if actor is None else actor.workspace_id
    return audit.operation_id(*((own, operations[own]) if own in operations else next(iter(operations.items()))))


class Wrapper(Protocol):
    """What a unit runs in, within its transaction."""

    def run(self, tx: Tx, unit: Unit[Any]) -> Any:
        """Return what the unit returned, or what stands for it."""

    def done(self, value: Any) -> None:
        """Take note that the transaction is durable, in which `run` returned this; raises what stands for a value."""


class TakenBack(Exception):
    """Takes back what a dry run wrote, and carries the value of its unit and the ids that it made."""

    def __init__(self, value: Any, made: Sequence[str]) -> None:
        super().__init__()
        self.value = value
        self.made = made


class DryRun:
    """Takes everything back that the unit wrote. No effect is done, and nobody is told."""

    def run(self, tx: Tx, unit: Unit[Any]) -> Any:
        tx.is_dry, tx.made = True, []
        raise TakenBack(unit(tx), tx.made)

    def done(self, value: Any) -> None:
        raise TypeError("a dry run is never durable")
