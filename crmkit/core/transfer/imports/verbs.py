"""The verbs: plan an import, change its plan, start it, stop it, and tell how it stands."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from msgspec import Struct, structs

from crmkit.core import path_ids, roles
from crmkit.core.call import Call
from crmkit.core.configuration import rights
from crmkit.core.crm import Crm
from crmkit.core.reading import opened
from crmkit.core.transfer.imports import dry_run, job, options, rows, source
from crmkit.core.transfer.imports.dry_run import Expected
from crmkit.core.transfer.imports.source import SentFile, Source
from crmkit.errors import Problem, in_quotes
from crmkit.model.actor import Actor, Asker
from crmkit.model.names import clean
from crmkit.model.record import Kind
from crmkit.storage import jobs
from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.tx import Tx
from crmkit.storage.interface.workspace import Workspace
from crmkit.storage.log import operations
from crmkit.storage.transfer import imports, refused
from crmkit.storage.transfer.imports import PLANNED, PREFIX, STOPPED, Import, Options
from crmkit.storage.transfer.refused import RefusedRow
from crmkit.storage.transfer.uploads import Upload

MOST_WAITING = 20  # imports of a workspace that have not ended, each with its file
MOST_LARGE = 4  # of the largest files that may be sent: as many bytes all of them may have
SHOWN = 10  # refused rows in the answer to a plan
MOST_LEFT_OUT = 10  # lines of a file, that are no rows and are named
NEWEST = 100  # imports that are listed

_WHERE = "GET /imports lists them."


class Standing(Struct, frozen=True):
    """An import, and the first of its refused rows, without their cells; how many `more` there are.

    `undone` are the operations that took back what it wrote, that took this back, and so on.
    """

    found: Import
    rows: list[RefusedRow]
    more: int = 0
    undone: Sequence[str] = ()


class Report(Struct, frozen=True):
    """The refused rows under titles: their own, but for the columns whose cells are `exact`, values of custom.

    Those have other values than texts, so they are called as an export calls them.
    """

    titles: list[str]
    exact: set[int]
    rows: Iterator[RefusedRow]


async def admit(call: Call) -> None:
    """Raise `in_progress` where a workspace has so many imports that no file is taken."""
    await call.read(_check_room, call.crm, call.actor.workspace_id)


async def plan(call: Call, upload: Upload, sent: Mapping[str, Any], starts: bool) -> Standing:
    """Return the new import of a file, which is started at once if it `starts`.

    Raises `invalid_file`, what is wrong with the options, and `in_progress` as `admit`.
    """
    chosen = options.of_new(call.crm.kinds, sent, str(call.asker.zone))
    await _check_rights(call, chosen)
    file = SentFile(upload.path, upload.name, upload.content_type)
    read, made, expected = await _planned(call, file, chosen, tries=not starts)
    now = call.now

    def unit(tx: Tx) -> Standing:
        _check_role(tx, call, chosen)
        _check_room(tx.connection, call.crm, tx.by.workspace_id, upload.size)
        found = imports.new(tx, structs.replace(made, file=upload.path.name))
        refused.keep(tx, found.workspace_id, found.id, expected.rows)
        upload.keep(tx)
        if starts:
            return Standing(job.begin(tx, found, now), [])
        return Standing(found, expected.rows[:SHOWN], max(0, found.refused - SHOWN))

    return _known(call, await call.write(unit), read)


async def change(call: Call, id: str, sent: Mapping[str, Any]) -> Standing:
    """Return a planned import, planned anew with what was sent in place of its options."""
    before = await _find(call, id)
    _check_planned(before)
    chosen = options.changed(call.crm.kinds, before.options, sent)
    await _check_rights(call, chosen)
    read, made, expected = await _planned(call, SentFile.of(call.crm, before), chosen, tries=True)

    def unit(tx: Tx) -> Standing:
        _check_role(tx, call, chosen)
        found = _existing(tx.connection, before.workspace_id, before.id)
        _check_planned(found)
        if found.options != before.options:
            raise Problem("in_progress", f"{id} was changed meanwhile: GET /imports/{found.id}, then send it again.")
        names = ("options", "columns", "notes", "kept", "rows", "tried", "creates", "updates", "refused")
        refused.drop(tx, found.workspace_id, found.id)
        refused.keep(tx, found.workspace_id, found.id, expected.rows)
        found = imports.change(tx, found, **{name: getattr(made, name) for name in names})
        return Standing(found, expected.rows[:SHOWN], max(0, found.refused - SHOWN))

    return _known(call, await call.write(unit), read)


async def start(call: Call, id: str) -> Standing:
    """Return an import that runs from now on, if it is planned; as it is if it runs."""
    bare, now = _bare(call, id), call.now

    def unit(tx: Tx) -> Standing:
        found = _existing(tx.connection, tx.by.workspace_id, bare)
        if found.state == imports.RUNNING:
            return Standing(found, [])
        _check_planned(found)
        _check_role(tx, call, found.options)
        return Standing(job.begin(tx, found, now), [])

    return await call.write(unit)


async def stop(call: Call, id: str) -> Standing:
    """Return an import that is stopped, if it had not ended; what it wrote stays. Who may start one may stop it too."""
    if not call.actor.access.allows("imports.delete"):
        call.actor.access.check("imports.write")
    bare = _bare(call, id)

    def unit(tx: Tx) -> Standing:
        found = _existing(tx.connection, tx.by.workspace_id, bare)
        if not found.has_ended:
            if found.job_id:
                jobs.stop(tx, found.workspace_id, found.job_id)
            else:  # nothing of a plan was written
                found = imports.change(tx, found, creates=0, updates=0)
            found = job.end(call.crm, tx, found, STOPPED)
        some = refused.first(tx.connection, found.workspace_id, found.id, SHOWN)
        return Standing(found, some, found.refused - len(some))

    return await call.write(unit)


async def find(call: Call, id: str, most: int) -> Standing:
    """Return an import with so many of its refused rows; raises `not_found`.

    Raises `scope_required` where the token does not read the kind of its records.
    """
    found = await call.read(standing, call.actor.workspace_id, _bare(call, id), most)
    call.actor.access.check(_read_of(call, found.found))
    return found


def standing(connection: Connection, workspace_id: str, bare: str, most: int) -> Standing:
    """Return an import with so many of its refused rows; raises `not_found`."""
    found = _existing(connection, workspace_id, bare)
    some = refused.first(connection, workspace_id, bare, most) if most else []
    _, *undone = operations.chain(connection, workspace_id, found.operation) if found.has_ended else [""]
    return Standing(found, some, found.refused - len(some), undone)


def all_refused(connection: Connection, found: Import, most: int) -> tuple[Iterator[RefusedRow], int]:
    """Return so many refused rows of an import, as they are read, and how many more it refused.

    Those more are the rows beyond, and those that were dropped already since its report is no longer kept.
    """
    kept = refused.count(connection, found.workspace_id, found.id)
    rows = refused.each(connection, found.workspace_id, found.id, most)
    return rows, found.refused - min(kept, most)


async def newest(call: Call) -> list[Import]:
    """Return the newest imports of the workspace, of the kinds that the token reads."""
    found = await call.read(imports.newest, Workspace.of(call.actor), NEWEST)
    return [each for each in found if call.actor.access.allows(_read_of(call, each))]


def _read_of(call: Call, found: Import) -> str:
    """Return what a token needs to read the records of an import."""
    return opened.scope(call.crm.kinds.by_word[found.options.kind])


def report(connection: Connection, found: Import) -> Report:
    """Return all refused rows of an import, as they are read."""
    place, titles = (found.workspace_id, found.id), list(found.titles)
    customs = {at: each.field for at, each in enumerate(found.columns) if each.is_custom}
    exact = set[int]()
    for row in refused.all_of(connection, *place) if customs else ():
        exact |= {at for at in customs if not isinstance(row.cells[at], str | None)}
    for at in exact:
        titles[at] = customs[at]
    return Report(titles, exact, refused.all_of(connection, *place))


async def _check_rights(call: Call, chosen: Options) -> None:
    """Raise `scope_required` or `admin_required`, before a file is read, where the caller may not write its records."""
    kind = call.crm.kinds.by_word[chosen.kind]
    _check_scope(call.actor, kind)
    if kind.is_admins:
        await rights.check_admin(call)


def _check_role(tx: Tx, call: Call, chosen: Options) -> None:
    kind = call.crm.kinds.by_word[chosen.kind]
    _check_scope(tx.by, kind)
    if kind.is_admins:
        roles.check_admin(tx)


def _check_scope(actor: Actor, kind: Kind) -> None:
    """Raise `scope_required` where a token may not write a kind; each row of views is asked for more (Crm.checks)."""
    if kind.is_admins or not kind.is_setting:
        actor.access.check(f"{kind.area}.write")


async def _planned(call: Call, file: SentFile, chosen: Options, tries: bool) -> tuple[Source, Import, Expected]:
    """Return a file, the import that it would be, and what is expected of its rows if it `tries` them."""
    asker = Asker(call.actor.email, ZoneInfo(chosen.zone), call.actor.preferences, call.now)
    read = await source.opened(call, file, chosen, asker)
    expected = await dry_run.expected_of(call, read, asker) if tries else Expected()
    table, notes = read.table, _notes(read)
    made = Import(
        workspace_id="",
        id="",
        state=PLANNED,
        options=chosen,
        file="",
        name=file.name,
        content_type=file.content_type,
        titles=list(table.titles),
        columns=read.columns,
        notes=[*notes, *_expected(read, expected, tries)],
        kept={**read.plan.kept, "notes": notes},
        rows=table.count,
        tried=expected.tried,
        done=0,
        creates=expected.creates,
        updates=expected.updates,
        refused=expected.refused,
        error="",
        job_id="",
        op=None,
        by="",
        created_at="",
        ended_at=None,
    )
    return read, made, expected


def _known(call: Call, standing: Standing, read: Source) -> Standing:
    """Return how an import stands, of which the job need not read the file through again."""
    if not call.outcome.is_dry:
        call.crm.planned_files.keep(standing.found.file, read)
    return standing


def _notes(read: Source) -> list[str]:
    """Return what is told of a file, whatever becomes of its rows."""
    left = read.table.left_out
    notes = [f"left out, since it is no row: {in_quotes([clean(text)])}" for _, text in left[:MOST_LEFT_OUT]]
    notes += (
        [f"left out, since they are no rows: {len(left) - MOST_LEFT_OUT} more"] if len(left) > MOST_LEFT_OUT else []
    )
    return [*notes, *read.plan.notes]


def _expected(read: Source, expected: Expected, tries: bool) -> list[str]:
    """Return what is told of what is expected of the rows."""
    notes = []
    if tries and expected.tried < read.table.count:
        notes.append(f"the first {expected.tried:,} of {read.table.count:,} rows were tried")
    if expected.limit is not None:
        facts = expected.limit.facts
        told = f"the plan {facts['plan']} allows {facts['cap']} {facts['resource']} and {facts['used']} are used"
        notes.append(f"{told}: the import stops there")
    return [*notes, *rows.notes_of(read.kind, expected.alike, expected.unread)]


def _check_room(connection: Connection, crm: Crm, workspace_id: str, size: int = 1) -> None:
    """Raise `in_progress` where one more import, whose file has this size, would be too much."""
    files = imports.files(connection, workspace_id)
    mib = MOST_LARGE * crm.settings.limits.import_mib
    if len(files) >= MOST_WAITING or size + sum(map(crm.uploads.size, files)) > mib * 1024**2:
        hint = f"{len(files)} imports have not ended, of {MOST_WAITING} with {mib:,} MiB together: DELETE one, or wait."
        raise Problem("in_progress", f"{hint} {_WHERE}")


def _check_planned(found: Import) -> None:
    """Raise `in_progress` for an import that runs, `invalid_value` for one that has ended."""
    if found.state == imports.RUNNING:
        raise Problem("in_progress", f"{found.id} runs: GET /imports/{found.id} tells how far it is, DELETE stops it.")
    if found.has_ended:
        hint = (
            f"Send the file again: {found.id} is {found.state}. GET /imports/{found.id}?format=csv gives refused rows."
        )
        raise Problem("invalid_value", hint, fields={"state": f"is {found.state}"})


async def _find(call: Call, id: str) -> Import:
    return await call.read(_existing, call.actor.workspace_id, _bare(call, id))


def _existing(connection: Connection, workspace_id: str, bare: str) -> Import:
    found = imports.find(connection, workspace_id, bare)
    if found is None:
        kept = f"a plan is kept for {imports.PLAN_HOURS} hours, a report for {imports.REPORT_DAYS} days"
        raise Problem("not_found", f"There is no import {bare} in this workspace; {kept}. {_WHERE}")
    return found


def _bare(call: Call, id: str) -> str:
    return path_ids.bare(call.crm.kinds.prefixes, id, PREFIX, _WHERE)
