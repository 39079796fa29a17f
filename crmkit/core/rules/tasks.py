"""A task tells when it was done; one that repeats opens the next when it is done.

Its series begins with the `due_at` of its first task, `repeats_from`, and goes by the clock of the workspace's zone.
Where the `due_at` of a later task is changed, that task alone is moved; where `repeat` is sent with it, or becomes
another rule, the series begins anew there. The same rule in another spelling changes nothing.
"""

from typing import Any
from zoneinfo import ZoneInfo

from crmkit.core import derived, quotas
from crmkit.core.reading import opened
from crmkit.core.rules.rule import Rule, Values, Write, has
from crmkit.errors import Problem
from crmkit.model.record import Kind, Record
from crmkit.model.recurrence.rule import BadRule, says_the_same
from crmkit.model.recurrence.series import following, last
from crmkit.storage import records

_OWN = ("due_at", "done")  # what the next task does not have from the one before, beside the unique fields
_WHY_ANOTHER = (
    'Finishing a task that repeats opens the next one; to end the series, send "repeat":null with "done":true.'
)


def _settled(write: Write, values: Values) -> Values:
    """Return the values with the time at which the task was done, and with the first time of its series."""
    told = write.told("done_at") if write.will("done", values) else None
    if told:
        values = {**values, "done_at": told}
    elif "done" in values and values["done"] != bool(write.was("done")):
        values = {**values, "done_at": write.tx.asked_at if values["done"] else None}
    if "repeat" in values or "due_at" in values:
        values = {**values, "repeats_from": _first_time(write, values)}
    return values


def _agreed(write: Write, values: Values) -> Values:
    """Return the values as they are; raises what a change to them would be refused for."""
    if "repeat" in values or "due_at" in values:
        _first_time(write, values)
    return values


def _first_time(write: Write, values: Values) -> str | None:
    """Return the first time of the series that the task is of, None if it does not repeat."""
    repeat: str | None = write.will("repeat", values)
    due_at: str | None = write.will("due_at", values)
    if repeat is None:
        return None
    if due_at is None:
        raise Problem(
            "missing_field",
            "Send due_at with repeat, or repeat as null.",
            fields={"due_at": "is needed by a task that repeats"},
        )
    begun: str | None = write.was("repeats_from")
    was: str | None = write.was("repeat")
    try:
        is_new = was is None or not says_the_same(repeat, was)
        is_new = is_new or ("repeat" in values and due_at != write.was("due_at"))
        first = due_at if is_new or begun is None or begun == write.was("due_at") else begun
        until = last(repeat, _zone(write))
        if until is not None and until < due_at:
            raise BadRule("has an UNTIL before due_at")
        following(repeat, first, due_at, _zone(write))
    except BadRule as error:
        raise Problem("invalid_value", "Send another rule in repeat.", fields={"repeat": str(error)}) from None
    return first


def _opened(write: Write, task: Record) -> None:
    """Open the task after one that was open and is done now, unless it has one already."""
    found: Any = task
    if not found.done or write.was("done") or found.repeat is None or found.due_at is None:
        return  # 0.2.0 could leave one that repeats without due_at, by an undo
    tx, kind = write.tx, write.kind
    if records.find(tx.connection, kind, tx.by.workspace_id, "follows", task.id) is not None:
        return
    try:
        due_at = following(found.repeat, found.repeats_from, max(found.due_at, tx.asked_at), _zone(write))
    except BadRule:
        due_at = None
    if due_at is None:
        write.notes.append("no next task: repeat has ended")
        return
    quotas.check(tx, write.crm.settings, kind.plural, _WHY_ANOTHER)
    given = {name: getattr(task, name) for name in _handed_on(kind)}
    new = kind.new({**given, "due_at": due_at, "repeats_from": found.repeats_from, "follows": task.id})
    another = derived.put_and_follow(tx, write.crm.kinds, kind, None, new)
    due = f" due {due_at}" if tx.by.access.allows(opened.scope(kind)) else ""
    write.notes.append(f"next: {another.handle}{due}")


def _handed_on(kind: Kind) -> list[str]:
    """Return the names of the fields that the next task has from the one before."""
    given = (field.name for field in kind.fields if field.writable or field.name_of)
    return [name for name in given if name not in _OWN and name not in kind.unique]


def _zone(write: Write) -> ZoneInfo:
    return ZoneInfo(write.tx.by.preferences.timezone)


RULE = Rule(has("due_at", "done", "repeat"), _settled, _opened, _agreed)
