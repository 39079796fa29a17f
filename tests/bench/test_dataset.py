"""The data that speed is measured on is what the API would have written, and every read works on it."""

from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest

from bench.data import dataset as maker
from bench.data.dataset import LARGE_ADMIN, Dataset, dataset
from bench.data.drawn import RARE_TIMES
from crmkit.core.people import sessions
from crmkit.model import fold
from crmkit.model.fields import FieldType, Flag
from crmkit.model.record import Kind
from crmkit.storage.interface.connection import Connection
from crmkit.storage.sqlite.engine import migrate
from crmkit.storage.sqlite.engine.connection import connect
from crmkit.storage.sqlite.engine.folder import FILE, prepare
from crmkit.storage.sqlite.search import indexing, trigrams
from tests.house import UNLIMITED, GivenClock, Person, house
from tests.kinds import ACTIVITY, COMPANY, CONTACT, DEAL, TASK
from tests.storage.desk import desk

pytestmark = pytest.mark.sqlite  # the data set is a file

SIZE, SMALL, MEDIUM = 600, 5, 40
MADE = (CONTACT, COMPANY, DEAL, TASK, ACTIVITY)  # what the data has


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dataset]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("CRMKIT_BENCH_DIR", str(tmp_path_factory.mktemp("bench")))
        yield dataset(SIZE, SMALL, MEDIUM)


@pytest.fixture
def opened(made: Dataset) -> Iterator[Connection]:
    with closing(connect(Path(made.folder) / FILE, False)) as connection:
        yield connection


def test_the_data_is_kept_and_made_alike_each_time(
    made: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert dataset(SIZE, SMALL, MEDIUM) == made
    kept = Path(made.folder) / FILE
    monkeypatch.setenv("CRMKIT_BENCH_DIR", str(tmp_path))
    again = dataset(SIZE, SMALL, MEDIUM)
    assert msgspec.structs.replace(again, folder=made.folder) == made
    for table in ("contacts", "deals", "activities", "audit", "search_words"):
        with closing(connect(kept, False)) as one, closing(connect(Path(again.folder) / FILE, False)) as other:
            rows = f"SELECT * FROM {table}"
            assert one.execute(rows).fetchall() == other.execute(rows).fetchall()


def test_its_schema_is_that_of_a_new_database(opened: Connection, tmp_path: Path) -> None:
    prepare(tmp_path)
    migrate.run(tmp_path / FILE, connect)
    # SQLite chooses among equal indexes by the order they were made in
    asked = "SELECT name, tbl_name, sql FROM sqlite_schema WHERE type = ? ORDER BY rowid"
    with closing(connect(tmp_path / FILE, False)) as fresh:
        for type_ in ("table", "index"):
            found = [connection.execute(asked, (type_,)).fetchall() for connection in (opened, fresh)]
            assert sorted(found[0]) == sorted(found[1])
        for table in ("contacts", "companies", "deals", "tasks", "activities", "audit"):
            listed = f"SELECT name FROM pragma_index_list('{table}')"
            assert opened.execute(listed).fetchall() == fresh.execute(listed).fetchall()
    assert opened.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert opened.execute("PRAGMA foreign_key_check").fetchall() == []
    assert opened.execute("PRAGMA journal_mode").fetchone() == ("wal",)


@pytest.mark.parametrize("kind", MADE, ids=lambda kind: kind.name)
def test_the_counts_that_are_kept_are_those_of_the_rows(opened: Connection, kind: Kind) -> None:
    counted = opened.execute(f"SELECT workspace_id, count(*) FROM {kind.plural} GROUP BY 1 ORDER BY 1").fetchall()
    kept = "SELECT workspace_id, live FROM counts WHERE kind = ? ORDER BY 1"
    assert opened.execute(kept, (kind.plural,)).fetchall() == counted
    assert (SIZE if kind in (CONTACT, TASK, ACTIVITY) else SIZE // (20 if kind is COMPANY else 10)) in dict(
        counted
    ).values()
    if not kind.is_logged:
        return
    wrong = opened.execute(
        f"SELECT id FROM {kind.plural} AS r WHERE activities <> (SELECT count(*) FROM activities AS a WHERE "
        f"a.{kind.name}_id = r.id) OR last_activity_at IS NOT (SELECT max(occurred_at) FROM activities AS a WHERE "
        f"a.{kind.name}_id = r.id)"
    )
    assert wrong.fetchall() == []


def _read(type_: FieldType, value: Any) -> Any:
    """Return what a column holds as a client sends it."""
    if isinstance(type_, Flag):
        return bool(value)
    return msgspec.json.decode(value) if type_.structured and value is not None else value


@pytest.mark.parametrize("kind", MADE, ids=lambda kind: kind.name)
def test_a_record_is_what_a_client_could_have_sent(opened: Connection, kind: Kind) -> None:
    names = ", ".join(kind.writable)
    for row in opened.execute(f"SELECT {names} FROM {kind.plural}"):
        body = {name: _read(field.type, value) for (name, field), value in zip(kind.writable.items(), row, strict=True)}
        assert kind.draft({name: value for name, value in body.items() if value is not None}).items() <= body.items()


def test_every_change_stands_in_the_audit_log(opened: Connection) -> None:
    for kind in MADE:
        version = "version" if kind is not ACTIVITY else "1"
        for id, changes, create, at in opened.execute(
            f"SELECT r.id, {version} - 1, (SELECT count(*) FROM audit AS a WHERE a.workspace_id = r.workspace_id "
            f"AND target = '{kind.name}/' || r.id AND action = '{kind.name}.create' AND a.at = r.created_at), "
            f"created_at FROM {kind.plural} AS r"
        ):
            assert create == 1, (id, at)
            updates = "SELECT count(*) FROM audit WHERE target = ? AND action = ?"
            found = opened.execute(updates, (f"{kind.name}/{id}", f"{kind.name}.update")).fetchone()
            assert found == (changes,)
    assert opened.execute("SELECT max(seq) - min(seq) + 1 - count(*) FROM audit GROUP BY workspace_id").fetchall() == [
        (0,)
    ] * (SMALL + 1)


@pytest.mark.parametrize("kind", MADE, ids=lambda kind: kind.name)
def test_every_text_is_indexed(opened: Connection, kind: Kind) -> None:
    assert not indexing.waits(opened, kind)
    texts = opened.execute(f"SELECT -rowid, title, rest FROM {kind.plural}_search ORDER BY rowid DESC").fetchall()
    seqs = opened.execute(f"SELECT seq FROM {kind.plural} ORDER BY seq").fetchall()
    assert [(row[0],) for row in texts] == seqs
    word_uses: Counter[tuple[int, str]] = Counter()
    trigram_uses: Counter[tuple[int, str]] = Counter()
    for seq, title, rest in texts:
        found = {
            word for word in fold.words(f"{title}\n{rest}") if 3 <= len(word) <= 30 and any(map(str.isalpha, word))
        }
        word_uses.update((seq >> 32, word) for word in found)
        if seq % 61 == 0:
            texts_of = (title, rest, *trigrams.coded(f"{title}\n{rest}").splitlines())
            parts = {part[at : at + 3] for part in texts_of for at in range(len(part) - 2)}
            trigram_uses.update((seq >> 32, part) for part in parts)
    assert trigram_uses
    for table, part, counted in (("search_words", "word", word_uses), ("search_pieces", "piece", trigram_uses)):
        kept = opened.execute(
            f"SELECT number, {part}, uses FROM {table} JOIN workspaces ON id = workspace_id WHERE kind = ?",
            (kind.plural,),
        ).fetchall()
        assert {(number, found): uses for number, found, uses in kept} == dict(counted)


def test_a_search_finds_the_contacts_that_a_look_at_each_finds(made: Dataset) -> None:
    with desk(Path(made.folder)) as back:
        alice = back.do(sessions.authenticate(back.crm, f"Bearer {made.token}"))
        assert alice.email == LARGE_ADMIN
        everyone: list[Any] = back.pages(alice, ("limit", "200"))
        assert len(everyone) == SIZE

        def holding(text: str) -> set[str]:
            keys = ("name", "email", "phone", "company_name", "tags", "notes")
            return {c.id for c in everyone if any(text in str(getattr(c, key)).lower() for key in keys)}

        for text in (made.term, made.rare, "brent", "gmail.com", "spring fair"):
            assert {c.id for c in back.pages(alice, ("search", text))} == holding(text)
        assert len(holding(made.term)) == made.term_times == SIZE // 200
        assert len(holding(made.rare)) == RARE_TIMES
        medium = back.do(sessions.authenticate(back.crm, f"Bearer {made.medium_token}"))
        assert len(back.pages(medium, ("limit", "200"))) == MEDIUM


def test_every_read_works_on_the_data(made: Dataset) -> None:
    with house(Path(made.folder), UNLIMITED, GivenClock()) as home:
        for token, size in ((made.token, SIZE), (made.medium_token, MEDIUM)):
            with Person(home.url, token) as person:
                listed = person.json_of("GET", "/contacts")
                assert listed["total"] == size
                one = listed["items"][0]
                assert person.json_of("GET", f"/contacts/{one['id']}")["name"] == one["name"]
                found = person.json_of("GET", f"/contacts?search={one['name']}")
                assert one["id"] in [item["id"] for item in found["items"]]
                (update, *_) = person.json_of("GET", f"/audit?target={one['id']}")["items"]
                assert update["action"] in ("contact.update", "contact.create")
                due = person.json_of("GET", "/reminders?days=3650")["items"]
                assert all(item["due_at"] if item["kind"] == "task" else item["follow_up_at"] for item in due)
                assert due or size == MEDIUM
                assert person.json_of("GET", "/activities?limit=200")["items"]
                assert person.json_of("GET", f"/contacts/{one['id']}/activities")["total"] == one["activities"]
                for kind in (COMPANY, DEAL, TASK):
                    assert person.json_of("GET", f"/{kind.plural}")["items"]


def test_data_of_an_older_recipe_is_made_anew(made: Dataset, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CRMKIT_BENCH_DIR", str(tmp_path))
    old = dataset(20, 2, 10)
    description = Path(old.folder) / "dataset.json"
    description.write_bytes(msgspec.json.encode(msgspec.structs.replace(old, recipe=0)))
    assert dataset(20, 2, 10).recipe == maker.RECIPE
