"""Settings are layered, each has its name in the environment, and a wrong one stops the start with one line."""

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crmkit.boot import load_settings as load
from crmkit.clock import after
from crmkit.settings import OF_CLIENTS, Settings, SettingsError, rows, unknown_names
from tests.house import run
from tests.settings.wrong_settings import told, written

# section, key, environment name, default: what operators rely on
EVERY_SETTING: list[tuple[str, str, str, Any]] = [
    ("server", "host", "CRMKIT_SERVER_HOST", "127.0.0.1"),
    ("server", "port", "CRMKIT_SERVER_PORT", 8000),
    ("server", "base_url", "CRMKIT_SERVER_BASE_URL", ""),
    ("server", "data", "CRMKIT_SERVER_DATA", "data"),
    ("server", "files", "CRMKIT_SERVER_FILES", "data"),
    ("server", "trusted_proxies", "CRMKIT_SERVER_TRUSTED_PROXIES", ()),
    ("server", "origins", "CRMKIT_SERVER_ORIGINS", ()),
    ("server", "log", "CRMKIT_SERVER_LOG", "text"),
    ("server", "faces", "CRMKIT_SERVER_FACES", ()),
    ("server", "metrics_secret", "CRMKIT_SERVER_METRICS_SECRET", ""),
    ("mail", "smtp_url", "CRMKIT_MAIL_SMTP_URL", ""),
    ("mail", "from", "CRMKIT_MAIL_FROM", "crmkit <crmkit@localhost>"),
    ("auth", "local", "CRMKIT_AUTH_LOCAL", False),
    ("auth", "signup", "CRMKIT_AUTH_SIGNUP", "open"),
    ("auth", "code_minutes", "CRMKIT_AUTH_CODE_MINUTES", 10),
    ("auth", "token_idle_days", "CRMKIT_AUTH_TOKEN_IDLE_DAYS", 30),
    ("limits", "requests_per_minute", "CRMKIT_LIMITS_REQUESTS_PER_MINUTE", 600),
    ("limits", "requests_per_minute_user", "CRMKIT_LIMITS_REQUESTS_PER_MINUTE_USER", 2000),
    ("limits", "tokens_per_user", "CRMKIT_LIMITS_TOKENS_PER_USER", 100),
    ("limits", "signin_per_hour", "CRMKIT_LIMITS_SIGNIN_PER_HOUR", 5),
    ("limits", "signins_per_minute", "CRMKIT_LIMITS_SIGNINS_PER_MINUTE", 60),
    ("limits", "mails_per_client", "CRMKIT_LIMITS_MAILS_PER_CLIENT", 20),
    ("limits", "mails_per_hour", "CRMKIT_LIMITS_MAILS_PER_HOUR", 1000),
    ("limits", "body_kib", "CRMKIT_LIMITS_BODY_KIB", 1024),
    ("limits", "batch_items", "CRMKIT_LIMITS_BATCH_ITEMS", 1000),
    ("limits", "batch_mib", "CRMKIT_LIMITS_BATCH_MIB", 16),
    ("limits", "import_mib", "CRMKIT_LIMITS_IMPORT_MIB", 512),
    ("limits", "connections", "CRMKIT_LIMITS_CONNECTIONS", 10_000),
    ("limits", "connections_per_client", "CRMKIT_LIMITS_CONNECTIONS_PER_CLIENT", 256),
    ("limits", "head_seconds", "CRMKIT_LIMITS_HEAD_SECONDS", 10),
    ("limits", "stall_seconds", "CRMKIT_LIMITS_STALL_SECONDS", 30),
    ("limits", "idle_seconds", "CRMKIT_LIMITS_IDLE_SECONDS", 30),
    ("webhooks", "allow", "CRMKIT_WEBHOOKS_ALLOW", ()),
    ("backup", "every_hours", "CRMKIT_BACKUP_EVERY_HOURS", 0),
    ("backup", "keep", "CRMKIT_BACKUP_KEEP", 7),
    ("backup", "folder", "CRMKIT_BACKUP_FOLDER", "backups"),
    ("plans", "default", "CRMKIT_PLANS_DEFAULT", "unlimited"),
]

# a text in the environment, the same in a file, and the value both give
OTHER: dict[str, tuple[str, str, Any]] = {
    "CRMKIT_SERVER_HOST": ("::1", '"::1"', "::1"),
    "CRMKIT_SERVER_PORT": ("0", "0", 0),
    "CRMKIT_SERVER_BASE_URL": ("https://crm.acme.com", '"https://crm.acme.com"', "https://crm.acme.com"),
    "CRMKIT_SERVER_DATA": ("/srv/crm data", '"/srv/crm data"', "/srv/crm data"),
    "CRMKIT_SERVER_FILES": ("/srv/crm files", '"/srv/crm files"', "/srv/crm files"),
    "CRMKIT_SERVER_TRUSTED_PROXIES": (
        "10.0.0.0/8, ::1 ,",
        '["10.0.0.0/8", "::1"]',
        ("10.0.0.0/8", "::1"),
    ),
    "CRMKIT_SERVER_ORIGINS": (
        "https://a.example.com, http://b:81",
        '["https://a.example.com", "http://b:81"]',
        ("https://a.example.com", "http://b:81"),
    ),
    "CRMKIT_SERVER_LOG": ("json", '"json"', "json"),
    "CRMKIT_SERVER_FACES": ("klozeo, konektor", '["klozeo", "konektor"]', ("klozeo", "konektor")),
    "CRMKIT_SERVER_METRICS_SECRET": ("k7m2q9xak7m2q9xa", '"k7m2q9xak7m2q9xa"', "k7m2q9xak7m2q9xa"),
    "CRMKIT_MAIL_SMTP_URL": ("smtp://mail:25", '"smtp://mail:25"', "smtp://mail:25"),
    "CRMKIT_MAIL_FROM": ("crm@acme.com", '"crm@acme.com"', "crm@acme.com"),
    "CRMKIT_AUTH_LOCAL": ("true", "true", True),
    "CRMKIT_AUTH_SIGNUP": ("invited", '"invited"', "invited"),
    "CRMKIT_AUTH_CODE_MINUTES": ("5", "5", 5),
    "CRMKIT_AUTH_TOKEN_IDLE_DAYS": ("365", "365", 365),
    "CRMKIT_LIMITS_REQUESTS_PER_MINUTE": ("0", "0", 0),
    "CRMKIT_LIMITS_REQUESTS_PER_MINUTE_USER": ("0", "0", 0),
    "CRMKIT_LIMITS_TOKENS_PER_USER": ("1", "1", 1),
    "CRMKIT_LIMITS_SIGNIN_PER_HOUR": ("1", "1", 1),
    "CRMKIT_LIMITS_SIGNINS_PER_MINUTE": ("0", "0", 0),
    "CRMKIT_LIMITS_MAILS_PER_CLIENT": ("0", "0", 0),
    "CRMKIT_LIMITS_MAILS_PER_HOUR": ("0", "0", 0),
    "CRMKIT_LIMITS_BATCH_ITEMS": ("1", "1", 1),
    "CRMKIT_LIMITS_BATCH_MIB": ("1", "1", 1),
    "CRMKIT_LIMITS_IMPORT_MIB": ("1", "1", 1),
    "CRMKIT_LIMITS_BODY_KIB": ("64", "64", 64),
    "CRMKIT_LIMITS_CONNECTIONS": ("50", "50", 50),
    "CRMKIT_LIMITS_CONNECTIONS_PER_CLIENT": ("0", "0", 0),
    "CRMKIT_LIMITS_HEAD_SECONDS": ("1", "1", 1),
    "CRMKIT_LIMITS_STALL_SECONDS": ("5", "5", 5),
    "CRMKIT_LIMITS_IDLE_SECONDS": ("60", "60", 60),
    "CRMKIT_WEBHOOKS_ALLOW": ("10.0.0.0/8, fd00::/8", '["10.0.0.0/8", "fd00::/8"]', ("10.0.0.0/8", "fd00::/8")),
    "CRMKIT_BACKUP_EVERY_HOURS": ("24", "24", 24),
    "CRMKIT_BACKUP_KEEP": ("14", "14", 14),
    "CRMKIT_BACKUP_FOLDER": ("/mnt/backups", '"/mnt/backups"', "/mnt/backups"),
    "CRMKIT_PLANS_DEFAULT": ("unlimited", '"unlimited"', "unlimited"),
}

every_setting = pytest.mark.parametrize(("section", "key", "env", "default"), EVERY_SETTING, ids=str)


def value_of(found: Settings, section: str, key: str) -> Any:
    return getattr(getattr(found, section), "sender" if key == "from" else key)


def test_every_setting_has_the_name_and_default_listed_here() -> None:
    assert [(row.section, row.key, row.env, row.default) for row in rows()] == EVERY_SETTING
    assert all(row.help and row.help.splitlines() == [row.help] for row in rows())
    assert set(OTHER) == {row.env for row in rows()}


@every_setting
def test_a_setting_has_its_default_where_nothing_is_said(section: str, key: str, env: str, default: Any) -> None:
    assert value_of(load(), section, key) == default
    assert value_of(Settings(), section, key) == default


@every_setting
def test_each_layer_wins_over_the_one_before(section: str, key: str, env: str, default: Any, tmp_path: Path) -> None:
    text, in_file, value = OTHER[env]
    file = written(tmp_path, f"[{section}]\n{key} = {in_file}\n")
    assert value_of(load(file), section, key) == value
    assert value_of(load(None, {env: text}), section, key) == value
    assert value_of(load(file, {"PATH": "/bin", "OTHER_SERVER_PORT": "x"}), section, key) == value
    default_flag = list(default) if isinstance(default, tuple) else default
    assert value_of(load(file, {env: text}, {(section, key): default_flag}), section, key) == default


def test_the_environment_wins_over_the_file_and_a_flag_over_both(tmp_path: Path) -> None:
    file = written(tmp_path, "[server]\nport = 1\nhost = '::1'\n[limits]\nbody_kib = 2\n")
    found = load(file, {"CRMKIT_SERVER_PORT": "3", "CRMKIT_LIMITS_BODY_KIB": "4"}, {("server", "port"): 5})
    assert (found.server.port, found.limits.body_kib, found.server.host) == (5, 4, "::1")
    assert found.server.data == "data"


def test_without_a_limit_of_tokens_persons_have_none_unless_it_is_set(tmp_path: Path) -> None:
    file = written(tmp_path, "[limits]\nrequests_per_minute = 0\n")
    assert load(file).limits.requests_per_minute_user == 0
    assert load(file, {"CRMKIT_LIMITS_REQUESTS_PER_MINUTE_USER": "2000"}).limits.requests_per_minute_user == 2000
    assert load(file, {"CRMKIT_LIMITS_REQUESTS_PER_MINUTE": "5"}).limits.requests_per_minute_user == 2000
    assert load(environ={"CRMKIT_LIMITS_REQUESTS_PER_MINUTE": "0"}).limits.requests_per_minute_user == 0


def test_the_path_of_the_settings_file_is_no_setting() -> None:
    assert load(environ={"CRMKIT_CONFIG": "/elsewhere.toml"}) == Settings()


@pytest.mark.parametrize(
    ("text", "value"), [("true", True), ("1", True), ("TRUE", True), ("false", False), ("0", False)]
)
def test_a_switch_is_spelled_true_or_false(text: str, value: bool) -> None:
    assert load(environ={"CRMKIT_AUTH_LOCAL": text}).auth.local is value


# what stops the start


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("CRMKIT_SERVER_PORT", "http", ["CRMKIT_SERVER_PORT is a whole number from 0 to 65535, not 'http'"]),
        ("CRMKIT_SERVER_PORT", "", ["CRMKIT_SERVER_PORT is a whole number from 0 to 65535, not "]),
        ("CRMKIT_SERVER_PORT", "8000\nx", ["CRMKIT_SERVER_PORT is a whole number from 0 to 65535, not "]),
        ("CRMKIT_SERVER_PORT", "-1", ["CRMKIT_SERVER_PORT is a whole number from 0 to 65535, not "]),
        ("CRMKIT_SERVER_PORT", "65536", ["CRMKIT_SERVER_PORT is a whole number from 0 to 65535, not "]),
        ("CRMKIT_SERVER_PORT", "80.5", ["CRMKIT_SERVER_PORT is a whole number from 0 to 65535, not "]),
        ("CRMKIT_SERVER_LOG", "xml", ["CRMKIT_SERVER_LOG is text or json, not 'xml'"]),
        ("CRMKIT_AUTH_LOCAL", "yes", ["CRMKIT_AUTH_LOCAL is true or false, not 'yes'"]),
        ("CRMKIT_AUTH_LOCAL", "a\nb", ["CRMKIT_AUTH_LOCAL is true or false"]),
        ("CRMKIT_AUTH_SIGNUP", "closed", ["CRMKIT_AUTH_SIGNUP is open or invited, not 'closed'"]),
        ("CRMKIT_AUTH_CODE_MINUTES", "0", ["CRMKIT_AUTH_CODE_MINUTES is a whole number from "]),
        (
            "CRMKIT_AUTH_CODE_MINUTES",
            "9999999999",
            ["CRMKIT_AUTH_CODE_MINUTES is a whole number from 1 to 525600, not "],
        ),
        (
            "CRMKIT_AUTH_TOKEN_IDLE_DAYS",
            "999999",
            ["CRMKIT_AUTH_TOKEN_IDLE_DAYS is a whole number from 1 to 36500, not "],
        ),
        ("CRMKIT_LIMITS_REQUESTS_PER_MINUTE", "-1", ["CRMKIT_LIMITS_REQUESTS_PER_MINUTE is a whole number from "]),
        ("CRMKIT_LIMITS_SIGNIN_PER_HOUR", "0", ["CRMKIT_LIMITS_SIGNIN_PER_HOUR is a whole number from "]),
        ("CRMKIT_BACKUP_EVERY_HOURS", "0.5", ["CRMKIT_BACKUP_EVERY_HOURS is a whole number from 0 to 8760, not '0.5'"]),
        ("CRMKIT_LIMITS_BODY_KIB", "1 MB", ["CRMKIT_LIMITS_BODY_KIB is a whole number from "]),
        ("CRMKIT_PLANS_DEFAULT", "gold", ["[plans] default names 'gold'; declared are: unlimited"]),
        ("CRMKIT_SERVER_ORIGINS", "chat.example.com", ["origins", "https://chat.example.com"]),
        ("CRMKIT_SERVER_ORIGINS", "https://a.example.com/x", ["origins", "'https://a.example.com/x' is no origin"]),
        (
            "CRMKIT_SERVER_FACES",
            "hubspot",
            ["[server] faces: 'hubspot' is no service that is known; there is klozeo and konektor"],
        ),
        ("CRMKIT_SERVER_TRUSTED_PROXIES", "10.0.0.1,proxy", ["trusted_proxies: 'proxy' is no address or network"]),
        ("CRMKIT_SERVER_BASE_URL", "http://0.0.0.0:8000", ["'http://0.0.0.0:8000' is none that they can"]),
        ("CRMKIT_SERVER_BASE_URL", "http://[::]:8000/crm", ["'http://[::]:8000/crm' is none that they can"]),
        (
            "CRMKIT_SERVER_BASE_URL",
            "crm.acme.com",
            ["[server] base_url: 'crm.acme.com' cannot be obeyed", "http:// or https://"],
        ),
        ("CRMKIT_SERVER_BASE_URL", "http://[::1", ["'http://[::1' cannot be obeyed"]),
        ("CRMKIT_SERVER_BASE_URL", "http://[1:2]", ["'http://[1:2]' is none that they can"]),
    ],
    ids=ascii,
)
def test_a_wrong_setting_in_the_environment_is_told_in_one_line(name: str, text: str, words: list[str]) -> None:
    message = told(environ={name: text})
    for word in words:
        assert word in message


@pytest.mark.parametrize(
    ("toml", "words"),
    [
        ("[sever]\nport = 1", ["crmkit.toml has a section [sever], which does not exist (did you mean server?)"]),
        ("[other]\n", ["a section [other], which does not exist"]),
        ('["a\\nb"]\n', ["which does not exist"]),
        ("port = 1", ["a section [port], which does not exist"]),
        ("server = 1", ["[server] is a section, it holds keys"]),
        ("[[server]]\nport = 1", ["[server] is a section, it holds keys"]),
        ("[server]\nprot = 1", ["[server] has no setting 'prot' (did you mean port?); it has host, port, base_url"]),
        ('[server]\n"a\\nb" = 1', ["[server] has no setting"]),
        ("[mail]\nsender = 'x'", ["[mail] has no setting 'sender'", "smtp_url, from"]),
        ("[server]\nport = '1'", ["[server] port is "]),
        ("[server]\nport = 70000", ["[server] port is "]),
        ("[server]\nhost = 1", ["[server] host is a text, in quotes"]),
        ("[server]\ntrusted_proxies = '10.0.0.1'", ["[server] trusted_proxies is a list of texts, in quotes"]),
        ("[auth]\nlocal = 'true'", ["[auth] local is true or false, not "]),
        ("[auth]\nlocal = 1", ["[auth] local is true or false, not "]),
        ("[limits]\nbody_kib = 0", ["[limits] body_kib is a whole number from 1 on, not "]),
        ("[limits.body_kib]\nx = 1", ["[limits] body_kib is a whole number from 1 on, not "]),
        ("[auth]\nsignup = 'closed'", ["[auth] signup is open or invited, not 'closed'"]),
        ("[server]\nlog = 1", ["[server] log is text or json, not 1"]),
        ("[plans]\ndefault = 1", ["[plans] default names 1"]),
        ("[plans]\nfree = 5", ["[plans.free] is a table, it holds keys"]),
        ("[plans.default]\ncontacts = 5", ["[plans] default names {'contacts': 5}"]),
        ("[plans.free]\ncontact = 5", ["[plans.free] has no setting 'contact' (did you mean contacts?)"]),
        ("[plans.free]\ncontacts = -1", ["[plans.free] contacts is "]),
        ("[plans.free]\ncontacts = '5'", ["[plans.free] contacts is "]),
        ("[server", ["is not TOML"]),
        ("[server]\nport = 1\nport = 2", ["is not TOML"]),
        ("[server]\nport: 1", ["is not TOML"]),
        ("[server]\nhost = 'a\nb'", ["is not TOML"]),
        ("[server]\nx = " + "[" * 5_000 + "]" * 5_000, ["is not TOML"]),
    ],
    ids=lambda part: ascii(part)[:50],
)
def test_a_wrong_settings_file_is_told_in_one_line(toml: str, words: list[str], tmp_path: Path) -> None:
    message = told(file=written(tmp_path, toml))
    for word in words:
        assert word in message


def test_a_settings_file_that_cannot_be_read_is_told_in_one_line(tmp_path: Path) -> None:
    assert "cannot read the settings file" in told(file=tmp_path / "none.toml")
    assert "cannot read the settings file" in told(file=tmp_path)
    latin = tmp_path / "latin.toml"
    latin.write_bytes("[server]\ndata = 'Zoë'".encode("latin-1"))
    assert "is not TOML" in told(file=latin)


def test_a_wrong_flag_is_told_in_one_line() -> None:
    assert "[server] port is a whole number from 0 to 65535, not " in told(flags={("server", "port"): 70_000})
    assert "[server] port is a whole number from 0 to 65535, not " in told(flags={("server", "port"): "80"})


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.dictionaries(
        st.one_of(st.sampled_from([row.env for row in rows()]), st.text(max_size=8).map("CRMKIT_{}".format)),
        st.one_of(st.text(max_size=12), st.sampled_from([text for text, _, _ in OTHER.values()])),
        max_size=3,
    )
)
def test_any_environment_gives_settings_or_one_line(environ: dict[str, str]) -> None:
    try:
        found = load(environ=environ)
    except SettingsError as error:
        assert str(error).splitlines() == [str(error)]
        return
    assert found.base_url.startswith("http")
    told = unknown_names(environ)
    assert len(told) == len(set(environ) - {"CRMKIT_CONFIG", *OF_CLIENTS, *OTHER})
    assert all(line.splitlines() == [line] for line in told)


def test_a_wrong_setting_stops_the_program_with_one_line(tmp_path: Path) -> None:
    ended = run("migrate", cwd=tmp_path, CRMKIT_SERVER_PORT="http")
    assert ended.returncode == 1
    assert ended.stdout == ""
    assert re.fullmatch(r"crmkit: CRMKIT_SERVER_PORT is a whole number from 0 to 65535, not 'http'\n", ended.stderr)


# what does not stop it


@pytest.mark.parametrize(
    ("name", "guess"),
    [
        ("CRMKIT_SERVER_PROT", "CRMKIT_SERVER_PORT"),
        ("CRMKIT_PORT", "CRMKIT_SERVER_PORT"),
        ("CRMKIT_DATA", "CRMKIT_SERVER_DATA"),
        ("CRMKIT_SMTP_URL", "CRMKIT_MAIL_SMTP_URL"),
        ("CRMKIT_server_port", "CRMKIT_SERVER_PORT"),
        ("CRMKIT_FOO_BAR", ""),
        ("CRMKIT_", ""),
        ("CRMKIT_A\nB\u2028C", ""),
    ],
    ids=ascii,
)
def test_a_name_in_the_environment_that_is_no_setting_changes_nothing_and_is_led_to_the_nearest(
    name: str, guess: str
) -> None:
    assert load(environ={name: "{}"}) == Settings()
    (line,) = unknown_names({name: "{}", "PATH": "/bin", "CRMKIT_SERVER_PORT": "1", "CRMKIT_CONFIG": "x"})
    assert line.splitlines() == [line]
    assert "which is no setting and has no effect" in line
    assert line.endswith(f" (did you mean {guess}?)") if guess else "did you mean" not in line


@pytest.mark.parametrize("name", OF_CLIENTS)
def test_what_a_client_keeps_in_the_environment_is_not_told(name: str) -> None:
    assert load(environ={name: "x"}) == Settings()
    assert unknown_names({name: "x"}) == []


def test_the_longest_times_are_still_dates() -> None:
    most = load(environ={"CRMKIT_AUTH_CODE_MINUTES": "525600", "CRMKIT_AUTH_TOKEN_IDLE_DAYS": "36500"}).auth
    assert after("2026-06-10T09:00:00Z", minutes=most.code_minutes) == "2027-06-10T09:00:00Z"
    assert after("2026-06-10T09:00:00Z", days=-most.token_idle_days)[:4] == "1926"
