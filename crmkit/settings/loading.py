"""Settings as they are read from flags, the environment and the file, and checked."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, get_args, get_origin
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from crmkit import ip
from crmkit.errors import closest, listed, nearest
from crmkit.plans import AUDIT_DAYS, RATES, Caps, Plans
from crmkit.settings.declared import (
    CONFIG,
    FACES,
    OF_CLIENTS,
    PREFIX,
    Auth,
    Backup,
    Days,
    Limits,
    Mail,
    NotNegative,
    Row,
    Server,
    Settings,
    SettingsError,
    Webhooks,
    rows,
)
from crmkit.settings.hosts import is_every_address, is_host, is_loopback, is_public

T = TypeVar("T", bound=Struct)

# a host or [address], a port, and segments of a path that no client spells in another way
_BASE_URL = re.compile(
    r"https?://(?:[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?\.?|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?"
    r"(?:/[A-Za-z0-9_-][A-Za-z0-9._~-]*)*/*"
)


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
        limits=_limits(tree.get("limits", {})),
        webhooks=_section("webhooks", tree.get("webhooks", {}), Webhooks),
        backup=_section("backup", tree.get("backup", {}), Backup),
        plans=Plans(default, named),
    )


def _limits(keys: Any) -> Limits:
    """Return the section; where tokens have no limit, and none of persons is set, persons have none either."""
    limits = _section("limits", keys, Limits)
    is_off = not limits.requests_per_minute and "requests_per_minute_user" not in keys
    return msgspec.structs.replace(limits, requests_per_minute_user=0) if is_off else limits


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
    if not is_host(settings.server.host):
        raise SettingsError(
            f"[server] host is a name or address without brackets, scheme or path, not {settings.server.host!r}"
        )
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
    if parts.scheme == "http" and is_public(parts.hostname or ""):
        raise SettingsError(
            f"[server] base_url is {settings.base_url}, a public address without https: put a TLS proxy in front and "
            "set base_url to the https:// address that clients use"
        )
