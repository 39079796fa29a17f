"""The manual leaves nothing out: what a client or an operator can name stands in it, and HELP.txt is its copy."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import pytest

from crmkit import boot, ids, plans, settings
from crmkit.boot import load_settings
from crmkit.errors import CATALOGUE
from crmkit.model.fields import Text
from crmkit.model.form import REQUIRED, TITLE, Field
from crmkit.model.operators.rows import BY_NAME, OPERATORS
from crmkit.model.query.parse import DEFAULT_LIMIT, MAX_LIMIT
from crmkit.model.record import Followed, Kind, kind_of
from crmkit.render import parse
from crmkit.render.manual.endpoints import Endpoint, endpoint_table, folded, kinds_alike
from crmkit.render.manual.pages import ALL, TOPICS, Manual, manual
from crmkit.web.app import routes
from crmkit.web.routing.table import endpoints_of
from tests.house import ROOT, UNLIMITED, settings_of
from tests.kinds import ACTIVITY, AUDIT, CONTACT, KINDS, PREFIXES, REGISTRY
from tests.render.endpoints import endpoints_in

HELP = (ROOT / "HELP.txt").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")

FIELDS = [(kind, field) for kind in (*KINDS, ACTIVITY) for field in kind.fields]


def section(title: str) -> str:
    """Return the part of HELP.txt under a title, up to the next line that is not indented."""
    found = re.search(rf"^{title}\b.*\n((?:[ ].*\n|\n(?=[ ]))*)", HELP, re.MULTILINE)
    assert found, f"HELP.txt has no section {title}"
    return found.group()


def lines_of(block: str) -> dict[str, str]:
    """Return the lines of the table of fields under a kind's name or `shared`, by what stands before the colon."""
    (found,) = re.findall(rf"^  {block}: .*\n((?:    .*\n?)*)", section("FIELDS"), re.MULTILINE)
    whole = re.sub(r"\n {6}", " ", found)  # a long line goes on in the next, further in
    return dict(line.strip().split(": ", 1) for line in whole.splitlines())


def read_only(kind: Kind) -> Iterator[str]:
    """Yield the fields that the manual says the server writes in a kind."""
    for head, names in (lines_of("shared") | lines_of(kind.name)).items():
        where, _, kinds = head.partition(" in ")
        if where == "read only" and (kinds in ("", "all kinds") or kind.name in kinds.split(", ")):
            yield from names.split(", ")


def endpoints() -> Iterator[tuple[str, str]]:
    """Yield method and path of every route for clients, read from the handlers themselves."""
    for route in (each for each in routes(REGISTRY) if not each.for_operator):
        for path in route.paths:
            for method in route.listed_methods:
                yield method, path


def test_help_txt_is_what_the_declarations_say_today() -> None:
    assert boot.manual_text() == HELP, "run make manual"


@pytest.mark.parametrize(("kind", "field"), FIELDS, ids=[f"{kind.name}.{field.name}" for kind, field in FIELDS])
def test_every_field_stands_in_the_manual(kind: Kind, field: Field) -> None:
    if not field.writable:
        assert list(read_only(kind)).count(field.name) == 1
        return
    lines, written = lines_of(kind.name), field.name + ("*" if field.required else "")
    if written in lines.get("shared", "").split(", "):
        lines, written = lines_of("shared"), field.name
    assert f"{written} ({field.help})" in re.split(r"(?<=\)), ", lines[field.type.brief])


@pytest.mark.parametrize(("kind", "field"), FIELDS, ids=[f"{kind.name}.{field.name}" for kind, field in FIELDS])
def test_what_the_table_calls_a_type_is_explained_once(kind: Kind, field: Field) -> None:
    if field.writable and field.type.legend:
        assert section("FIELDS").count(f"    {field.type.legend}\n") == 1


def test_no_field_is_described_in_the_manual_twice() -> None:
    described = [
        (brief, field)
        for block in ("shared", *{kind.name: kind for kind, _ in FIELDS})
        for brief, names in lines_of(block).items()
        for field in re.split(r"(?<=\)), ", names)
        if "(" in field
    ]
    assert len(described) == len({(brief, field.replace("*", "")) for brief, field in described}) > 20


def test_every_field_of_the_audit_stands_in_the_manual() -> None:
    shown = section("LOG")
    assert f"  {AUDIT.name}/{AUDIT.prefix}_" in shown
    for field in AUDIT.fields[1:]:
        assert f"  {field.name}=" in shown


@pytest.mark.parametrize("row", settings.rows(), ids=lambda row: row.env)
def test_every_setting_stands_in_the_manual_and_with_its_environment_name_in_the_readme(row: settings.Row) -> None:
    (line,) = re.findall(rf"^  \[{row.section}\] (.*)$", section("SETTINGS"), re.MULTILINE)
    assert re.search(rf"(?:^|  ){row.key}=", line)
    (told,) = [line for line in README.splitlines() if f"`{row.env}`" in line]
    assert f"`[{row.section}] {row.key}`" in told
    if row.default not in ("", ()):
        assert f"`{str(row.default).lower() if isinstance(row.default, bool) else row.default}`" in told


def test_the_readme_has_no_setting_that_does_not_exist() -> None:
    known = {row.env for row in settings.rows()} | {settings.CONFIG, *settings.OF_CLIENTS}
    assert set(re.findall(r"CRMKIT_[A-Z_]+", README)) <= known


def test_the_settings_files_in_the_readme_can_be_read(tmp_path: Path) -> None:
    examples = re.findall(r"```toml\n(.*?)```", README, re.DOTALL)
    assert examples
    for example in examples:
        assert tomllib.loads(example)
        file = tmp_path / "crmkit.toml"
        file.write_text(example, encoding="utf-8")
        load_settings(file)


def test_every_cap_of_a_plan_stands_in_the_manual() -> None:
    (line,) = re.findall(r"^  \[plans\.NAME\] .*$", section("SETTINGS"), re.MULTILINE)
    for cap in (*REGISTRY.capped, *plans.RATES, plans.AUDIT_DAYS):
        assert re.search(rf"\b{cap}\b", line)


@pytest.mark.parametrize("code", CATALOGUE)
def test_every_error_code_stands_in_the_manual_with_its_statuses(code: str) -> None:
    statuses, meaning = CATALOGUE[code]
    (line,) = re.findall(rf"^  [0-9/]+ +{code} .*$", section("ERRORS"), re.MULTILINE)
    assert line.split()[0] == "/".join(str(status) for status in statuses)
    assert line.endswith(f"  {meaning}") or line.endswith(f" {meaning}")


@pytest.mark.parametrize(("method", "path"), sorted(endpoints()))
def test_every_endpoint_stands_in_the_manual(method: str, path: str) -> None:
    (summary,) = [summary for *row, summary in endpoints_in(HELP) if row == [method, path]]
    assert summary


def test_the_manual_has_no_endpoint_that_does_not_exist() -> None:
    assert sorted((method, path) for method, path, _ in endpoints_in(HELP)) == sorted(endpoints())


def test_what_most_kinds_have_is_told_of_all_and_the_others_are_named() -> None:
    each = [Endpoint("DELETE", f"/{kind.plural}/{{id}}", "in two steps") for kind in KINDS[:3]]
    each[1] = Endpoint("DELETE", f"/{KINDS[1].plural}/{{id}}", "in one step")
    (row,) = folded(each, KINDS[:3])
    assert row == Endpoint("DELETE", "/KIND/{id}", f"in two steps; {KINDS[1].plural}: in one step")


def test_a_path_that_ends_with_the_name_of_kinds_stands_in_the_manual_once() -> None:
    each = [Endpoint("GET", f"/pipelines/{kind.plural}", f"stages of {kind.plural}") for kind in KINDS[:2]]
    names = f"{KINDS[0].plural}, {KINDS[1].plural}"
    assert folded(each, KINDS) == [Endpoint("GET", "/pipelines/KIND", f"{names}: stages of KIND")]


def test_endpoints_that_every_kind_has_stand_in_the_manual_once() -> None:
    assert HELP.count("  change what is sent, keep the rest\n") == 1
    own = re.findall(r" /(\w+)(\S*)", section("ENDPOINTS"))
    plurals = [kind.plural for kind in KINDS]
    assert {plural + rest for plural, rest in own if plural in plurals} == {
        "campaigns/{id}/members",
        "campaigns/{id}/members/{member_id}",
    }


def test_one_more_kind_adds_no_row_to_the_table_and_is_named_where_it_differs() -> None:
    class Asset(Followed, frozen=True):
        """Something that is owned."""

        subject: Annotated[str, Text(200), REQUIRED, TITLE, "what it is about"]

    asset = kind_of(Asset, name="asset", plural="assets", prefix="as").with_prefixes({**PREFIXES, "as": "asset"})
    lists = [Endpoint("GET", f"/{kind.plural}", f"{kind.plural}: filters") for kind in (*KINDS, asset)]
    records = [Endpoint("GET", f"/{kind.plural}/{{id}}", f"one {kind.name}") for kind in (*KINDS, asset)]
    of_some = [Endpoint("POST", f"/{kind.plural}/{{id}}/notes", f"log one on a {kind.name}") for kind in KINDS[:2]]
    of_one = [Endpoint("POST", "/assets/{id}/close", "close an asset")]
    unlike = [Endpoint("POST", "/deals", "create"), Endpoint("POST", "/assets", "create, or merge by subject")]
    kinds = (*KINDS, asset, ACTIVITY)
    others = [Endpoint("GET", "/activities", "activities, newest first"), Endpoint("GET", "/me", "you")]
    table = [*lists, *records, *of_some, *of_one, *unlike, *others]
    assert kinds_alike(table, kinds) == [*KINDS, asset]
    assert folded(table, [*KINDS, asset]) == [
        Endpoint("GET", "/KIND", "KIND: filters"),
        Endpoint("GET", "/KIND/{id}", "one record"),
        Endpoint("POST", "/KIND/{id}/notes", "contacts, companies: log one on a record"),
        *of_one,
        Endpoint("POST", "/KIND", "deals: create; assets: create, or merge by subject"),
        *others,
    ]


def test_every_operator_and_limit_of_queries_stands_in_the_manual() -> None:
    finding = section("QUERYING")
    assert f"operators: {' '.join(OPERATORS)};" in finding
    assert f"limit=1..{MAX_LIMIT} (default {DEFAULT_LIMIT})" in finding


def test_every_operator_has_a_line_with_its_words_below_the_fields_that_take_it() -> None:
    blocks = re.findall(r"^  of (.+)\n((?:    .+\n)+)", section("OPERATORS"), re.MULTILINE)
    found = {line.split(":")[0].strip(): (takers, line) for takers, lines in blocks for line in lines.splitlines()}
    assert set(found) == set(OPERATORS)
    for name, (takers, line) in found.items():
        row = BY_NAME[name]
        assert takers == "; ".join(taken.value for taken in row.takers)
        assert line.startswith(f"    {name}:{row.operand.value} ")
        for words in (row.words, *(words for _, words in row.words_for)):
            assert all(part in line for part in re.split(r"\{\d?\}", words) if part.strip())


def test_the_example_of_a_line_parses_as_one() -> None:
    (line,) = re.findall(r"^  (contact/c_.*)$", section("READING ANSWERS"), re.MULTILINE)
    found = parse.record(CONTACT, line)
    assert (found["name"], found["tags"], found["custom"]) == ("Jane Doe", ["vip", "fintech"], {"region": "emea"})


def test_ids_in_the_manual_have_the_form_of_ids() -> None:
    prefixes = "|".join(PREFIXES)
    for body in re.findall(rf"\b(?:{prefixes})_([a-z0-9]{{6,}})\b", HELP):
        assert len(body) == ids.LENGTH
        assert set(body) <= set(ids.ALPHABET)


def test_nothing_of_the_template_is_left_unfilled() -> None:
    assert set(re.findall(r"\{([a-z_]+)\}", HELP)) <= {"id", *re.findall(r"\{(\w+)\}", section("ENDPOINTS"))}
    assert HELP.endswith("\n")
    assert not HELP.endswith("\n\n")
    assert all(line == line.rstrip() for line in HELP.splitlines())


def test_a_server_hands_out_the_manual_with_its_own_numbers() -> None:
    current = settings_of(
        CRMKIT_SERVER_BASE_URL="https://crm.acme.com/",
        CRMKIT_AUTH_TOKEN_IDLE_DAYS="7",
        **UNLIMITED,
        CRMKIT_LIMITS_SIGNIN_PER_HOUR="3",
        CRMKIT_LIMITS_BODY_KIB="64",
    )
    text = manual(current, REGISTRY, [Endpoint("GET", "/x/{id}", "an example")]).whole
    for told in (
        "BASE URL  https://crm.acme.com\n",
        "idle for 7 days",
        "unlimited requests a minute",
        "3 codes an hour",
        "up to 64 KiB",
        "\n  GET    /x/{id}  an example\n",
    ):
        assert told in text


def test_summaries_stand_in_one_column() -> None:
    table = endpoint_table([Endpoint("GET", "/", "a"), Endpoint("DELETE", "/long/path", "b")])
    assert table.splitlines() == ["  GET    /           a", "  DELETE /long/path  b"]


@pytest.fixture(scope="module")
def pages() -> Manual:
    return manual(settings_of(), REGISTRY, endpoints_of(routes(REGISTRY)))


def test_daily_work_costs_an_agent_at_most_1500_words_a_topic_600_and_the_whole_8800(pages: Manual) -> None:
    assert 500 < len(pages.daily.split()) <= 1_500
    assert 3_000 < len(pages.whole.split()) <= 8_800
    assert {
        name: len(topic.text.split()) for name, topic in pages.topics.items() if len(topic.text.split()) > 600
    } == {}


def test_each_kind_has_a_topic_and_so_has_each_text_but_that_of_daily_work(pages: Manual) -> None:
    kinds = [kind.plural for kind in (*REGISTRY.records, ACTIVITY, *REGISTRY.settings)]
    assert list(pages.topics) == [*TOPICS, *kinds]
    assert ALL not in pages.topics
    texts = {file.stem for file in (ROOT / "crmkit/render/manual/topics").iterdir()}
    assert texts - {"daily"} <= set(pages.topics)
    assert set(TOPICS) <= texts


def test_a_topic_begins_with_its_name_and_one_sentence_of_what_it_is_for(pages: Manual) -> None:
    for name, topic in pages.topics.items():
        assert topic.text.startswith(f"{name.upper()}: {topic.about}\n")
        assert re.fullmatch(r"[^.]{10,110}\.", topic.about)


def test_the_page_of_daily_work_lists_every_topic(pages: Manual) -> None:
    for name, topic in pages.topics.items():
        told = (
            rf"(\w+, )*{name}\b"
            if name in [kind.plural for kind in REGISTRY.settings]
            else rf"{name}:? +{re.escape(topic.about)}$"
        )
        assert re.search(rf"^  {told}", pages.daily, re.MULTILINE)


def test_a_topic_that_a_page_names_is_there(pages: Manual) -> None:
    for text in (pages.daily, pages.whole, *(topic.text for topic in pages.topics.values())):
        assert set(re.findall(r"topic=([a-z]+)", text)) <= {ALL, *pages.topics}


def test_the_whole_manual_has_every_line_that_is_written_in_a_topic(pages: Manual) -> None:
    lines = set(pages.whole.splitlines())
    assert set(pages.daily.splitlines()) <= lines
    for name in pages.topics:
        file = ROOT / f"crmkit/render/manual/topics/{name}.txt"
        if file.is_file():
            written = {line for line in file.read_text(encoding="utf-8").splitlines() if "{" not in line}
            assert written <= lines


def test_each_endpoint_is_described_in_one_topic_and_named_in_that_of_endpoints(pages: Manual) -> None:
    every = endpoints_of(routes(REGISTRY))
    rows = folded(every, kinds_alike(every, (*REGISTRY.records, ACTIVITY, *REGISTRY.settings)))
    assert len(rows) > 60
    for row in rows:
        described = re.compile(rf"^  {row.method:<7}{re.escape(row.path)}  +{re.escape(row.summary)}$", re.MULTILINE)
        assert sum(len(described.findall(topic.text)) for topic in pages.topics.values()) == 1, row
        assert re.search(rf" {row.method} +{re.escape(row.path)}(?=[ ,\n])", pages.topics["endpoints"].text), row


@pytest.mark.parametrize(("kind", "field"), FIELDS, ids=[f"{kind.name}.{field.name}" for kind, field in FIELDS])
def test_the_topic_of_a_kind_tells_each_of_its_fields_and_daily_work_names_those_that_clients_write(
    pages: Manual, kind: Kind, field: Field
) -> None:
    told = " ".join(pages.topics[kind.plural].text.split())
    if not field.writable:
        assert re.search(rf"read only: [^:]*\b{field.name}\b", told)
        return
    starred = field.name + ("*" if field.required else "")
    assert " ".join(f"{starred} ({field.help})".split()) in told
    (names,) = re.findall(rf"^  {kind.plural}: .*\n((?:    .*\n)+)", pages.daily, re.MULTILINE)
    assert starred in re.split(r",\s+", names.strip())


def test_the_parts_on_writing_many_at_once_and_back_have_at_most_500_words_and_one_worked_example() -> None:
    parts = {title: section(title) for title in ("MANY", "UNDO", "DUPLICATES", "LOG", "BRIEF")}
    assert sum(len(part.split()) for part in parts.values()) <= 500
    example = parts["UNDO"].partition("A mistake taken back:")[2]
    calls = re.findall(r"^    ([A-Z]+ /\S+)", example, re.MULTILINE)
    assert [call.partition("/")[0] for call in calls] == ["PATCH ", "PATCH ", "POST "]
    assert f"# undo: {calls[2]}\n" in example
