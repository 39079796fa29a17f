"""A request under a key is done once: what it was answered is kept in the transaction of its write."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from crmkit.core.people import access
from crmkit.core.requests.wrapper import Outcome, operation_of
from crmkit.errors import Problem
from crmkit.storage.interface.tx import Tx, Unit
from crmkit.storage.requests import answers
from crmkit.storage.requests.answers import Kept, Sent

if TYPE_CHECKING:
    from crmkit.core.call import Call

T = TypeVar("T")

SCOPE = "scope"  # in place of the workspace of a right: a scope of the token stands for the role

Shows = Callable[[Any, Outcome], Sent]  # the answer to a write from its value: pure, also on the writer's thread


class Replayed(Exception):
    """Raised by a write that was done before, with the answer of then."""

    def __init__(self, answer: Sent) -> None:
        super().__init__()
        self.answer = answer


class Keyed:
    """Writes once for each key of a token, and keeps the answer of that request in the same transaction.

    `request` is the hash of the request, and `shows` makes the answer. Errors are not kept. `call` is another than that
    of the request, for what is written beside it.
    """

    def __init__(self, call: "Call", key: str, request: bytes, shows: Shows) -> None:
        self._call = call
        self._place = call.actor.workspace_id, call.actor.token_id, key
        self._request = request
        self._shows = shows
        self._was_asked = False  # whether an earlier answer was looked for
        self._has_written = False
        self._value: Any = None  # what the unit returned
        self._sent: Sent | None = None
        self._operation = self._needs = ""
        self._secrets: Sequence[str] = ()

    async def answer(self, handled: Awaitable[Any]) -> tuple[Sent, bool]:
        """Return the answer to a request whose handler is `handled`, and whether it is a replay.

        Where the handler returns another value than its write, because it waited for what that began, the answer shows
        this value in the end. A request that fails before its write is answered by an earlier answer too.
        """
        try:
            value = await handled
            if self._sent is not None and value is self._value:
                return self._sent, False
            return await self._write(lambda tx: self._kept(tx, value)), False
        except Replayed as replayed:
            return replayed.answer, True
        except Exception:
            if self._has_written:
                await self._write(lambda tx: answers.drop(tx, self._place))
            elif not self._was_asked and (found := await self._write(self._found)) is not None:
                self._check_answered()
                return found, True
            raise
        finally:
            if self._has_written:
                self._call.crm.unanswered.discard(self._place)

    def run(self, tx: Tx, unit: Unit[Any]) -> Any:
        if self._has_written:
            raise TypeError("a request under a key writes once, so that what is kept is all of its answer")
        self._was_asked = True
        found = self._found(tx)
        if found is not None:
            return Replayed(found)
        tx.rights, tx.secrets = [], []
        value = unit(tx)
        if not isinstance(value, Problem):
            self._operation, self._secrets = operation_of(self._call.actor, tx.operations), tx.secrets
            rights = dict.fromkeys(tx.rights) if tx.rights else ()
            self._needs = "\n".join([f"{id} {role}" for id, role in rights if _has(tx, id, role)])
            self._value, self._sent = value, self._kept(tx, value)
        return value

    def done(self, value: Any) -> None:
        if isinstance(value, Replayed):
            self._check_answered()
            raise value
        if not isinstance(value, Problem):
            self._has_written = True
            self._call.crm.unanswered.add(self._place)  # until `answer` returns

    def _check_answered(self) -> None:
        if self._place in self._call.crm.unanswered:
            raise Problem(
                "in_progress",
                "The first request with this key is not answered yet: send it again in a few seconds.",
                headers={"Retry-After": "2"},
            )

    def _found(self, tx: Tx) -> Sent | None:
        """Return the answer that was kept; raises `idempotency_mismatch`, and what the lack of its rights raises."""
        found = answers.find(tx, self._place)
        if found is None:
            return None
        if found.request != self._request:
            raise Problem(
                "idempotency_mismatch",
                "Another request was sent with this key. Send a new key with a new request; to repeat the old one, "
                "send the same method, path, query and body.",
            )
        for need in found.needs.splitlines():
            _enter(tx, *need.split(" "))
        if found.is_erased:
            raise Problem(
                "idempotency_mismatch",
                "This request was done. Its answer is kept no more: it told of a person who was erased since, or the "
                "token was narrowed since. Send a new key only if you mean to do it again.",
            )
        return found.answer

    def _kept(self, tx: Tx, value: Any) -> Sent:
        """Keep the answer that shows this value, and return it, with its secrets."""
        sent = self._shows(value, Outcome(self._operation))
        kept = self._shows(value, Outcome(self._operation, hidden=self._secrets)) if self._secrets else sent
        answers.keep(tx, self._place, Kept(self._request, self._needs, kept))
        return sent

    async def _write(self, unit: Unit[T]) -> T:
        return await self._call.write(unit, asks_code=True, silent=True)


def _enter(tx: Tx, workspace_id: str, role: str) -> None:
    if workspace_id == SCOPE:
        tx.by.access.check(role)
    elif role == "admin":
        access.enter_as_admin(tx, workspace_id)
    else:
        access.enter_as_member(tx, workspace_id)


def _has(tx: Tx, workspace_id: str, role: str) -> bool:
    """Tell whether the actor still has a right after the write, which may have ended it."""
    actor, rights = tx.actor, tx.rights
    tx.rights = None
    try:
        _enter(tx, workspace_id, role)
    except Problem:
        return False
    finally:
        tx.actor, tx.rights = actor, rights
    return True
