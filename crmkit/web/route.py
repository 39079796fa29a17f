"""The decorator of handlers: what it declares of a route is a `Route`, which everything that asks about routes reads.

The router calls handlers itself (`router`), so nothing of Litestar's may stand on one. A handler that would not work
is refused when its module is imported.
"""

import inspect
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from types import MappingProxyType, UnionType
from typing import Any, Concatenate, Literal, NamedTuple, get_args, get_type_hints

from msgspec import Struct
from msgspec.structs import replace

from crmkit.core.crm import Crm
from crmkit.model import access
from crmkit.model.access import EVERYTHING, GUARDED
from crmkit.model.form import Form
from crmkit.model.query.parse import TIMEZONE
from crmkit.model.record import Kind
from crmkit.render.answers import Answer
from crmkit.render.formats import FORMATS, LISTS, Format
from crmkit.web.call import HttpCall
from crmkit.web.reply import Response

Handler = Callable[Concatenate[HttpCall, ...], Awaitable[Any]]
Shows = Callable[[HttpCall, Any], Answer]
Page = Callable[[Crm], Response]
Admits = Callable[[HttpCall], Awaitable[None]]

Method = Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]
# "own" is what every token may do about itself; "*" is several areas: the verb itself looks at each
Area = Literal[access.Area, "own", "*"]
Verb = Literal["read", "write", "delete"]

# whether a connected app may send the request on its own, or needs a code mailed to its user
Consent = Literal["free", "code"]
FREE: Consent = "free"
CODE: Consent = "code"

ANY = ("*",)  # as the query of a route: the verb decides which parameters it takes

_PLACEHOLDER = re.compile(r"{(\w+)}")


class BadRoute(TypeError):
    """A route that cannot work as it is declared; the server does not start."""


class Prefix(NamedTuple):
    """What the names of many parameters begin with, and what the manual calls the rest: `map.` and COLUMN."""

    begins: str
    rest: str


class Route(Struct, frozen=True):
    """A handler and what it declared. GET answers HEAD too; a path has `{id}` where an id stands."""

    handler: Handler
    methods: tuple[Method, ...]
    paths: tuple[str, ...]
    name: str  # the operation's in OpenAPI
    summary: str  # the line of the manual; a route without one is in neither manual nor OpenAPI
    area: str
    verb: str
    needs: tuple[str, ...]  # the scopes that a token must have, like contacts.write; none where the verb looks itself
    for_admins: bool  # it is about records of a kind that only admins read
    consent: Consent
    query: tuple[str, ...]  # names of the parameters it takes
    prefixes: tuple[Prefix, ...]  # of the names of further ones
    has_groups: bool  # those of its parameters that are filters may stand in a group
    needed: tuple[str, ...]  # those of them that a request must send
    lacks: Mapping[str, str]  # what is said of some that routes like it take, and this one does not
    kind: Kind | None  # of the records in body and answer, if there is no form; else what the request is about
    form: Form | None  # of a body that is no record
    formats: tuple[Format, ...]  # of its answers, the one that is sent unasked first; errors are in one of FORMATS
    streams: bool  # by `HttpCall.in_pieces`
    status: int  # of an answer that is no error, as OpenAPI tells it
    statuses: tuple[int, ...]  # others that such an answer may have
    max_body: int  # bytes; 0: as many as the settings allow
    shown: tuple[Kind, ...]  # the kinds of the records in its answer, of which `fields=` chooses fields
    beside: tuple[str, ...]  # what is shown beside their own fields
    is_cut: bool  # it lists what `max_tokens=` may cut
    is_batch: bool  # its body holds many of what `kind` says, and its answer tells of each
    uploads: bool  # its body is a file, which the handler finds in `call.upload`
    admits: Admits | None  # awaited before that file is taken; raises where it would be refused
    public: bool  # no token is needed
    for_operator: bool  # and only the operator may ask: this machine itself, or whoever has the secret of the settings
    direct: bool  # signs in or connects an app, so a tool call may not come here
    apps: bool  # the route that apps connect to, /mcp
    page: Page | None  # which a browser is shown instead, without a token
    shows: Shows | None  # the answer to a write, from what its handler returned; pure, on the writer's thread too
    undoes: bool  # its answer tells how to undo it
    is_list: bool  # a view may keep its path: it reads what its parameters find
    is_linked: bool  # a link may show what it answers
    looks: bool  # it tells how far a job is, for which a job need not make way
    tool: str  # the typed tool of MCP that sends it; one that several kinds share takes `records`; "": none does
    asks_first: bool  # a client should ask its user before it sends this: the tool `write` of MCP refuses it

    @property
    def listed_methods(self) -> tuple[str, ...]:
        """The methods as a list of endpoints shows them."""
        return tuple(sorted(method for method in self.methods if method != "HEAD"))

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names of its parameters as they are told to clients, of those with a prefix too."""
        return (*self.query, *map("".join, self.prefixes))

    def takes(self, name: str) -> bool:
        """Tell whether it declares a parameter of this name, or the prefix of one."""
        return name in self.query or any(name.startswith(each.begins) and name != each.begins for each in self.prefixes)

    @property
    def takes_timezone(self) -> bool:
        """Whether `timezone=` says whose days count in its filters and its answer."""
        return not self.public and (self.verb == "read" or self.query == ANY or TIMEZONE in self.query)

    @property
    def takes_fields(self) -> bool:
        """Whether `fields=` chooses what is shown of records: not where a write to all that filters find shows some."""
        writes_many = self.methods[0] in ("PATCH", "DELETE") and "{" not in self.paths[0]
        return bool(self.shown) and not writes_many

    @property
    def may_be_proposed(self) -> bool:
        """Whether it writes records or activities, so that a token which may only propose may send it."""
        return self.shows is not None and self.kind is not None and not self.kind.is_setting

    @property
    def takes_body(self) -> bool:
        """Whether a request may have a body. That of a PATCH or of a face may be declared by its handler alone."""
        if self.form is not None or self.uploads or "PATCH" in self.methods or not self.summary:
            return True
        return self.kind is not None and "POST" in self.methods

    @property
    def writes(self) -> bool:
        """Whether it may be sent under a key, and as a dry run."""
        return self.shows is not None


def route(
    method: Method | Sequence[Method],
    path: str | Sequence[str],
    *,
    name: str = "",
    summary: str = "",
    area: Area | Kind | None = None,
    verb: Verb | None = None,
    also: tuple[str, ...] = (),
    consent: Consent | None = None,
    query: tuple[str, ...] = (),
    prefixes: tuple[Prefix, ...] = (),
    has_groups: bool = False,
    needed: tuple[str, ...] = (),
    lacks: Mapping[str, str] = MappingProxyType({}),
    kind: Kind | None = None,
    form: Form | None = None,
    formats: tuple[Format, ...] | None = None,
    streams: bool = False,
    status: int = 200,
    statuses: tuple[int, ...] = (),
    max_body: int = 0,
    shown: Sequence[Kind] | None = None,
    beside: tuple[str, ...] = (),
    is_cut: bool | None = None,
    is_batch: bool = False,
    uploads: bool = False,
    admits: Admits | None = None,
    public: bool = False,
    for_operator: bool = False,
    direct: bool = False,
    apps: bool = False,
    page: Page | None = None,
    shows: Shows | None = None,
    undoes: bool | None = None,
    is_list: bool | None = None,
    is_linked: bool | None = None,
    looks: bool = False,
    tool: str | None = None,
    asks_first: bool | None = None,
) -> Callable[[Handler], Route]:
    """Return the decorator that makes a handler a Route; raises BadRoute.

    A route that is not public names the area and the verb that a token needs; the area is that of `kind`, or
    that of another kind that `area` is. It needs the scope that both make, and those that it needs `also`.
    A connected app may read and write records without a mailed code. Any other write needs one, unless it is FREE.

    The handler of a write returns what its verb's `call.write` returned, and `shows` makes the answer of that: without
    it, a write could be neither replayed nor tried. Deletes of a kind tell how to undo them, others where it `undoes`.

    Its answer shows records of its `kind` unless other kinds are `shown`; that to a batch shows none. What is read with
    a cursor, or by filters, may be cut, and has the formats of LISTS.
    What reads by the filters of a kind `is_list`, unless it says otherwise. What reads records `is_linked`.
    Its `tool` has its name, unless it says otherwise; there is none for files, and for what is set up or about people.
    A client `asks_first` before a delete, a write to all that filters find, and one in a guarded area.
    """

    lists = verb == "read" and (query == ANY or "cursor" in query) if is_cut is None else is_cut

    def declared(handler: Handler) -> Route:
        methods: tuple[Method, ...] = (method,) if isinstance(method, str) else tuple(method)
        where = area.area if isinstance(area, Kind) else area or (kind.area if kind else "")
        made = Route(
            handler=handler,
            methods=(*methods, "HEAD") if methods == ("GET",) else methods,
            paths=(path,) if isinstance(path, str) else tuple(path),
            name=name or handler.__name__,
            summary=summary,
            area=where,
            verb=verb or "",
            needs=() if public or for_operator or where in ("own", "*") else _needed(f"{where}.{verb}", also),
            for_admins=any(isinstance(each, Kind) and each.is_admins_to_read for each in (area, kind)),
            consent=consent or (FREE if verb == "read" or kind else CODE),
            query=query,
            prefixes=prefixes,
            has_groups=has_groups,
            needed=needed,
            lacks=lacks,
            kind=kind,
            form=form,
            formats=(LISTS if lists else FORMATS) if formats is None else formats,
            streams=streams,
            status=status,
            statuses=statuses,
            max_body=max_body,
            shown=tuple((kind,) if kind and not is_batch else ()) if shown is None else tuple(shown),
            beside=beside,
            is_cut=lists,
            is_batch=is_batch,
            uploads=uploads,
            admits=admits,
            public=public or for_operator,
            for_operator=for_operator,
            direct=direct,
            apps=apps,
            page=page,
            shows=shows,
            undoes=verb == "delete" and kind is not None if undoes is None else undoes,
            is_list=verb == "read" and kind is not None and query == ANY if is_list is None else is_list,
            is_linked=bool(is_linked),
            looks=looks,
            tool=tool or "",
            asks_first=bool(asks_first),
        )
        if is_linked is None:
            made = replace(made, is_linked=_shows_records(made))
        if tool is None and _has_tool(made):
            made = replace(made, tool=made.name)
        if asks_first is None:
            made = replace(made, asks_first=_asks_first(made))
        _check(made, isinstance(area or kind, Kind))
        return made

    return declared


read = partial(route, "GET", verb="read")


def _needed(scope: str, also: tuple[str, ...]) -> tuple[str, ...]:
    return also if EVERYTHING in also else (scope, *also)  # it opens every scope


def _shows_records(made: Route) -> bool:
    """Tell whether a route reads records that clients write, of one kind or of several: no settings, not the log."""
    if made.verb != "read":
        return False
    return made.is_list if made.kind is None else bool(made.kind.writable) and not made.kind.is_setting


def _has_tool(made: Route) -> bool:
    """Tell whether a typed tool sends requests to a route that names none: it is about records, and text both ways."""
    if made.public or made.direct or made.streams or made.uploads or not made.summary:
        return False
    if made.kind is None:
        return made.consent == FREE and (made.area in ("*", "analytics") or made.area not in get_args(Area))
    return made.verb == "read" or not made.kind.is_setting


def _asks_first(made: Route) -> bool:
    """Tell whether a route takes something away, writes to what nobody named, or to more than records."""
    if made.verb != "write":
        return made.verb == "delete"
    finds = "confirm" in made.query or made.query == ANY
    return finds or made.area in GUARDED or made.consent == CODE


def _check(made: Route, has_kind: bool) -> None:
    where = f"{'|'.join(made.methods)} {' '.join(made.paths)} ({made.handler.__module__}.{made.handler.__qualname__})"
    if not made.public:
        areas = get_args(Area)
        if not (has_kind or made.area in areas):
            raise BadRoute(f"{where}: declare the area that a token needs: kind=…, or area= {', '.join(areas)}")
        if made.verb not in get_args(Verb):
            raise BadRoute(f"{where}: declare what it does: verb= {', '.join(get_args(Verb))}")
    _check_formats(made, where)
    if not inspect.iscoroutinefunction(made.handler):
        raise BadRoute(f"{where}: a handler is an async function")
    if not made.public and made.verb != "read" and made.shows is None:
        raise BadRoute(f"{where}: shows= makes the answer of what its call.write returned")
    if made.uploads and (made.public or made.is_batch or made.form or made.max_body):
        raise BadRoute(f"{where}: an upload is a file of somebody known, as large as the settings allow")
    hints = get_type_hints(made.handler)
    if made.shows is None and not _is_sent(hints.pop("return", None)):
        raise BadRoute(f"{where}: return an Answer or a Response; the router sends nothing else")
    takes = [(each, hints.get(each)) for each in inspect.signature(made.handler).parameters]
    for path in made.paths:
        if takes != [("call", HttpCall), *((id, str) for id in _PLACEHOLDER.findall(path))]:
            raise BadRoute(f"{where}: a handler takes call: HttpCall, then each id of its path as a str")


def _check_formats(made: Route, where: str) -> None:
    names = [each.name for each in made.formats]
    if not names or len(set(names)) < len(names):
        raise BadRoute(f"{where}: declare at least one format, and none twice, not {names}")
    for each in made.formats:
        if each.by_handler:
            continue
        if made.streams and each.pieces is None:
            raise BadRoute(f"{where}: it streams, so its format {each.name} needs pieces")
        if not made.streams and each.whole is None:
            raise BadRoute(f"{where}: declare streams=True, or give its format {each.name} a whole")


def _is_sent(returned: Any) -> bool:
    if isinstance(returned, UnionType):
        return all(_is_sent(each) for each in get_args(returned))
    return isinstance(returned, type) and issubclass(returned, Answer | Response)
