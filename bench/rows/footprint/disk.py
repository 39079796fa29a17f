"""The rows of room on the disk: an entry of the audit log, a contact with all that goes with it."""

from bench.in_process import audit_entries
from bench.lab import Lab
from bench.report import Line

ENTRIES = {"create": 461.44, "update": 301.0}  # bytes of an audit entry when nothing could be undone yet


def entries(lab: Lab) -> list[Line]:
    found = audit_entries.bytes_per_entry()
    return [
        Line(
            f"bytes of an audit entry, contact.{verb}",
            "when nothing could be undone",
            [found[verb] / before],
            1.1,
            1.0,
            at_most=True,
            absolute=f"{found[verb]:.0f} and {before:.0f} bytes of values in the row and in indexes",
        )
        for verb, before in ENTRIES.items()
    ]


def database(lab: Lab) -> list[Line]:
    """Compare what a contact adds to a large database file and to a small one, as the data sets were made."""
    small, usual, large = lab.small, lab.usual, lab.large
    files = [lab.bytes(size) for size in (small, usual, large)]
    first, second = (files[1] - files[0]) / (usual - small), (files[2] - files[1]) / (large - usual)
    absolute = (
        f"{second:,.0f} and {first:,.0f} bytes, with a contact's share of companies (0.05), deals (0.1), "
        f"activities (1), audit (2.3 entries), indexes and search"
    )
    what = f"database bytes a contact between {usual:,} and {large:,}"
    return [Line(what, f"between {small:,} and {usual:,}", [second / first], at_most=True, absolute=absolute)]
