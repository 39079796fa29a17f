"""The row that compares slow writes with usual ones: indexing and copying the log back hold up some of them."""

from bench.lab import Lab, Shot
from bench.load.generators import SERIAL_TEXT
from bench.report import Line
from bench.rows.requests import AT_ONCE, middle


def changing(lab: Lab, size: int) -> Shot:
    """Changes of contacts all over the large workspace, each of which gives a phone number that was never there."""
    made = lab.data(size)
    lines = [f'PATCH /contacts/{id} {{"phone":"+49 1{SERIAL_TEXT}"}}' for id in lab.drawn(made, "id")]
    return Shot(lab.product(size), lab.requests("changes", lines), AT_ONCE, made.token, writes=True)


def tail(lab: Lab) -> list[Line]:
    made, product = lab.data(lab.usual), lab.product(lab.usual)
    shots = {
        "PATCH": changing(lab, lab.usual),
        "create": Shot(product, lab.creates, AT_ONCE, made.token, writes=True),
    }
    return [
        Line(
            f"p99 of {what} at {lab.usual:,}, {AT_ONCE} clients",
            "its p50",
            [result.p99 / result.p50 for result in results],
            12.0,
            6.0,
            at_most=True,
            absolute=middle(results),
        )
        for what, results in zip(shots, lab.rounds(*shots.values()), strict=True)
    ]
