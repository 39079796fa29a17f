"""A brief: several lists in one answer of at most LINES lines, each with the request that lists the rest."""

from collections import Counter
from collections.abc import Sequence

from msgspec import structs

from crmkit.clock import Moment
from crmkit.model.query.listing import Section
from crmkit.render.answers import Part, Table, shared
from crmkit.render.tail import Tail

LINES = 40


def brief(sections: Sequence[Section], moment: Moment, since: str, notes: Sequence[str]) -> Table:
    """Return the lists, each followed by a line that counts it, as of `moment`; changes are told since a stamp."""
    told = (f"changes since {since}", *notes)
    shown = cut(sections, LINES - len(sections) - len(told) - 1)  # beside a line for each count, each note, and now
    lists = dict.fromkeys((each.key for each in sections), ())  # for the order of the members
    paths: dict[str, str] = {}
    totals: Counter[str] = Counter()
    for each in sections:
        paths.setdefault(each.key, each.path)
        totals[each.key] += each.total
    least = [each.key for each in sections if not each.is_counted]
    facts = {"now": moment.now, "timezone": moment.timezone, "since": since, **lists, "more": paths, "totals": totals}
    parts = [Part(each.page, _tail(each), each.key) for each in shown]
    last = structs.replace(
        parts[-1].tail, notes=(*parts[-1].tail.notes, *told), now=moment.now, timezone=moment.timezone
    )
    counted = {"at_least": least} if least else {}
    return Table((*parts[:-1], structs.replace(parts[-1], tail=last)), {**facts, **counted})


def cut(sections: Sequence[Section], lines: int) -> list[Section]:
    """Return the lists without the rows that do not fit into so many lines, of which each list that is cut takes one.

    Each list gets a row in turn, until there is no line left or no row.
    """
    for kept in range(len(sections) + 1):  # lines that say what is left out
        rows = shared([len(each.page.rows) for each in sections], lines - kept)
        found = [_with_rows(each, most) for each, most in zip(sections, rows, strict=True)]
        if sum(is_cut(each) for each in found) <= kept:
            break
    return found


def is_cut(section: Section) -> bool:
    """Tell whether a list has more than the rows that are shown."""
    return len(section.page.rows) < section.total or not section.is_counted


def _with_rows(section: Section, most: int) -> Section:
    return structs.replace(section, page=structs.replace(section.page, rows=section.page.rows[:most]))


def _tail(section: Section) -> Tail:
    rest = f"{section.total - len(section.page.rows)} more" if section.is_counted else "more"
    notes = (f"{rest} {section.says}: GET {section.path}",) if is_cut(section) else ()
    return Tail(counts=(f"{section.total}{'' if section.is_counted else '+'} {section.says}",), notes=notes)
