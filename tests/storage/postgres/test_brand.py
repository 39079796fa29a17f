"""PostgreSQL as a brand: what the operator does with it, and what happens when it goes away for a moment."""

import asyncio
import random
import re
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from crmkit import boot
from crmkit.core.call import Call
from crmkit.operate import doctor
from crmkit.storage.interface.brand import Brand
from crmkit.storage.interface.database import Unusable
from crmkit.storage.interface.tx import Tx
from tests import postgres
from tests.house import ALICE, UNLIMITED, House, Person, house, settings_of
from tests.storage.desk import Desk, desk

pytestmark = pytest.mark.skipif(not postgres.SERVER, reason="`make test-postgres` starts a server")


def of(tmp_path: Path) -> Brand:
    return postgres.brand(tmp_path / "data")


def ask(back: Desk, sql: str, *args: Any) -> list[Any]:
    found: list[Any] = back.do(back.database.read(None, lambda connection: connection.execute(sql, args).fetchall()))
    return found


def test_the_doctor_finds_a_database_as_it_should_be_but_for_the_tests_own_haste(tmp_path: Path) -> None:
    found = {finding.name: finding for finding in of(tmp_path).examine(tmp_path)}
    assert {name for name, finding in found.items() if not finding.good} == {"durability"}
    assert found["schema"].what.startswith("version ")


def test_a_database_of_another_order_is_refused_with_the_command_that_makes_one(tmp_path: Path) -> None:
    from crmkit.storage.postgres.brand import postgres as brand

    postgres._admin("CREATE DATABASE test_other_order TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C.UTF-8'")
    try:
        with pytest.raises(Unusable, match="CREATE DATABASE crmkit TEMPLATE template0"):
            brand(postgres.url_of("test_other_order")).migrate(tmp_path)
    finally:
        postgres._admin("DROP DATABASE test_other_order WITH (FORCE)")


def test_the_doctor_tells_of_a_database_whose_index_of_texts_has_no_letters_but_a_to_z(tmp_path: Path) -> None:
    from crmkit.storage.postgres.brand import postgres as brand

    postgres._admin("CREATE DATABASE test_letters TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'")
    try:
        other = brand(postgres.url_of("test_letters"))
        other.migrate(tmp_path)
        (found,) = (finding for finding in other.examine(tmp_path) if finding.name == "letters")
        assert (found.good, "C.UTF-8" in found.what) == (False, True)
        environ = {**UNLIMITED, "CRMKIT_SERVER_DATA": postgres.url_of("test_letters")}
        with house(tmp_path / "data", environ) as home, home.sign_in(ALICE) as alice:
            alice.post("/contacts", json={"name": "Änne Größe 北京市"})
            for word in ("änne", "größe", "GRÖSSE", "北京市", "röß", "nothing"):
                assert alice.json_of("GET", f"/contacts?search={word}")["total"] == (word != "nothing"), word
    finally:
        postgres._admin("DROP DATABASE test_letters WITH (FORCE)")


def test_a_database_that_cannot_be_reached_is_one_line(tmp_path: Path) -> None:
    from crmkit.storage.postgres.brand import postgres as brand

    away = brand("postgresql://nobody@127.0.0.1:1/none")
    with pytest.raises(Unusable) as raised:
        away.migrate(tmp_path)
    assert str(raised.value).startswith("the database cannot be reached: ")
    assert "\n" not in str(raised.value)
    assert [finding.good for finding in away.examine(tmp_path)] == [False]


def test_many_that_start_at_once_make_one_schema(tmp_path: Path) -> None:
    from crmkit.storage.postgres import schema
    from crmkit.storage.postgres.brand import postgres as brand

    postgres._admin("CREATE DATABASE test_empty TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C.UTF-8'")
    try:

        async def all_of(migrate: Callable[[Path], list[str]]) -> list[list[str]]:
            return await asyncio.gather(*(asyncio.to_thread(migrate, tmp_path) for _ in range(4)))

        applied = asyncio.run(all_of(brand(postgres.url_of("test_empty")).migrate))
        assert sorted(applied) == [[], [], [], [f"{schema.newest().number:04} baseline"]]
    finally:
        postgres._admin("DROP DATABASE test_empty WITH (FORCE)")


def test_the_operator_gets_a_token_beside_a_server(tmp_path: Path) -> None:
    with house(tmp_path / "data", UNLIMITED) as running:
        signed_in = boot.operator_token(settings_of(**postgres.environ(tmp_path / "data")), ALICE, "mine")
        with Person(running.url, signed_in.token) as alice:
            assert alice.get("/whoami").status_code == 200


def test_a_workspace_moves_to_a_folder_and_back(tmp_path: Path) -> None:
    here, folder, back = tmp_path / "here", tmp_path / "folder", tmp_path / "back"
    first, second = tmp_path / "first.archive", tmp_path / "second.archive"
    with house(here, UNLIMITED) as running, running.sign_in(ALICE) as alice:
        alice.post("/fields", json={"kind": "contact", "key": "size", "type": "number"})
        for n in range(3):
            alice.post("/contacts", json={"name": f"Jane {n}", "rating": 2, "custom": {"size": n, "word": "Ünï"}})
        id = alice.json_of("GET", "/workspaces")["items"][0]["id"]
        shown = alice.text("GET", "/contacts?sort=-custom.size")
    boot.export_workspace(settings_of(**postgres.environ(here)), id, first)
    boot.import_workspace(settings_of(CRMKIT_SERVER_DATA=str(folder)), first)
    boot.export_workspace(settings_of(CRMKIT_SERVER_DATA=str(folder)), id, second)
    boot.import_workspace(settings_of(**postgres.environ(back)), second)
    with house(back, UNLIMITED) as running, running.sign_in(ALICE) as alice:
        assert alice.text("GET", "/contacts?sort=-custom.size") == shown


def test_a_unit_whose_transaction_was_ended_runs_again(tmp_path: Path) -> None:
    from psycopg import errors

    with desk(tmp_path / "data") as back:
        alice = back.person()
        runs: list[int] = []

        def unit(tx: Tx) -> str:
            runs.append(1)
            if len(runs) < 3:
                raise errors.SerializationFailure
            return "done"

        assert back.do(Call(back.crm, alice).write(unit)) == "done"
        assert len(runs) == 3


def test_reads_and_writes_go_on_after_every_connection_was_ended(tmp_path: Path) -> None:
    with desk(tmp_path / "data") as back:
        alice = back.person()
        jane = back.save(alice, name="Jane")
        back.find(alice)
        ((name,),) = ask(back, "SELECT current_database()")
        postgres._admin(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
        assert back.fetch(alice, jane).name == "Jane"
        assert back.save(alice, name="Joe").name == "Joe"
        assert len(back.find(alice).records) == 2


def test_lanes_of_people_leave_no_rows(tmp_path: Path) -> None:
    with desk(tmp_path / "data") as back:
        back.person()
        assert ask(back, "SELECT count(*) FROM lanes") == [(0,)]


def test_a_search_and_its_words_follow_what_is_written(home: House, alice: Person) -> None:
    id = alice.json_of("POST", "/contacts", {"name": "Jane Kelason"})["id"]
    assert id in alice.text("GET", "/contacts?search=kelas")
    alice.patch(f"/contacts/{id}", json={"name": "Jane Miller"})
    assert id not in alice.text("GET", "/contacts?search=kelason")
    assert id in alice.text("GET", "/contacts?search=milller")  # a typo


def test_a_text_that_no_index_of_postgresql_takes_is_refused_with_what_to_do(home: House, alice: Person) -> None:
    alice.json_of("POST", "/fields", {"kind": "contact", "key": "proof", "type": "text"})
    long = random.Random(1).randbytes(4_000).hex()
    answer = alice.post("/contacts", json={"name": "Jane", "custom": {"proof": long}})
    assert (answer.status_code, "2,700 bytes: shorten it" in answer.text) == (413, True)
    assert alice.json_of("GET", "/contacts")["total"] == 0
    assert alice.post("/contacts", json={"name": "Jane", "custom": {"other": long}}).status_code == 201


@pytest.mark.parametrize("zone", ["CET", "EET", "MET", "WET", "Europe/Zurich"])
def test_a_zone_has_its_summer_also_where_its_name_is_an_abbreviation(home: House, alice: Person, zone: str) -> None:
    for at in ("2026-01-10T", "2026-07-10T"):
        for hour in range(20, 24):
            alice.post("/tasks", json={"title": "call", "due_at": f"{at}{hour}:30:00Z"})
    found = alice.json_of("GET", f"/tasks/count?by=due_at.day&timezone={zone}")["items"]
    days: dict[str, int] = {}
    for at in ("2026-01-10T", "2026-07-10T"):
        for hour in range(20, 24):
            day = datetime.fromisoformat(f"{at}{hour}:30:00+00:00").astimezone(ZoneInfo(zone)).date().isoformat()
            days[day] = days.get(day, 0) + 1
    assert {item["due_at.day"]: item["count"] for item in found} == days


def test_an_index_that_somebody_dropped_is_told_by_the_doctor_and_made_again(tmp_path: Path) -> None:
    brand, folder = of(tmp_path), tmp_path / "data"

    def schema() -> tuple[bool, str]:
        (found,) = (each for each in brand.examine(folder) if each.name == "schema")
        return found.good, found.what

    with desk(folder):
        assert schema()[0]
        for sql in ("DROP EXTENSION pg_trgm CASCADE", "DROP INDEX contacts_by_email"):
            with postgres.by_hand(folder) as connection:
                connection.execute(sql)
    is_good, what = schema()
    assert not is_good
    assert "`crmkit migrate` applies index contacts_by_email, " in what
    assert "index contacts_texts_by_text" in what
    settings = settings_of(**postgres.environ(folder))
    doctor.repair(settings, brand, boot.KINDS)
    assert schema()[0]
    with postgres.by_hand(folder) as connection:
        sql = "SELECT count(*) FROM pg_indexes WHERE indexname IN ('contacts_by_email', 'contacts_texts_by_text')"
        assert connection.execute(sql).fetchall() == [(2,)]


def test_the_doctor_names_the_limit_of_connections_that_is_reached_first(tmp_path: Path) -> None:
    with desk(tmp_path / "data"), postgres.by_hand(tmp_path / "data") as connection:
        ((name,),) = connection.execute("SELECT current_database()").fetchall()
        connection.execute("CREATE ROLE test_few LOGIN CONNECTION LIMIT 20")
        connection.execute("GRANT ALL ON ALL TABLES IN SCHEMA public TO test_few")
        own = postgres.url(tmp_path / "data").replace("postgresql://postgres@", "postgresql://test_few@")
        try:

            def told() -> tuple[bool, str]:
                brand = boot.brand_of(settings_of(CRMKIT_SERVER_DATA=own))
                (found,) = (each for each in brand.examine(tmp_path / "data") if each.name == "connections")
                return found.good, found.what.partition(" ")[2]  # one that was just closed may still be held

            few = "of 20 held that the role allows; a process opens up to 30"
            assert told() == (False, f"{few}: raise it, or take a pooler of transactions")
            connection.execute("ALTER ROLE test_few CONNECTION LIMIT 100")
            assert told() == (True, "of 100 held that the role allows; a process opens up to 30")
            connection.execute(f'ALTER DATABASE "{name}" CONNECTION LIMIT 30')
            is_good, what = told()
            assert not is_good
            assert "of 30 held that the database allows" in what
        finally:
            connection.execute("DROP OWNED BY test_few")
            connection.execute("DROP ROLE test_few")


def test_the_doctor_names_the_processes_that_serve_and_how_far_clocks_are_apart(tmp_path: Path) -> None:
    def found() -> dict[str, str]:
        return {each.name: each.what for each in of(tmp_path).examine(tmp_path / "data")}

    with house(tmp_path / "data"):
        told = found()
        assert re.fullmatch(r"these serve: \S+:\d+:[0-9a-f]{8}( \(does the work beside requests\))?", told["server"])
        assert told["clocks"] == "0 seconds from that of the database"
    assert found()["server"] == "none runs on this database"
