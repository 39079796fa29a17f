"""Wiring: the only place that names the concrete parts and puts them together.

What serves is imported when it is asked for: `crmkit doctor`, `token` and `migrate` need no web server.
"""

import asyncio
import gc
import logging
import resource
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
from msgspec.structs import replace

from crmkit.announcement import announcement, warnings
from crmkit.clock import Clock, stamp, system_clock
from crmkit.core.call import Call
from crmkit.core.configuration import building, countries
from crmkit.core.crm import Crm
from crmkit.core.erasure import job as erasing
from crmkit.core.examining import plans
from crmkit.core.jobs.kind import JobKinds
from crmkit.core.jobs.runner import run_jobs
from crmkit.core.many import in_steps
from crmkit.core.oauth.documents import LOOKUPS, Documents
from crmkit.core.operating.backups import compact
from crmkit.core.people import login, operator
from crmkit.core.pruning.task import prune
from crmkit.core.scoring import nightly
from crmkit.core.scoring import run as scoring
from crmkit.core.sealing.sealing import keep_sealed
from crmkit.core.transfer import uploads
from crmkit.core.transfer.imports import job as importing
from crmkit.core.undo import job as undoing
from crmkit.core.upkeep import keep_up
from crmkit.core.webhooks import job as telling
from crmkit.core.webhooks.waking import wake_webhooks
from crmkit.ip import Networks
from crmkit.mail import mailer
from crmkit.model.record import Kinds
from crmkit.operate import backups
from crmkit.outbound.client import Outbound
from crmkit.outbound.names import Resolver
from crmkit.records import DECLARED, kinds_of
from crmkit.settings import Settings, SettingsError, check_https, load
from crmkit.storage import secret
from crmkit.storage.data_folder import usable
from crmkit.storage.interface.brand import Backup, Brand, Pending, Restored
from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.database import InUse
from crmkit.storage.interface.lanes import Lanes, mail_lane
from crmkit.storage.interface.tx import Tx
from crmkit.storage.people import accounts
from crmkit.storage.sqlite.brand import SQLITE
from crmkit.storage.transfer.uploads import Uploads

if TYPE_CHECKING:
    from crmkit.core.sealing.verify import Verdict
    from crmkit.core.transfer.snapshots.archive import Manifest
    from crmkit.core.transfer.snapshots.arrive import Run
    from crmkit.web.connection.accesslog import AccessLog
    from crmkit.web.edge import Edge
    from crmkit.web.route import Route

T = TypeVar("T")

BESIDE = "beside requests"  # all work of which one process does each
OWN_FILES = 128  # descriptors kept free for the database, mail, and refusals of surplus clients
KINDS = kinds_of(DECLARED)
JOBS = JobKinds(
    *(*building.JOBS, countries.job_of(KINDS), in_steps.JOB),
    *(undoing.JOB, importing.JOB, erasing.JOB, telling.JOB),
    *(scoring.JOB, nightly.JOB),
)
NEW_OBJECTS = 10_000  # before the garbage collector looks for cycles among them; Python's own number is 700


def brand_of(settings: Settings) -> Brand:
    """Return the brand of the database that `[server] data` names: a folder is SQLite's."""
    if not settings.server.is_remote:
        return SQLITE
    scheme = settings.server.data.partition("://")[0]
    if scheme not in ("postgresql", "postgres"):
        raise SettingsError(f"[server] data is a folder or starts with postgresql://, not with {scheme}://")
    try:
        from crmkit.storage.postgres.brand import postgres  # its driver is an extra
    except ImportError:
        raise SettingsError(
            "[server] data names a PostgreSQL: pip install 'crmkit[postgres]' brings its driver beside an installed "
            "package; neither the one file of a release nor the container has it"
        ) from None
    return postgres(settings.server.data)


def load_settings(
    file: Path | None = None,
    environ: Mapping[str, str] | None = None,
    flags: Mapping[tuple[str, str], Any] | None = None,
    kinds: Kinds = KINDS,
) -> Settings:
    """Return the settings of all layers (see settings.load)."""
    return load(file, environ, flags, kinds.capped)


def crm_of(
    settings: Settings,
    clock: Clock = system_clock,
    brand: Brand | None = None,
    kinds: Kinds = KINDS,
    jobs: JobKinds = JOBS,
) -> Crm:
    """Return the product's parts, not yet opened.

    Raises SettingsError for a mail setting or key that is none, Unusable for a folder that cannot be used.
    `brand` is that of the settings unless another is given.
    """
    folder, brand = _data(settings), brand or brand_of(settings)
    try:
        with usable(folder):
            database = brand.open(folder, clock)
            key = secret.read_or_make(folder)
        send = mailer(settings.mail.smtp_url, settings.mail.sender, as_json=settings.server.log == "json")
    except (ValueError, OSError) as error:
        raise SettingsError(str(error)) from None
    allowed = Networks(settings.webhooks.allow)
    # strangers name the hosts of documents, so their lookups take no place of those of webhooks
    documents = Documents(Outbound(allowed, Resolver(at_once=LOOKUPS)), clock)
    own = partial(brand.is_backup_of, folder)
    return Crm(settings, database, send, key, clock, kinds, jobs, Uploads(folder), Outbound(allowed), documents, own)


def application(crm: Crm, log: "AccessLog | None" = None, more: "Sequence[Route]" = ()) -> "Edge":
    """Return the ASGI application, with `more` routes; it opens the database at startup."""
    from crmkit.faces.registry import FORMS, faces_of
    from crmkit.mcp import endpoint as mcp
    from crmkit.web.app import build
    from crmkit.web.connection.accesslog import AccessLog

    @asynccontextmanager
    async def running() -> AsyncIterator[None]:
        async with crm.database:
            await uploads.clear(Call(crm))
            beside = begin(crm.database.alone(BESIDE, partial(_beside, crm)))
            try:
                yield
            finally:
                beside.cancel()
                await asyncio.gather(beside, return_exceptions=True)

    crm.forms.update(FORMS)
    return build(
        crm, log or AccessLog(crm.settings.server.log), running, [*mcp.routes(crm.settings), *more], faces_of(crm)
    )


async def _beside(crm: Crm) -> None:
    """Do all work beside requests until cancelled."""
    work = [each(Call(crm)) for each in (keep_up, prune, run_jobs, wake_webhooks, keep_sealed)]
    if crm.settings.backup.every_hours:
        work.append(backups.make_regularly(crm.settings, crm.clock, crm.is_backup))
    tasks = [begin(each) for each in work]
    try:
        await asyncio.gather(*tasks, return_exceptions=True)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def begin(work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    """Return the task of work beside requests, which goes on until it is cancelled; should it fail, that is logged."""

    def tell(task: asyncio.Task[None]) -> None:
        error = None if task.cancelled() else task.exception()
        if error is not None:
            told = "%s ended by a fault and is not done any more: restart the server"
            logging.getLogger("crmkit").critical(told, task.get_name(), exc_info=error)

    task = asyncio.create_task(work, name=getattr(work, "__name__", None))
    task.add_done_callback(tell)
    return task


def serve(settings: Settings, token_command: str, jobs: JobKinds = JOBS) -> None:
    """Serve until SIGTERM or SIGINT, then finish what is running and return.

    `token_command` is what the operator of this data types to get a token.
    Raises SettingsError, InUse, Newer and Unusable before anything is listened on.
    """
    from crmkit.web.connection.accesslog import AccessLog
    from crmkit.web.connection.logwriter import FLUSH_SECONDS, take_all
    from crmkit.web.connection.server import Server

    check_https(settings)
    backups.check(settings)
    crm = crm_of(settings, jobs=jobs)
    listener = _listener(settings)
    settings = _with_port(settings, listener.getsockname()[1])
    crm = replace(crm, settings=settings)
    # opened and closed once before uvicorn starts, so that a fault is one clear line and not a traceback
    is_empty, faults = asyncio.run(_tried(crm))
    log = AccessLog(settings.server.log)
    take_all(log.writer)
    server = Server(application(crm, log), settings, _most_connections())

    def stop(*_: object) -> None:
        server.should_exit = True

    for number in (signal.SIGTERM, signal.SIGINT):  # until uvicorn listens to them; it raises them again at its end
        signal.signal(number, stop)
    freeze_startup_objects()
    caution = brand_of(settings).caution
    for line in (*warnings(settings), *faults, *([caution] if caution else [])):
        print(f"crmkit: {line}", file=sys.stderr)
    print(announcement(settings, is_empty, token_command), flush=True)
    try:
        server.run(sockets=[listener])
    except Exception as error:  # told in the form of the log
        logging.getLogger("crmkit").critical("the server ended by a fault", exc_info=error)
        raise SystemExit(1) from None
    finally:
        log.writer.flush(FLUSH_SECONDS)


def _most_connections() -> int:
    """Let the process open as many files as it may, and return how many of them connections may take."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    except (OSError, ValueError):  # macOS takes no limit past its own
        hard = soft
    files = sys.maxsize if hard == resource.RLIM_INFINITY else hard
    return max(files - OWN_FILES, files // 2)


def freeze_startup_objects() -> None:
    """Keep the garbage collector from looking at objects that live as long as the process, and from running often.

    Requests leave no cycles behind, yet many at once make enough objects to have it run again and again. The start, for
    which the program turns it off, leaves some hundred objects in cycles: fewer than are worth a look at all others.
    """
    gc.freeze()
    gc.set_threshold(NEW_OBJECTS)
    gc.enable()


def migrate_now(settings: Settings) -> list[str]:
    """Bring the database up to date and return the names of the migrations applied."""
    with usable(_data(settings)):
        return brand_of(settings).migrate(_data(settings))


def pending_migrations(settings: Settings) -> Pending:
    """Return what bringing the database up to date would do; nothing is changed."""
    with usable(_data(settings)):
        return brand_of(settings).pending(_data(settings))


def back_up(settings: Settings, file: Path, keep: int | None) -> tuple[Backup, list[Path]]:
    """Make a backup of the data (see backups.back_up); a server may run or not."""
    with usable(_data(settings)):
        return backups.back_up(brand_of(settings), _data(settings), file, keep, stamp(system_clock()))


def restore(settings: Settings, file: Path) -> Restored:
    """Put a backup in the place of the data, which is kept; no server may run."""
    with usable(_data(settings)):
        return brand_of(settings).restore(_data(settings), file, compact(stamp(system_clock())))


def operator_token(settings: Settings, email: str, name: str) -> login.SignedIn:
    """Return a fresh token for an address, for the operator who holds the data; a server may run or not."""
    email, name = operator.checked(email, name)
    crm = crm_of(settings)

    def unit(tx: Tx) -> login.SignedIn:
        operator.check_enabled(tx.connection, email)
        return login.sign_in(tx, crm, email, name)

    return run(settings, unit, [mail_lane(email)])


def run(settings: Settings, unit: Callable[[Tx], T], lanes: Lanes) -> T:
    """Return what a unit of the operator returned, who holds the data; a server may run, and notices."""
    with usable(_data(settings)):
        return brand_of(settings).run(_data(settings), unit, lanes, stamp(system_clock()))


def read(settings: Settings, work: Callable[[Connection], T]) -> T:
    """Return `work(connection)`, what the operator reads of the data; a server may run."""
    with usable(_data(settings)):
        return brand_of(settings).read(_data(settings), work)


def export_workspace(settings: Settings, id: str, file: Path, kinds: Kinds = KINDS) -> "Manifest":
    """Write the archive of the workspace with this id to a file of mode 0600, and return what it holds.

    A server may run or not. The file is there once it is whole, in place of one of that name. Raises ValueError.
    """
    from crmkit.core.transfer.snapshots import operator

    return operator.export(partial(read, settings), kinds, stamp(system_clock()), id, file)


def import_workspace(settings: Settings, file: Path, kinds: Kinds = KINDS) -> "Manifest":
    """Write a workspace as its archive has it, and return what that holds; a server may run or not.

    Raises ValueError, which says why nothing was imported.
    """
    from crmkit.core.transfer.snapshots import operator

    folder = _data(settings)

    @contextmanager
    def runs() -> "Iterator[tuple[Run, bytes]]":
        with usable(folder), brand_of(settings).runs(folder) as run_next:

            def run(unit: Callable[[Tx], T], lanes: Lanes) -> T:
                return run_next(unit, lanes, stamp(system_clock()))

            yield run, secret.read_or_make(folder)

    return operator.import_(runs, kinds, settings.plans.default, file)


def verify_log(settings: Settings, head: str = "") -> "Verdict":
    """Return how the audit log is, once all of it is sealed; a server may run or not. Raises ValueError."""
    from crmkit.core.sealing import verify

    folder, brand = _data(settings), brand_of(settings)
    with usable(folder):
        brand.read(folder, lambda connection: None)  # brings the data up to date
    with usable(folder), brand.reads(folder) as read:
        key = secret.read(folder)
        unsealed = list[str]()
        with suppress(InUse):  # beside a server that may not be written beside: it seals by itself
            unsealed = verify.seal(read, partial(brand.runs, folder), key, stamp(system_clock()))
        return verify.verify(read, key, head, unsealed)


def renew_log(settings: Settings) -> "Verdict":
    """Seal the audit log anew, whatever its seals hold, and return how it is then; raises InUse beside a server."""
    from crmkit.core.sealing import verify

    folder, brand = _data(settings), brand_of(settings)
    with usable(folder), brand.renewing(folder) as run, brand.reads(folder) as read:
        return verify.renew(read, run, secret.read_or_make(folder), stamp(system_clock()))


def _data(settings: Settings) -> Path:
    return settings.server.folder


async def _tried(crm: Crm) -> tuple[bool, list[str]]:
    """Open the database and close it again; tell whether nobody has an account in it, and what does not fit in it."""
    with usable(_data(crm.settings)):
        async with brand_of(crm.settings).open(_data(crm.settings), crm.clock) as database:
            undeclared = await database.read(None, plans.undeclared, crm.settings.plans)
            return await database.read(None, accounts.has_nobody), [undeclared] if undeclared else []


def _listener(settings: Settings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.server.host else socket.AF_INET
    listener = socket.socket(family)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.server.host, settings.server.port))
    except OSError as error:
        raise SettingsError(
            f"cannot listen on {settings.server.host} port {settings.server.port}: {error.strerror}; "
            "use --port for another (0 takes a free one)"
        ) from None
    return listener


def _with_port(settings: Settings, port: int) -> Settings:
    return msgspec.structs.replace(settings, server=msgspec.structs.replace(settings.server, port=port))


def manual_text() -> str:
    """Return the manual as HELP.txt has it: that of a server with default settings."""
    from crmkit.render.manual.pages import manual
    from crmkit.web.app import routes
    from crmkit.web.routing.table import endpoints_of

    return manual(Settings(), KINDS, endpoints_of(routes(KINDS))).whole
