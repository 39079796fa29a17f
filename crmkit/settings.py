"""Settings. Each is declared once. Flags win over the environment, that over crmkit.toml, that over defaults.

Every `[section] key` is the environment variable CRMKIT_SECTION_KEY. A setting that cannot be read raises SettingsError
with one line to print, and so does one of the file that does not exist. A name in the environment that is no setting is
left out, since other programs may have put it there; `unknown_names` tells the operator.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, get_args, get_origin, get_type_hints
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta, Struct, field

from crmkit import ip
from crmkit.errors import closest, listed, nearest
from crmkit.plans import AUDIT_DAYS, RATES, Caps, Plans

T = TypeVar("T", bound=Struct)

Positive = Annotated[int, Meta(ge=1)]
NotNegative = Annotated[int, Meta(ge=0)]
# bounded, so that adding it to the present time gives a date that exists
Minutes = Annotated[int, Meta(ge=1, le=365 * 24 * 60)]
Hours = Annotated[int, Meta(ge=0, le=365 * 24)]
Days = Annotated[int, Meta(ge=1, le=100 * 365)]

PREFIX = "CRMKIT_"
CONFIG = "CRMKIT_CONFIG"  # the path of the settings file
OF_CLIENTS = ("CRMKIT_URL", "CRMKIT_TOKEN", "CRMKIT_FROM_KEY")  # what a client of the API keeps in the environment
# names that no public DNS has (RFC 2606, RFC 6761, RFC 6762, RFC 8375, and ICANN's reservation of .internal)
PRIVATE_NAMES = (".localhost", ".local", ".internal", ".home.arpa", ".test")

FACES = ("klozeo", "konektor")  # the services whose clients the server can be told to answer (see crmkit/faces)

# a host or [address], a port, and segments of a path that no client spells in another way
_BASE_URL = re.compile(
    r"https?://(?:[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?\.?|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?"
    r"(?:/[A-Za-z0-9_-][A-Za-z0-9._~-]*)*/*"
)


class SettingsError(Exception):
    """A setting that stops the start; the message is the one line to print."""

    def __init__(self, message: str) -> None:
        super().__init__(" ".join(message.split()))


class Server(Struct, frozen=True, forbid_unknown_fields=True):
    host: Annotated[str, "address to listen on"] = "127.0.0.1"
    port: Annotated[Annotated[int, Meta(ge=0, le=65535)], "port to listen on; 0 takes a free one"] = 8000
    base_url: Annotated[str, "the URL clients use; empty means http://host:port"] = ""
    data: Annotated[str, "folder of the database and its key"] = "data"
    trusted_proxies: Annotated[
        tuple[str, ...], "addresses or networks whose X-Forwarded-For is believed; comma-separated in the environment"
    ] = ()
    origins: Annotated[
        tuple[str, ...], "further web origins that /mcp does not refuse, like https://chat.example.com"
    ] = ()
    log: Annotated[Literal["text", "json"], "form of the log: text, or a JSON object a line"] = "text"
    faces: Annotated[
        tuple[str, ...],
        f"services whose clients work here unchanged: {listed(FACES)}; comma-separated in the environment",
    ] = ()
    metrics_secret: Annotated[
        str, "token of whoever asks for /metrics or /doctor from elsewhere, 16 characters or more; empty: nobody may"
    ] = ""


class Mail(Struct, frozen=True, forbid_unknown_fields=True, rename={"sender": "from"}):
    smtp_url: Annotated[
        str, "smtp://, smtps:// or smtp+starttls://user:password@host:port; empty prints mail on the terminal"
    ] = ""
    sender: Annotated[str, "sender of every mail"] = "crmkit <crmkit@localhost>"


class Auth(Struct, frozen=True, forbid_unknown_fields=True):
    local: Annotated[bool, "one person's own machine: codes stand in the response; loopback hosts only"] = False
    signup: Annotated[Literal["open", "invited"], "who may open an account"] = "open"
    code_minutes: Annotated[Minutes, "minutes an emailed code lives"] = 10
    token_idle_days: Annotated[Days, "days without use after which a token expires"] = 30


class Limits(Struct, frozen=True, forbid_unknown_fields=True):
    requests_per_minute: Annotated[NotNegative, "requests per token and minute; 0 switches the limit off"] = 600
    requests_per_minute_user: Annotated[
        NotNegative, "requests per person and minute, with all tokens; 0 switches the limit off"
    ] = 2000
    tokens_per_user: Annotated[Positive, "tokens that a person may have"] = 100
    signin_per_hour: Annotated[Positive, "codes per address and hour"] = 5
    signins_per_minute: Annotated[
        NotNegative, "requests to sign in per client network address and minute; 0 switches the limit off"
    ] = 60
    mails_per_client: Annotated[
        NotNegative,
        "codes per client network address and hour, whatever addresses they go to; 0 switches the limit off",
    ] = 20
    mails_per_hour: Annotated[
        NotNegative, "mails to all addresses in an hour, half of them kept for known ones; 0 switches the limit off"
    ] = 1000
    body_kib: Annotated[Positive, "largest request body, in KiB"] = 1024
    batch_items: Annotated[Positive, "most items of one batch; with all they nest, twice as many records"] = 1000
    batch_mib: Annotated[Positive, "largest body of a batch, in MiB"] = 16
    import_mib: Annotated[Positive, "largest file of an import, in MiB"] = 512
    connections: Annotated[Positive, "connections at once; fewer where the process may open fewer files"] = 10_000
    connections_per_client: Annotated[
        NotNegative, "connections at once of one client, trusted proxies apart; 0 switches the limit off"
    ] = 256
    head_seconds: Annotated[Positive, "seconds allowed for the head of a request to arrive"] = 10
    stall_seconds: Annotated[Positive, "seconds that a body may stand still, or an answer stay unread"] = 30
    idle_seconds: Annotated[Positive, "seconds that a connection is kept for the next request"] = 30


class Webhooks(Struct, frozen=True, forbid_unknown_fields=True):
    allow: Annotated[
        tuple[str, ...],
        "networks that requests of this server may reach though they are not public, also by http; comma-separated in "
        "the environment",
    ] = ()


class Backup(Struct, frozen=True, forbid_unknown_fields=True):
    every_hours: Annotated[Hours, "hours between two backups that the server makes by itself; 0 makes none"] = 0
    keep: Annotated[Positive, "how many of these are kept, the newest"] = 7
    folder: Annotated[str, "folder of these, outside of the data folder, best on another disk"] = "backups"


class Settings(Struct, frozen=True):
    server: Server = Server()
    mail: Mail = Mail()
    auth: Auth = Auth()
    limits: Limits = Limits()
    webhooks: Webhooks = Webhooks()
    backup: Backup = Backup()
    plans: Plans = field(default_factory=lambda: Plans(named={"unlimited": {}}))

    @property
    def base_url(self) -> str:
        """Return the URL that clients use, without a trailing slash.

        A server that listens on every address is called localhost, which is true on its own machine.
        """
        host = "localhost" if is_every_address(self.server.host) else self.server.host
        host = f"[{host}]" if ":" in host else host
        return (self.server.base_url or f"http://{host}:{self.server.port}").rstrip("/")

    @property
    def origin(self) -> str:
        """Return the base URL without its path."""
        return self.base_url.removesuffix(self.base_path)

    @property
    def base_path(self) -> str:
        """Return the path of the base URL, usually empty, as `/crm`."""
        return urlsplit(self.base_url).path


class Row(Struct, frozen=True):
    """One setting: what the manual prints and the loader reads."""

    section: str
    key: str
    base: Any  # the Python type
    type: Any  # the same, annotated with its limits
    default: Any
    help: str

    @property
    def env(self) -> str:
        return f"{PREFIX}{self.section}_{self.key}".upper()


def rows() -> tuple[Row, ...]:
    """Return every setting that has a default, in the order of the classes above."""
    found = []
    for section, struct in get_type_hints(Settings).items():
        names = {info.name: info for info in msgspec.structs.fields(struct)}
        for name, hint in get_type_hints(struct, include_extras=True).items():
            if get_origin(hint) is not Annotated:
                continue
            info = names[name]
            base, *_, words = get_args(hint)
            found.append(Row(section, info.encode_name, base, info.type, info.default, words))
    return tuple(found)


def load(
    file: Path | None = None,
    environ: Mapping[str, str] | None = None,
    flags: Mapping[tuple[str, str], Any] | None = None,
    capped: Sequence[str] = (),
) -> Settings:
    """Return the settings of all layers; `flags` maps (section, key) to a value, which wins over all others.

    `capped` names what a plan may cap.

    Raises SettingsError for a file that cannot be read, an unknown name in it, or a value that does not fit.
    """
    tree = _from_file(file) if file else {}
    for row in rows():
        if environ and row.env in environ:
            tree.setdefault(row.section, {})[row.key] = _from_text(row, environ[row.env])
    for (section, key), value in (flags or {}).items():
        tree.setdefault(section, {})[key] = value
    return _checked(_converted(tree, capped))


def unknown_names(environ: Mapping[str, str]) -> list[str]:
    """Return a line for each name in the environment that looks like a setting and is none.

    A name is compared with `SECTION_KEY` and `KEY`, so that CRMKIT_PORT is led to CRMKIT_SERVER_PORT.
    """
    known = {row.key.upper(): row.env for row in rows()} | {row.env.removeprefix(PREFIX): row.env for row in rows()}
    told = []
    for name in sorted(environ):
        if not name.startswith(PREFIX) or name in (CONFIG, *OF_CLIENTS, *known.values()):
            continue
        close = closest(name.removeprefix(PREFIX), known)
        guess = f" (did you mean {known[close]}?)" if close else ""
        shown = name if name.isprintable() else ascii(name)
        told.append(f"the environment sets {shown}, which is no setting and has no effect{guess}")
    return told


def _from_file(file: Path) -> dict[str, Any]:
    import tomllib  # imported late: many installations have no file

    try:
        tree = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"cannot read the settings file {file}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise SettingsError(f"the settings file {file} is not TOML: {error}") from None
    sections = Settings.__struct_fields__
    for section, keys in tree.items():
        if section not in sections:
            raise SettingsError(f"{file} has a section [{section}], which does not exist{nearest(section, sections)}")
        if not isinstance(keys, dict):
            raise SettingsError(f"{file}: [{section}] is a section, it holds keys")
    return tree


def _from_text(row: Row, text: str) -> Any:
    if row.base == tuple[str, ...]:
        return [part.strip() for part in text.split(",") if part.strip()]
    if row.base is bool:
        if text.lower() not in ("true", "false", "1", "0"):
            raise SettingsError(f"{row.env} is true or false, not {text!r}")
        return text.lower() in ("true", "1")
    return _fitting(row.env, row.type, text, strict=False)


def _fitting(name: str, type: Any, value: Any, strict: bool = True) -> Any:
    """Return a value as a setting has it; raises SettingsError, which says what the setting takes."""
    try:
        return msgspec.convert(value, type, strict=strict)
    except msgspec.ValidationError:
        wanted = _wanted(type)
    shown = "" if "in quotes" in wanted else f", not {value!r}"  # a text may be a secret
    raise SettingsError(f"{name} is {wanted}{shown}")


def _wanted(type: Any) -> str:
    """Return what a setting of a type takes, in words."""
    from msgspec import inspect  # imported late: few starts fail

    base = type.__origin__ if get_origin(type) is Annotated else type
    if get_origin(base) is Literal:
        return listed(get_args(base), "or")
    match inspect.type_info(type):
        case inspect.UnionType(types=(inspect.IntType(ge=least, le=most), *_)) | inspect.IntType(ge=least, le=most):
            return f"a whole number from {least}" + (" on" if most is None else f" to {most}")
        case inspect.BoolType():
            return "true or false"
    return "a list of texts, in quotes" if get_origin(base) is tuple else "a text, in quotes"


def _converted(tree: dict[str, Any], capped: Sequence[str]) -> Settings:
    plans = dict(tree.get("plans", {}))
    named: dict[str, Caps] = {"unlimited": {}}
    known = [(name, NotNegative | None, None) for name in (*capped, *RATES)] + [(AUDIT_DAYS, Days | None, None)]
    plan = msgspec.defstruct("Plan", known, frozen=True, forbid_unknown_fields=True)
    for name, caps in plans.items():
        if name == "unlimited":
            raise SettingsError("[plans.unlimited] always exists, without caps: give your plan another name")
        if name != "default":
            read = msgspec.structs.asdict(_section(f"plans.{name}", caps, plan))
            named[name] = {what: cap for what, cap in read.items() if cap is not None}
    default = plans.get("default", "unlimited")
    if not isinstance(default, str) or default not in named:
        raise SettingsError(f"[plans] default names {default!r}; declared are: {', '.join(sorted(named))}")
    return Settings(
        server=_section("server", tree.get("server", {}), Server),
        mail=_section("mail", tree.get("mail", {}), Mail),
        auth=_section("auth", tree.get("auth", {}), Auth),
        limits=_section("limits", tree.get("limits", {}), Limits),
        webhooks=_section("webhooks", tree.get("webhooks", {}), Webhooks),
        backup=_section("backup", tree.get("backup", {}), Backup),
        plans=Plans(default, named),
    )


def _section(name: str, keys: Any, struct: type[T]) -> T:
    try:
        return msgspec.convert(keys, struct)
    except msgspec.ValidationError as error:
        known = {info.encode_name: info.type for info in msgspec.structs.fields(struct)}
        if not isinstance(keys, dict):
            raise SettingsError(f"[{name}] is a table, it holds keys") from None
        unknown = [key for key in keys if key not in known]
        if unknown:
            raise SettingsError(
                f"[{name}] has no setting {unknown[0]!r}{nearest(unknown[0], known)}; it has {', '.join(known)}"
            ) from None
        for key, value in keys.items():
            _fitting(f"[{name}] {key}", known[key], value)
        raise SettingsError(f"[{name}] cannot be read: {error}") from None


def _checked(settings: Settings) -> Settings:
    networks = {
        "[server] trusted_proxies": settings.server.trusted_proxies,
        "[webhooks] allow": settings.webhooks.allow,
    }
    for name, network in ((name, network) for name, texts in networks.items() for network in texts):
        try:
            ip.network(network)
        except ValueError:
            raise SettingsError(f"{name}: {network!r} is no address or network") from None
    base_url = settings.server.base_url
    if base_url and not _BASE_URL.fullmatch(base_url):
        raise SettingsError(
            f"[server] base_url: {base_url!r} cannot be obeyed; one is http:// or https://, a host, and perhaps a port "
            "and a path of plain characters, like https://example.com/crm"
        )
    try:
        host = urlsplit(base_url).hostname or ""
    except ValueError:  # brackets that hold no address
        host = ""
    if base_url and is_every_address(host):
        raise SettingsError(
            f"[server] base_url is the address that clients use, and {base_url!r} is none that they can"
        )
    for origin in settings.server.origins:
        if not re.fullmatch(r"https?://[^/?#@\s]+", origin):
            raise SettingsError(f"[server] origins: {origin!r} is no origin; one looks like https://chat.example.com")
    unknown = next((name for name in settings.server.faces if name not in FACES), None)
    if unknown is not None:
        raise SettingsError(f"[server] faces: {unknown!r} is no service that is known; there is {listed(FACES)}")
    secret = settings.server.metrics_secret
    if secret and not re.fullmatch("[!-~]{16,}", secret):
        raise SettingsError(
            "[server] metrics_secret has at least 16 characters, letters, digits and signs of ASCII without blanks; "
            "`openssl rand -hex 16` prints one"
        )
    if settings.auth.local and not is_loopback(settings.server.host):
        raise SettingsError(
            f"local mode shows sign-in codes to anyone who can connect, so it needs a loopback host: "
            f"use --host 127.0.0.1, not {settings.server.host}, or leave --local out"
        )
    return settings


def check_https(settings: Settings) -> None:
    """Raise SettingsError for a public base URL without https: tokens and codes would be sent unencrypted."""
    parts = urlsplit(settings.base_url)
    if parts.scheme == "http" and _is_public(parts.hostname or ""):
        raise SettingsError(
            f"[server] base_url is {settings.base_url}, a public address without https: put a TLS proxy in front and "
            "set base_url to the https:// address that clients use"
        )


def _is_public(host: str) -> bool:
    """Tell whether a host name or address is public, not one of a private network."""
    try:
        return ip.address(host).is_global
    except ValueError:
        return "." in host.rstrip(".") and not host.rstrip(".").lower().endswith(PRIVATE_NAMES)


def is_every_address(host: str) -> bool:
    """Tell whether a server that listens on `host` listens on every address of its machine (0.0.0.0, ::)."""
    try:
        return not host or ip.address(host).is_unspecified
    except ValueError:
        return False


def is_loopback(host: str) -> bool:
    """Tell whether a server that listens on `host` can be reached from this machine alone."""
    if host == "localhost":
        return True
    try:
        return ip.address(host).is_loopback
    except ValueError:
        return False
