"""Search over all kinds at once: a few records of each."""

from collections.abc import Mapping
from urllib.parse import urlencode

from msgspec.structs import replace

from crmkit.core.call import Call
from crmkit.core.reading import opened
from crmkit.core.reading.lists import find_all
from crmkit.errors import Problem, listed, nearest
from crmkit.model import fold
from crmkit.model.query.filters import quoted
from crmkit.model.query.listing import Listing, Paging
from crmkit.model.query.parse import explains, search_of
from crmkit.model.record import Kind, Kinds

OF_EACH = 5


async def everywhere(call: Call, parameters: Mapping[str, str], details: bool = False) -> list[Listing]:
    """Return the best matches of each kind in `types`, up to OF_EACH; raises `missing_field` without `q`.

    Without `types` they are all that the token reads, and a note tells which it does not.
    """
    text = parameters.get("q", "")
    if not fold.plain(text):
        raise Problem(
            "missing_field", "Send q with the words to look for: GET /search?q=jane", fields={"q": "is needed"}
        )
    try:
        search_of(text)
    except Problem as problem:
        problem.fields = {"q": problem.fields["search"]}
        raise
    is_explained, named = explains(parameters.get("explain", "")), _kinds(call.crm.kinds, parameters.get("types", ""))
    kinds, notes = opened.chosen(call.actor.access, call.crm.kinds.searched, named)
    pairs = [("search", text), ("limit", str(OF_EACH))]
    found = [_without_cursor(await find_all(call, kind, pairs, details), text) for kind in kinds]
    if notes:
        found[-1] = replace(found[-1], paging=replace(found[-1].paging, notes=(*found[-1].paging.notes, *notes)))
    if is_explained:
        nouns = listed(kind.plural for kind in kinds)
        read_as = f"{nouns} found by the search for {quoted(text)}; best match first; up to {OF_EACH} of each"
        found[-1] = replace(found[-1], paging=replace(found[-1].paging, read_as=read_as))
    return found


def _without_cursor(page: Listing, text: str) -> Listing:
    """Return the page with a note that names the request for more, in place of a cursor."""
    rest = f"more {page.kind.plural}: GET /{page.kind.plural}?{urlencode({'search': text})}"
    paging = Paging(True, page.paging.total, notes=page.paging.notes, rest=rest)
    return replace(page, paging=paging if page.paging.next_cursor is None else paging.cut(len(page.rows)))


def _kinds(kinds: Kinds, text: str) -> list[Kind]:
    plurals = [kind.plural for kind in kinds.searched]
    names = [name.strip() for name in text.split(",") if name.strip()]
    found = [kinds.by_word.get(name.lower()) for name in names]
    for name, kind in zip(names, found, strict=True):
        if kind is None or kind not in kinds.searched:
            what = "cannot be searched" if kind else f"is no kind{nearest(name, plurals)}"
            raise Problem(
                "invalid_value",
                f"Choose types among {', '.join(plurals)}, separated by commas.",
                fields={"types": f"{quoted(name)} {what}"},
            )
    return [kind for kind in dict.fromkeys(found) if kind]
