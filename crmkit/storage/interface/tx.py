"""A transaction as a unit of work gets it: connection, time, who acts, its lanes, and what earlier units found out."""

from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from msgspec import Struct, field

from crmkit import ids
from crmkit.errors import Problem
from crmkit.model.actor import Actor
from crmkit.model.configuration.pipeline import Pipeline
from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.lanes import Lane

T = TypeVar("T")

# values that no record of the actor's workspace has, or only that with the id beside it: by what is known of them, by
# kind and by field (see storage/duplicates/free.py)
Free = dict[tuple[str, str, str], dict[Any, str]]

Effect = Callable[[], Awaitable[None]]  # outside the database: a mail, a wake-up


class Known(Struct):
    """What the units of one transaction found out, so that the next need not query it: nobody else writes meanwhile.

    The writer drops it whenever it may be wrong: after a unit that fails, whose statements are rolled back, and after
    one that changes who may do what. A failed attempt within a unit (see Tx.attempt) empties it if it had a savepoint;
    without one it wrote nothing that could be found out. So no entry is ever corrected; what puts a pipeline empties
    `pipelines`, what declares a key of custom `declared`, what writes a scoring rule `rules`.

    New ids of one transaction share a prefix, so their index entries fall on the same pages.
    """

    actors: dict[str, Actor] = field(default_factory=dict)  # by the id of their token
    last: dict[tuple[str, int], int] = field(default_factory=dict)  # (table, workspace's number) -> its newest row
    pipelines: dict[tuple[str, str], Pipeline] = field(default_factory=dict)  # by workspace and plural of the kind
    declared: dict[tuple[str, str], Any] = field(default_factory=dict)  # (workspace, kind) -> declared keys of custom
    rules: dict[tuple[str, str], Any] = field(default_factory=dict)  # (workspace, kind) -> its active scoring rules
    used: dict[tuple[str, str], set[str]] = field(default_factory=dict)  # (workspace, start) -> ids that begin so
    start: str = field(default_factory=ids.start)  # of new ids

    def forget(self) -> None:
        """Drop all that was found out."""
        for found in (self.actors, self.last, self.pipelines, self.declared, self.rules, self.used):
            found.clear()


class Gathered(Struct):
    """What a part of a unit has yet to write: what is read by others, rows by the statement that writes one, and what
    is added to numbers.

    `later` are the things of each writer, in the order in which they came, with the names of what they are read as. A
    number is named by the statement that adds to it, and the arguments before the one that is added. An attempt gathers
    what is its own, `beside` what was gathered before it; `is_marked` once it has a savepoint. `operations` are as they
    were before the attempt, with what was gathered before it.
    """

    beside: "Gathered | None" = None
    is_marked: bool = False
    operations: dict[str, int] = field(default_factory=dict)
    later: list[tuple[Callable[["Tx", list[Any]], None], list[Any]]] = field(default_factory=list)
    read_as: set[str] = field(default_factory=set)
    rows: dict[str, list[tuple[Any, ...]]] = field(default_factory=dict)
    sums: Counter[tuple[str, tuple[Any, ...]]] = field(default_factory=Counter)

    def join(self, other: "Gathered") -> None:
        """Add what another has gathered after this."""
        for write, items in other.later:
            self.add(write, items)
        self.read_as |= other.read_as
        for sql, rows in other.rows.items():
            self.rows.setdefault(sql, []).extend(rows)
        self.sums.update(other.sums)

    def add(self, write: Callable[["Tx", list[Any]], None], items: list[Any]) -> None:
        if self.later and self.later[-1][0] is write:
            self.later[-1][1].extend(items)
        else:
            self.later.append((write, items))


class Tx(Struct):
    """A write in progress. `now` is the same stamp throughout; `actor` is None for work of the system itself."""

    database: Connection  # for those who see to it that it has what they read; see `connection`
    now: str
    actor: Actor | None = None
    known: Known = field(default_factory=Known)
    lanes: set[Lane] = field(default_factory=set)
    effects: list[Effect] = field(default_factory=list)
    topics: set[str] = field(default_factory=set)
    operations: dict[str, int] = field(default_factory=dict)  # workspace's id -> first audit entry of its operation
    gathered: Gathered | None = None  # within `gathering`
    free: Free = field(default_factory=dict)
    # events of changed scores that this unit keeps: (webhook, plural) -> number of the delivery, old and new by id
    scored: dict[tuple[str, str], tuple[int, dict[str, tuple[float, float]]]] = field(default_factory=dict)
    country: str = ""  # of the workspace that work of the system concerns
    is_dry: bool = False  # whether all of this is taken back once the unit has returned
    proposed_at: str = ""  # when what it writes was proposed
    made: list[str] | None = None  # in a dry run, or where it is told what is written: the ids and secrets that are new
    codes: set[tuple[str, str]] | None = None  # there too: (kind, code) of each that a new record was given
    says: list[str] | None = None  # of what is shown to somebody: what a confirm token would be asked for with
    secrets: list[str] | None = None  # under a key: what the answer shows once
    # under a key: (workspace, role) of each right that was asked for, or a scope
    rights: list[tuple[str, str]] | None = None

    @property
    def by(self) -> Actor:
        """Return who acts; work of the system itself has no business asking."""
        if self.actor is None:
            raise RuntimeError("this unit of work has no actor")
        return self.actor

    @property
    def is_proposed(self) -> bool:
        """Whether it is tried for a proposal, or approved: it needs no confirm token, and is all done here."""
        return self.says is not None

    @property
    def asked_at(self) -> str:
        """The time that records have for a time that nobody sent; the log and `updated_at` have `now`."""
        return self.proposed_at or self.now

    def say(self, sentence: str) -> None:
        """Add a sentence to what somebody is shown of a proposal; nobody is shown it elsewhere."""
        if self.says is not None:
            self.says.append(sentence)

    def enter(self, *lanes: Lane) -> None:
        """Work in these lanes too, which the unit could not name before it looked.

        What was looked at must be a fact that never changes, or be looked at again. Lanes that are named together are
        entered in the order of their names, so that no two units wait for each other.
        """
        self.lanes.update(lanes)

    def after(self, effect: Effect) -> None:
        """Have this done once the transaction is durable, after the effects left before; not at all if it fails."""
        self.effects.append(effect)

    def tell(self, topic: str) -> None:
        """Wake those who listen to this topic once the transaction is durable, silent or not (see Commits)."""
        self.topics.add(topic)

    @property
    def connection(self) -> Connection:
        """The database, which holds all that was written until now, but for what nobody reads in a unit."""
        found = self.gathered
        if found is not None and (found.later or (found.beside is not None and not found.is_marked)):
            self._mark()
            self._write_later()
        return self.database

    def reading(self, name: str) -> Connection:
        """Return the database for reads of records of a kind, by its plural, and of nothing else that may be new."""
        found = self.gathered
        while found is not None:
            if name in found.read_as:
                return self.connection
            found = found.beside
        return self.database

    @contextmanager
    def gathering(self) -> Iterator[None]:
        """Write what `later`, `add_row` and `add` are given at the end of this block, all that is alike at once.

        Nothing of it is written where the block raises. What `later` is given is written before anybody has the
        `connection`; who reads other such rows within the block calls `write_gathered` before.
        """
        if self.gathered is not None:  # within another such block
            yield
            return
        self.gathered = Gathered()
        try:
            yield
            self.write_gathered()
        finally:
            self.gathered = None

    def later(self, write: Callable[["Tx", list[T]], None], item: T, name: str) -> None:
        """Have `write` write this, alone or with what came before; it is read as `name`. See `gathering`."""
        if self.gathered is None:
            write(self, [item])
        else:
            self.gathered.add(write, [item])
            self.gathered.read_as.add(name)

    def add_row(self, sql: str, row: tuple[Any, ...]) -> None:
        """Write a row; see `gathering`."""
        if self.gathered is None:
            self.database.execute(sql, row)
        else:
            self.gathered.rows.setdefault(sql, []).append(row)

    def add(self, sql: str, key: tuple[Any, ...], step: int) -> None:
        """Add to a number by a statement whose arguments are its key and the step; see `gathering`."""
        if self.gathered is None:
            self.database.execute(sql, (*key, step))
        else:
            self.gathered.sums[sql, key] += step

    def write_gathered(self) -> None:
        """Write what was gathered until now."""
        if self.gathered is None:
            return
        self._mark()
        self._write_later()
        rows, sums = self.gathered.rows, self.gathered.sums
        self.gathered.rows, self.gathered.sums = {}, Counter()
        for sql, many in rows.items():
            self.database.executemany(sql, many)
        for (sql, key), step in sums.items():
            self.database.execute(sql, (*key, step))

    def _write_later(self) -> None:
        """Write what others may read."""
        found = self.gathered
        if found is not None and found.later:
            later, found.later = found.later, []
            found.read_as.clear()
            for write, items in later:
                try:
                    write(self, items)
                except Problem as problem:  # whoever gathers it has made sure that none is raised
                    raise RuntimeError(
                        "what was gathered is refused, and whose it is is not known any more"
                    ) from problem

    def _mark(self) -> None:
        """Have the attempt that gathers begin with a savepoint, behind what was gathered before it."""
        found = self.gathered
        if found is not None and found.beside is not None and not found.is_marked:
            self.gathered = found.beside
            self.write_gathered()
            self.gathered = found
            self.database.execute("SAVEPOINT attempt")
            found.is_marked, found.operations = True, {**self.operations}

    def attempt(self, unit: "Unit[T]") -> T:
        """Return what `unit` returned for this Tx; what it raises is raised, and nothing of it stays.

        What was done before it stays, unless the error ended the whole transaction: so go on after a Problem alone.
        Within `gathering` it costs a savepoint only where it needs the database.
        """
        beside, execute = self.gathered, self.database.execute
        actor, lanes, topics, effects = self.actor, {*self.lanes}, {*self.topics}, len(self.effects)
        own = Gathered(beside, operations={**self.operations})
        if beside is None:
            execute("SAVEPOINT attempt")
            own.is_marked = True
        else:
            self.gathered = own
        try:
            found = unit(self)
        except Exception as error:
            self.gathered = beside
            if own.is_marked:
                try:
                    execute("ROLLBACK TO attempt")
                except Exception:  # there is no savepoint any more: the database gave up the whole transaction
                    raise error from None
                execute("RELEASE attempt")
                self.known.forget()
                self.free.clear()
                self.scored.clear()
            self.actor, self.operations = actor, own.operations
            self.lanes &= lanes
            self.topics &= topics
            del self.effects[effects:]
            raise
        self.gathered = beside
        if own.is_marked:
            execute("RELEASE attempt")
        if beside is not None:
            beside.join(own)
        return found


Unit = Callable[[Tx], T]  # of work: what is done in one transaction
