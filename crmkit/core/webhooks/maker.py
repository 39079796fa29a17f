"""Whose rights a webhook has: those of who wrote it last, as they are at each moment."""

from collections.abc import Callable, Collection, Sequence

from crmkit.core.webhooks import events
from crmkit.errors import listed
from crmkit.model.access import Access
from crmkit.model.events import names
from crmkit.model.record import Kinds
from crmkit.storage.interface.connection import Connection
from crmkit.storage.people import accounts, tokens
from crmkit.storage.webhooks.keys import Key


def lacks(connection: Connection, kinds: Kinds, key: Key, chosen: Sequence[str]) -> str:
    """Return the sentence that says which right is gone, so that nothing is sent; empty while there is none."""
    role = accounts.role(connection, key.workspace_id, key.user_id)
    if role is None:
        return "who wrote it last is no member any more"
    if role != "admin":
        return "who wrote it last is no admin any more"
    if accounts.is_disabled(connection, accounts.user(connection, key.user_id).email):
        return "the account of who wrote it last is disabled"
    found = reads(connection, kinds, key)
    if found is None:
        return "the app that wrote it is not connected any more"
    lost = [noun for noun in names.nouns(chosen) if not found(noun)]
    return f"who wrote it last may not read {listed([kinds.by_word[noun].plural for noun in lost])}" if lost else ""


def reads(connection: Connection, kinds: Kinds, key: Key) -> Callable[[str], bool] | None:
    """Return what tells whether records of a kind, by its name, may be told; None if nothing may.

    A token that was narrowed since tells less. One that ended tells what it did, but for that of an app.
    """
    use = tokens.use(connection, key.token_id)
    if use is None and key.is_app:
        return None
    held = [Access(key.access), *([] if use is None else [use.actor.access])]
    return lambda noun: all(each.allows(f"{kinds.by_word[noun].area}.read") for each in held)


def told(connection: Connection, kinds: Kinds, key: Key, chosen: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the kinds, by their names, of which it is told, and those that were chosen and are not told."""
    may = reads(connection, kinds, key) or (lambda noun: False)
    wanted = (
        names.nouns(chosen) if names.ALL not in chosen else [each.name for each in (*kinds.records, kinds.activity)]
    )
    return [noun for noun in wanted if may(noun)], [noun for noun in wanted if not may(noun)]


def note(connection: Connection, kinds: Kinds, key: Key, chosen: Sequence[str]) -> str:
    """Return the sentence that says of how much less it is told than was chosen; empty where it is told of all."""
    found, lacking = told(connection, kinds, key, chosen)
    if not lacking:
        return ""
    of = f"{listed([kinds.by_word[noun].plural for noun in found])} alone" if found else "nothing"
    return f"it is told of {of}: the token that wrote it last reads no other kind"


def wanted(
    connection: Connection, kinds: Kinds, key: Key, chosen: Sequence[str], alone: Collection[str] = ()
) -> events.Wanted:
    """Return what tells whether a webhook is told of an event of one record; those of `alone` kinds one by one."""
    may = reads(connection, kinds, key)

    def is_wanted(name: str) -> bool:
        return names.wants(chosen, name) and may is not None and may(name.partition(".")[0])

    return events.Wanted(is_wanted, alone)
