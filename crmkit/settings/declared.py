"""The settings, each declared once, with what it means."""

from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta, Struct, field

from crmkit.errors import listed
from crmkit.plans import Plans
from crmkit.settings.hosts import is_every_address

Positive = Annotated[int, Meta(ge=1)]
NotNegative = Annotated[int, Meta(ge=0)]
# bounded, so that adding it to the present time gives a date that exists
Minutes = Annotated[int, Meta(ge=1, le=365 * 24 * 60)]
Hours = Annotated[int, Meta(ge=0, le=365 * 24)]
Days = Annotated[int, Meta(ge=1, le=100 * 365)]

PREFIX = "CRMKIT_"
CONFIG = "CRMKIT_CONFIG"  # the path of the settings file
OF_CLIENTS = ("CRMKIT_URL", "CRMKIT_TOKEN", "CRMKIT_FROM_KEY")  # what a client of the API keeps in the environment

FACES = ("klozeo", "konektor")  # the services whose clients the server can be told to answer (see crmkit/faces)


class SettingsError(Exception):
    """A setting that stops the start; the message is the one line to print."""

    def __init__(self, message: str) -> None:
        super().__init__(" ".join(message.split()))


class Server(Struct, frozen=True, forbid_unknown_fields=True):
    host: Annotated[str, "address to listen on"] = "127.0.0.1"
    port: Annotated[Annotated[int, Meta(ge=0, le=65535)], "port to listen on; 0 takes a free one"] = 8000
    base_url: Annotated[str, "the URL clients use; empty means http://host:port"] = ""
    data: Annotated[str, "folder of the database and its key, or the URL of a database"] = "data"
    files: Annotated[str, "folder of the key and of what clients upload, where `data` is a URL"] = "data"
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

    @property
    def is_remote(self) -> bool:
        """Whether the data is in a database elsewhere, not in a folder."""
        return "://" in self.data

    @property
    def shown(self) -> str:
        """Where the data is, without the password that a URL may hold, and whatever may be a part of it."""
        scheme, is_remote, rest = self.data.partition("://")
        user, _, rest = rest.rpartition("@")
        return f"{scheme}://{user.partition(':')[0]}@{rest.partition('?')[0]}" if is_remote else self.data

    @property
    def folder(self) -> Path:
        """The folder of what is no row of a database."""
        return Path(self.files if self.is_remote else self.data)


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
    requests_per_minute: Annotated[
        NotNegative, "requests per token and minute; 0 switches the limit off, that of persons too unless it is set"
    ] = 600
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
