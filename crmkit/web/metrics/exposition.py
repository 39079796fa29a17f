"""The text format of Prometheus, version 0.0.4 (prometheus.io/docs/instrumenting/exposition_formats)."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Literal

from msgspec import Struct

from crmkit.histogram import Histogram

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

Labels = Mapping[str, str]
Type = Literal["counter", "gauge", "histogram"]


class Family(Struct, frozen=True):
    """A metric with its samples, each of which has labels of its own."""

    name: str
    type: Type
    help: str
    samples: Iterable[tuple[Labels, float | Histogram]]


def gauge(name: str, help: str, value: float, labels: Mapping[str, str] = {}) -> Family:
    return Family(name, "gauge", help, [(labels, value)])


def written(families: Iterable[Family]) -> bytes:
    """Return families in the text format."""
    return "".join(line + "\n" for family in families for line in _lines(family)).encode()


def _lines(family: Family) -> Iterator[str]:
    yield f"# HELP {family.name} {_escaped(family.help)}"
    yield f"# TYPE {family.name} {family.type}"
    for labels, value in family.samples:
        if isinstance(value, Histogram):
            yield from _of_histogram(family.name, labels, value)
        else:
            yield f"{family.name}{_labelled(labels)} {value}"


def _of_histogram(name: str, labels: Labels, histogram: Histogram) -> Iterator[str]:
    counts, sum = list(histogram.counts), histogram.total
    below = 0
    for bound, count in zip((*map(str, histogram.bounds), "+Inf"), counts, strict=True):
        below += count
        yield f"{name}_bucket{_labelled({**labels, 'le': bound})} {below}"
    yield f"{name}_sum{_labelled(labels)} {sum}"
    yield f"{name}_count{_labelled(labels)} {below}"


def _labelled(labels: Labels) -> str:
    inner = ",".join(f'{name}="{_escaped(text, quotes=True)}"' for name, text in labels.items())
    return f"{{{inner}}}" if inner else ""


def _escaped(text: str, quotes: bool = False) -> str:
    text = text.replace("\\", r"\\").replace("\n", r"\n")
    return text.replace('"', r"\"") if quotes else text
