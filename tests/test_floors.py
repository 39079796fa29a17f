"""The floors of the house: a module imports from its own package and from floors below, from nowhere else of ours.

Besides, only a Call reads and writes.
"""

import ast
import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import crmkit

SOURCE = Path(crmkit.__file__).parent

# room -> floor; a module at the top of the package is a room of its own, the package itself holds the version
FLOORS = {
    "": 0,
    "errors": 0,
    "base64url": 0,
    "ids": 0,
    "clock": 0,
    "histogram": 0,
    "ip": 0,
    "settings": 0,
    "plans": 0,
    "model": 1,
    "records": 2,
    "render": 2,
    "files": 2,
    "storage": 2,
    "mail": 2,
    "outbound": 2,
    "core": 3,
    "web": 4,
    "mcp": 5,
    "faces": 5,
    "operate": 6,
    "cli": 6,
    "boot": 6,
    "announcement": 6,
    "__main__": 6,
}
LONGEST = 400  # lines of one file
FRAMEWORKS = {"litestar", "uvicorn", "aiosqlite", "sqlite3", "pysqlite3", "aiosmtplib", "asyncio", "socket", "smtplib"}


def modules() -> dict[str, Path]:
    """Return every module of the package by its dotted name."""
    found = {}
    for file in sorted(SOURCE.rglob("*.py")):
        parts = ("crmkit", *file.relative_to(SOURCE).with_suffix("").parts)
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = file
    return found


MODULES = modules()
TOOLS = ("tests", "bench", "attack", "release")  # beside the package
SOURCES = [*MODULES.values(), *(file for tool in TOOLS for file in sorted((SOURCE.parent / tool).rglob("*.py")))]


def imports(name: str, tree: ast.AST, known: dict[str, Path]) -> Iterator[tuple[int, str]]:
    """Yield (line, module) for everything that a module's source imports, wherever in it the import stands."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                inside = name if name in known and known[name].name == "__init__.py" else name.rpartition(".")[0]
                up = inside.split(".")[: len(inside.split(".")) - node.level + 1]
                base = ".".join([*up, *([base] if base else [])])
            for alias in node.names:
                inner = f"{base}.{alias.name}"
                yield node.lineno, inner if inner in known else base


def room(module: str) -> str:
    return [*module.split("."), ""][1]


def faults(name: str, tree: ast.AST, known: dict[str, Path]) -> list[str]:
    """Return a sentence for every import that leaves the module's room other than downstairs."""
    own, found = room(name), []
    for line, imported in imports(name, tree, known):
        if imported.split(".")[0] != "crmkit":
            continue
        other = room(imported)
        same = own == other and own != ""
        below = FLOORS[other] < FLOORS[own]
        ground_or_top = FLOORS[other] == FLOORS[own] and FLOORS[own] in (0, 6)  # single modules, not packages
        if not (same or below or ground_or_top):
            found.append(f"{name}:{line} imports {imported}, from floor {FLOORS[own]} to floor {FLOORS[other]}")
    return found


def tree_of(name: str) -> ast.AST:
    return ast.parse(MODULES[name].read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", MODULES)
def test_a_module_imports_only_from_its_own_room_and_from_floors_below(name: str) -> None:
    assert room(name) in FLOORS, f"{name} stands on no floor"
    assert faults(name, tree_of(name), MODULES) == []


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("crmkit.model.form", "from crmkit.records import KINDS"),
        ("crmkit.model.form", "from crmkit import records"),
        ("crmkit.model.form", "import crmkit.storage.records"),
        ("crmkit.model.form", "from ..storage import records"),
        ("crmkit.model.form", "from .. import storage"),
        ("crmkit.records.contact", "from crmkit.render.text import line"),
        ("crmkit.storage.records", "from crmkit.mail import Mailer"),
        ("crmkit.core.people.login", "def f():\n    from crmkit.web import app"),
        ("crmkit.core.people.login", "if TYPE_CHECKING:\n    from crmkit.web.app import build"),
        ("crmkit.web.app", "from crmkit import boot"),
        ("crmkit.web.app", "from crmkit.mcp import endpoint"),
        ("crmkit.errors", "from crmkit.model.fields import Text"),
        ("crmkit.ids", "import crmkit.cli"),
    ],
)
def test_an_import_that_goes_up_or_next_door_is_noticed(name: str, source: str) -> None:
    known = {
        **MODULES,
        "crmkit.mcp": SOURCE / "mcp" / "__init__.py",
        "crmkit.mcp.endpoint": SOURCE / "mcp" / "endpoint.py",
    }
    assert len(faults(name, ast.parse(source), known)) == 1


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("crmkit.model.form", "from crmkit.model import fold\nfrom . import fields\nfrom .fields import Text"),
        (
            "crmkit.model.form",
            "from crmkit.errors import Problem\nfrom crmkit import __version__, ids\nimport msgspec",
        ),
        ("crmkit.model", "from . import fields\nfrom .fields import Text\nfrom .. import errors"),
        ("crmkit.core.people.access", "from crmkit.core.crm import Crm\nfrom crmkit.storage.interface.tx import Tx"),
        ("crmkit.mail.smtp", "from crmkit.settings import is_loopback\nfrom crmkit.clock import Clock"),
        ("crmkit.settings", "from crmkit.errors import nearest"),
        ("crmkit.cli", "from crmkit import boot"),
    ],
)
def test_an_import_from_the_same_room_or_from_below_is_fine(name: str, source: str) -> None:
    assert faults(name, ast.parse(source), MODULES) == []


@pytest.mark.parametrize("name", [name for name in MODULES if FLOORS.get(room(name), 0) <= 1])
def test_the_two_lowest_floors_know_no_framework_and_no_network(name: str) -> None:
    outside = {imported.split(".")[0] for _, imported in imports(name, tree_of(name), MODULES)}
    assert outside & FRAMEWORKS == set()


@pytest.mark.parametrize("name", [name for name in MODULES if room(name) in ("render", "records", "core")])
def test_only_the_web_knows_its_framework_and_only_storage_its_database(name: str) -> None:
    outside = {imported.split(".")[0] for _, imported in imports(name, tree_of(name), MODULES)}
    assert outside & (FRAMEWORKS - {"asyncio"}) == set()


@pytest.mark.parametrize("name", MODULES)
def test_no_module_is_found_by_walking_folders_or_by_its_place_on_disk(name: str) -> None:
    tree = tree_of(name)
    assert {imported for _, imported in imports(name, tree, MODULES)} & {
        "pkgutil",
        "importlib",
        "imp",
        "runpy",
    } == set()
    for node in ast.walk(tree):
        spoken = getattr(node, "id", None) or getattr(node, "attr", None)
        assert spoken not in ("__file__", "__path__", "__import__", "import_module", "iter_modules"), (
            f"{MODULES[name]}:{getattr(node, 'lineno', 0)} uses {spoken}"
        )


@pytest.mark.parametrize("name", MODULES)
def test_no_value_is_a_dataclass_which_is_compiled_at_each_start(name: str) -> None:
    assert "dataclasses" not in {imported for _, imported in imports(name, tree_of(name), MODULES)}


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: str(source.relative_to(SOURCE.parent)))
def test_a_file_has_at_most_400_lines(source: Path) -> None:
    assert len(source.read_text(encoding="utf-8").splitlines()) <= LONGEST


@pytest.mark.parametrize("name", MODULES)
def test_a_module_says_in_its_first_line_what_it_is(name: str) -> None:
    told = ast.get_docstring(tree_of(name))  # type: ignore[arg-type]
    assert told
    assert told.splitlines()[0].strip()


@pytest.mark.parametrize("name", [name for name in MODULES if room(name) != "__main__"])
def test_every_module_can_be_imported_by_its_name(name: str) -> None:
    importlib.import_module(name)
    assert sys.modules[name].__name__ == name


def test_the_modules_and_their_imports_are_found() -> None:
    assert len(MODULES) > 50
    assert {room(name) for name in MODULES} >= {"", "errors", "model", "records", "render", "storage", "core", "web"}
    assert any(
        imported == "crmkit.core.call" for _, imported in imports("x", tree_of("crmkit.core.records.write"), MODULES)
    )


def inner_room(module: str) -> str:
    """Return the room within a room that a module stands in, "" for one that stands in a room itself."""
    parts = module.split(".")
    package = parts if MODULES.get(module, SOURCE).name == "__init__.py" else parts[:-1]
    return ".".join(package[1:]) if len(package) > 2 else ""


def rooms_reached() -> dict[str, set[str]]:
    """Return for each room within a room those that its modules import when they run."""
    found: dict[str, set[str]] = {}
    for name in MODULES:
        tree = tree_of(name)
        for node in ast.walk(tree):  # what only the type checker reads makes no circle
            if isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING":
                node.body = []
        own = inner_room(name)
        reached = {inner_room(imported) for _, imported in imports(name, tree, MODULES)}
        # modules of a room that has rooms in it may use those, and are used by them
        found.setdefault(own, set()).update(
            room for room in reached if room and not room.startswith(own) and not own.startswith(room)
        )
    found.pop("", None)
    return found


def test_rooms_within_a_room_import_each_other_in_no_circle() -> None:
    reached = rooms_reached()
    assert {"core.records", "storage.lists", "storage.sqlite.search"} <= reached.keys()
    while reached:
        leaves = {room for room, others in reached.items() if not others & reached.keys()}
        assert leaves, f"these rooms import each other: {reached}"
        reached = {room: others for room, others in reached.items() if room not in leaves}


# room -> the words by which a brand of database is known
BRANDS = {
    "crmkit.storage.sqlite": ("sqlite", "fts5", "pragma", "rowid", "secure_delete"),
    "crmkit.storage.postgres": ("postgres", "psycopg", "pg_"),
}
CHOOSES = "crmkit.boot"  # the brand of database
MOST_MODULES = 12  # in a folder, beside its __init__; the migrations are a sequence and may be more


def brand_words(name: str, source: str) -> list[str]:
    """Return the lines that name a brand of database, where the module is neither of its room nor the one that chooses.

    An import of it, or of its drivers, has its name as well.
    """
    if name == CHOOSES:
        return []
    words = [word for room, own in BRANDS.items() if name != room and not name.startswith(f"{room}.") for word in own]
    return [line for line in source.splitlines() if any(word in line.lower() for word in words)]


@pytest.mark.parametrize("name", MODULES)
def test_no_module_outside_its_room_names_the_database(name: str) -> None:
    assert brand_words(name, MODULES[name].read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("crmkit.core.crm", "from crmkit.storage.sqlite.engine.database import SqliteDatabase"),
        ("crmkit.core.crm", "from crmkit.storage import sqlite"),
        ("crmkit.storage.log.audit", "import sqlite3"),
        ("crmkit.storage.log.audit", "def f():\n    from pysqlite3 import dbapi2"),
        ("crmkit.operate.doctor", "import aiosqlite"),
        ("crmkit.web.gate", '"""A token is looked up.\n\nSQLite is quick.\n"""'),
        ("crmkit.storage.sqliteish", "# SQLite"),
        ("crmkit.core.crm", "from crmkit.storage.postgres.brand import postgres"),
        ("crmkit.storage.sqlite.brand", "import psycopg"),
        ("crmkit.storage.postgres.brand", "PRAGMA user_version"),
        ("crmkit.storage.records", 'connection.execute("PRAGMA user_version")'),
    ],
)
def test_a_name_of_the_database_is_noticed(name: str, source: str) -> None:
    assert len(brand_words(name, source)) == 1


@pytest.mark.parametrize("name", ["crmkit.boot", "crmkit.storage.sqlite", "crmkit.storage.sqlite.engine.writer"])
def test_the_database_is_named_in_its_room_and_where_it_is_chosen(name: str) -> None:
    assert brand_words(name, "from crmkit.storage.sqlite.brand import SQLITE") == []


@pytest.mark.parametrize("folder", sorted({file.parent for file in SOURCES}), ids=lambda folder: folder.name)
def test_a_folder_holds_at_most_a_dozen_modules(folder: Path) -> None:
    held = [file.name for file in folder.glob("*.py") if file.name != "__init__.py"]
    assert len(held) <= MOST_MODULES or folder == MODULES["crmkit.storage.sqlite.migrations"].parent, held


# what anybody may take of the database: no statement runs by it
DATABASE_STATE = ("is_shared", "commits", "texts", "log_throttle", "check", "forget_log", "gauges", "examine")
DATABASE_USES = {
    "crmkit.core.call": ("read", "scan", "stream", "write", "write_later"),
    # who asks is found out before there is a Call, from the cache where it can be, and the time at which a token was
    # last used is written beside the request: where nothing can be written, reads go on
    "crmkit.core.people.sessions": ("cached", "read_cached", "write_later"),
    # opens it, tells at the start when nobody has an account, and begins the work beside requests
    "crmkit.web.limits.sharing": ("add_up",),  # what is no data
    "crmkit.boot": ("", "read", "alone"),
}


def database_uses(name: str, tree: ast.AST) -> list[str]:
    """Return a line for everything that a module takes of the database and may not; storage is the database."""
    if name.startswith("crmkit.storage."):
        return []
    allowed = (*DATABASE_STATE, *DATABASE_USES.get(name, ()))
    taken = {id(node.value): node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    found = []
    for node in ast.walk(tree):
        spoken = getattr(node, "attr", None) or getattr(node, "id", None)
        if spoken == "database" and isinstance(getattr(node, "ctx", None), ast.Load):
            use = taken.get(id(node), "")  # "" is the database as a whole, which might be used under another name
            if use not in allowed:
                found.append(f"{name}:{getattr(node, 'lineno', 0)} takes {use or 'the whole'} of the database")
    return found


@pytest.mark.parametrize("name", MODULES)
def test_only_a_call_reads_and_writes(name: str) -> None:
    assert database_uses(name, tree_of(name)) == []


@pytest.mark.parametrize("name", DATABASE_USES)
def test_a_module_that_may_use_the_database_itself_does_so(name: str) -> None:
    spoken = {node.attr for node in ast.walk(tree_of(name)) if isinstance(node, ast.Attribute)}
    assert spoken >= {use for use in DATABASE_USES[name] if use}


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("crmkit.core.people.teams", "async def f(crm): await crm.database.write(g)"),
        ("crmkit.core.people.teams", "async def f(call): await call.crm.database.read(None, g)"),
        ("crmkit.core.people.teams", "f = partial(crm.database.scan, None, g)"),
        ("crmkit.core.people.teams", "async def f(crm):\n    db = crm.database\n    await db.write(g)"),
        ("crmkit.core.people.teams", "async def f(database): await database.write(g)"),
        ("crmkit.core.people.teams", "async def f(crm): crm.database.write_later(1, g)"),
        ("crmkit.core.people.sessions", "async def f(crm): await crm.database.write(g)"),
        ("crmkit.core.call", "def f(crm): crm.database.cached(g)"),
        ("crmkit.web.handlers.people.teams", "async def f(call): await call.crm.database.write(g)"),
    ],
)
def test_a_way_around_the_call_is_noticed(name: str, source: str) -> None:
    assert len(database_uses(name, ast.parse(source))) == 1


def test_a_verb_may_write_by_its_call_and_ask_the_state_of_the_database() -> None:
    source = "async def f(call):\n    await call.write(g)\n    call.crm.database.commits.tell([])"
    assert database_uses("crmkit.core.upkeep", ast.parse(source)) == []


@pytest.mark.parametrize("name", [name for name in MODULES if name != "crmkit.core.people.codes"])
def test_mails_are_sent_only_by_the_effect_that_codes_leaves_in_a_transaction(name: str) -> None:
    assert [node for node in ast.walk(tree_of(name)) if isinstance(node, ast.Attribute) and node.attr == "mailer"] == []
