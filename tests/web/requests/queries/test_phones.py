"""Phone numbers: kept as written, found in every notation."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from crmkit.storage.interface.lanes import ANYWHERE
from crmkit.storage.sqlite.search import indexing, plan
from tests import postgres
from tests.house import ALICE, UNLIMITED, House, Person, house
from tests.kinds import CONTACT

BERLIN = [
    "+49 30 1234567",
    "+49 (0)30 1234567",
    "0049 30 1234567",
    "+49-30-123-45-67",
    "(+49) 30/1234567",
    "tel: +49 30 1234567",
    "+49301234567",
    "\uff0b49 30 1234567",
    "+49 30 1234567 ext. 12",
]
AT_HOME = ["030 1234567", "(030) 123 45 67", "030/1234567", "0301234567"]
OTHERS = ["+49 30 7654321", "+1 212 555 0100", "112", "ext 5, ask for Bob", "+41 44 668 18 00"]


def found(alice: Person, **parameters: str) -> list[str]:
    told = alice.get("/contacts", params={**parameters, "format": "json", "limit": "200"}).json()
    return sorted(item["phone"] for item in told["items"])


def filled(alice: Person, *phones: str) -> None:
    for number, phone in enumerate(phones):
        answer = alice.post("/contacts?format=json", json={"name": f"N{number}", "phone": phone})
        assert answer.json()["phone"] == phone.strip(), "kept as written"


@pytest.fixture
def berliners(alice: Person) -> Person:
    filled(alice, *BERLIN, *OTHERS)
    return alice


def test_a_number_is_found_in_every_notation_by_a_filter_and_by_search(berliners: Person) -> None:
    for spelled in (*BERLIN, *AT_HOME):
        assert found(berliners, phone=spelled) == sorted(BERLIN), spelled
        assert found(berliners, phone=f"in:{spelled},112") == sorted([*BERLIN, "112"]), spelled
        assert found(berliners, phone=f"ne:{spelled}") == sorted(OTHERS), spelled
    for spelled in (*BERLIN[:5], *AT_HOME, "1234567"):
        assert set(BERLIN) <= {*found(berliners, search=spelled)}, spelled
        assert not {*OTHERS} & {*found(berliners, search=spelled)}, spelled


def test_a_plus_that_a_query_string_made_a_blank_of_is_the_plus_that_it_was(alice: Person) -> None:
    alice.json_of("PATCH", f"/workspaces/{alice.json_of('GET', '/whoami')['workspace']}", {"country": "US"})
    berlin, paris, home = ["030 901820", "+49 30 901820", "(011) 49 30 901820"], "+33 1 42 68 53 00", "212 555 0100"
    filled(alice, *berlin, paris, home)
    for plus in ("+", "%2B"):
        for query, wanted in (
            (f"phone={plus}4930901820", berlin),
            (f"phone={plus}49%2030%20901820", berlin),
            (f"phone=({plus}49)30901820", berlin),
            (f"phone=in:{plus}4930901820,{plus}33142685300", [*berlin, paris]),
            (f"phone=in:{plus}33142685300,+212%20555%200100", [paris, home]),
            (f"phone=ne:{plus}4930901820", [paris, home]),
            (f"or.phone={plus}4930901820&or.name=x", berlin),
            (f"search={plus}4930901820", berlin),
        ):
            told = alice.json_of("GET", f"/contacts?{query}")["items"]
            assert sorted(item["phone"] for item in told) == sorted(wanted), query


def test_a_search_of_seven_digits_compares_their_end(alice: Person) -> None:
    filled(alice, "+49 30 1234567", "+49 30 12345 67890")
    assert found(alice, search="1234567") == ["+49 30 1234567"]
    assert found(alice, search="N0 1234567") == ["+49 30 1234567"]
    assert found(alice, search="N1 1234567") == []
    assert found(alice, search="30 12345 67890") == ["+49 30 12345 67890"]


def test_a_search_of_seven_digits_finds_no_middle_of_a_number_in_any_notation(alice: Person) -> None:
    filled(alice, "+12345678900", "+1 234 567 8900", "+1 2345678 900")
    alice.json_of("POST", "/contacts", {"name": "N3", "notes": "invoice 12345678900"})
    for spelled in ("2345678", "234 5678", "1 234 567"):
        assert alice.json_of("GET", f"/contacts?search={spelled}&phone=not:null")["total"] == 0, spelled
    assert alice.json_of("GET", "/contacts?search=2345678")["total"] == 1
    assert len(found(alice, search="5678900", phone="not:null")) == 3
    assert len(found(alice, search="34567", phone="not:null")) == 3


ELSEWHERE = [
    ("8 (495) 123-45-67", "RU"),
    ("8 029 123 45 67", "BY"),
    ("011 15-2345-6789", "AR"),
    ("1-800-FLOWERS", "US"),
    ("32 10 00", "GL"),
    ("\u0660\u0663\u0660 \u0661\u0662\u0663\u0664\u0665\u0666\u0667", "DE"),
]


@pytest.mark.sqlite
@pytest.mark.parametrize("is_indexed", [False, True])
def test_a_number_is_found_by_its_own_text_whatever_its_country(
    monkeypatch: pytest.MonkeyPatch, home: House, alice: Person, is_indexed: bool
) -> None:
    for phone, country in ELSEWHERE:
        alice.json_of("POST", "/contacts", {"name": country, "phone": phone, "country": country})
    if is_indexed:
        monkeypatch.setattr(plan, "MAX_RECORDS_READ", -1)
        home.do(home.crm.database.write(lambda tx: indexing.index(tx, CONTACT), lanes=ANYWHERE))
    for phone, _ in ELSEWHERE:
        assert found(alice, phone=phone) == found(alice, phone=f"in:{phone}") == [phone]
        assert phone not in found(alice, phone=f"ne:{phone}")
        assert found(alice, search=phone) == [phone]
        bare = "".join(filter(str.isdecimal, phone))
        if len(bare) > 5:
            assert found(alice, search=bare) == found(alice, phone=bare) == [phone]
    assert found(alice, phone="030 1234567") == found(alice, search="030 1234567") == [ELSEWHERE[-1][0]]


def test_a_part_is_found_as_written_and_in_the_digits(berliners: Person) -> None:
    assert found(berliners, phone="like:123-45") == sorted(BERLIN)  # of which one is written so
    assert found(berliners, phone="like:3012345") == sorted(BERLIN)
    assert found(berliners, phone="like:ask for") == ["ext 5, ask for Bob"]
    assert found(berliners, phone="like:/12") == ["(+49) 30/1234567"]


def test_what_is_no_number_stays_a_text_and_short_numbers_are_compared_whole(berliners: Person) -> None:
    assert found(berliners, phone="EXT 5, ask for bob") == ["ext 5, ask for Bob"]
    assert found(berliners, search="ask bob") == ["ext 5, ask for Bob"]
    assert found(berliners, phone="112") == ["112"]
    assert found(berliners, phone="4567") == found(berliners, phone="12") == []


def test_a_number_without_a_country_is_found_by_its_international_form(alice: Person) -> None:
    filled(alice, *AT_HOME, "+43 30 1234567")
    assert found(alice, phone="+49 30 1234567") == sorted(AT_HOME)
    assert found(alice, search="+49 30 1234567") == sorted(AT_HOME)


def test_a_changed_number_is_found_by_its_new_digits_alone(alice: Person) -> None:
    filled(alice, "+49 30 1234567")
    one = f"/contacts/{alice.json_of('GET', '/contacts')['items'][0]['id']}"
    alice.json_of("PATCH", one, {"phone": "+49 30 7654321"})
    assert found(alice, phone="030 1234567") == found(alice, search="030 1234567") == []
    assert found(alice, phone="030 7654321") == found(alice, search="030 7654321") == ["+49 30 7654321"]
    alice.json_of("PATCH", one, {"phone": None})
    assert alice.json_of("GET", "/contacts?phone=030 7654321")["total"] == 0


def test_numbers_sort_by_their_digits(alice: Person) -> None:
    filled(alice, "+49 30 2", "+41 44 668 18 00", "(+49) 30 1234567")
    told = alice.json_of("GET", "/contacts?sort=phone")["items"]
    assert [item["phone"] for item in told] == ["+41 44 668 18 00", "(+49) 30 1234567", "+49 30 2"]


def test_words_beside_a_number_must_be_found_too_and_dates_are_still_found(alice: Person) -> None:
    filled(alice, "+49 30 1234567", "+49 30 1234567")
    alice.json_of("POST", "/contacts", {"name": "Met on 2026-11-27"})
    assert alice.json_of("GET", "/contacts?search=N0 030 1234567")["total"] == 1
    assert alice.json_of("GET", "/contacts?search=2026-11-27")["total"] == 1
    assert len(alice.json_of("GET", "/search?q=030 1234567&types=contacts")["contacts"]) == 2


@pytest.fixture
def russian(tmp_path: Path) -> Iterator[Person]:
    """Alice, in a workspace in Russia, where a national number is dialled with 8."""
    with house(tmp_path / "data", UNLIMITED) as home:
        with home.sign_in(ALICE) as alice:
            filled(alice, "8 912 345-67-88")
        _in_country(home, "RU")
        with home.sign_in(ALICE) as alice:
            yield alice


def test_without_a_country_of_its_own_a_number_is_read_in_that_of_the_workspace(russian: Person) -> None:
    filled(russian, "8 912 345-67-89", "+49 30 1234567")
    for spelled in ("+7 912 345 67 89", "8 (912) 345-67-89", "912 3456789"):
        assert found(russian, phone=spelled) == ["8 912 345-67-89"]
        assert found(russian, search=spelled) == ["8 912 345-67-89"]
    assert found(russian, phone="+7 912 345 67 88") == []  # was written before, and is read when it is written again
    [old] = russian.json_of("GET", "/contacts?phone=like:345-67-88")["items"]
    russian.json_of("PATCH", f"/contacts/{old['id']}", {"phone": "8 (912) 345-67-88"})
    assert found(russian, phone="+7 912 345 67 88") == ["8 (912) 345-67-88"]


@pytest.mark.sqlite
def test_the_index_finds_the_same(monkeypatch: pytest.MonkeyPatch, home: House, alice: Person) -> None:
    monkeypatch.setattr(plan, "MAX_RECORDS_READ", -1)
    filled(alice, *BERLIN, *OTHERS)
    home.do(home.crm.database.write(lambda tx: indexing.index(tx, CONTACT), lanes=ANYWHERE))
    for spelled in (*BERLIN[:5], *AT_HOME, "1234567"):
        assert found(alice, search=spelled) == found(alice, phone=spelled) == sorted(BERLIN), spelled
    assert found(alice, search="3012345") == []
    assert found(alice, phone="like:3012345") == sorted(BERLIN)


def _in_country(home: House, country: str) -> None:
    with postgres.by_hand(home.folder) as connection:
        connection.execute("UPDATE workspaces SET country = ?", (country,))


def _keys(home: House) -> list[Any]:
    with postgres.by_hand(home.folder) as connection:
        return connection.execute("SELECT phone, phone_key FROM contacts").fetchall()


def test_the_column_holds_the_digits(home: House, alice: Person) -> None:
    filled(alice, "+49 (0)30 1234567", "030 1234567", "Ask Bob")
    assert _keys(home) == [
        ("+49 (0)30 1234567", "49301234567"),
        ("030 1234567", "0301234567"),
        ("Ask Bob", "ask bob"),
    ]


def test_numbers_are_read_anew_once_the_workspace_has_another_country(home: House, alice: Person) -> None:
    filled(alice, "8 912 345-67-88")
    before = alice.json_of("GET", "/contacts")["items"][0]
    [workspace] = alice.json_of("GET", "/workspaces")["items"]
    for country, is_read in (("RU", True), ("DE", False)):
        alice.json_of("PATCH", f"/workspaces/{workspace['id']}", {"country": country})
        for _ in range(200):
            if _keys(home)[0][1].startswith("7") == is_read:
                break
            time.sleep(0.05)
        assert bool(found(alice, phone="+7 912 345 67 88")) == is_read
        assert bool(found(alice, search="+7 912 345 67 88")) == is_read
    assert alice.json_of("GET", f"/contacts/{before['id']}")["version"] == before["version"]
