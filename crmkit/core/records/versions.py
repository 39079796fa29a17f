"""The version of a record that a client expects, for a change or a delete."""

from collections.abc import Iterable, Mapping
from typing import Any

from crmkit.errors import Problem
from crmkit.model.record import Record, Tracked


def in_body(body: Mapping[str, Any]) -> int | None:
    """Return the version in the body of a PATCH, None without one; raises `invalid_value`."""
    version = body.get("version")
    if version is None:
        return None
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise Problem(
            "invalid_value",
            "Send the version you read, as a number, or leave it out.",
            fields={"version": "must be a whole number"},
        )
    return version


def check(before: Record, expected: Iterable[int | None], method: str) -> None:
    """Raise `version_conflict`, which shows the record, unless it has each expected version; None expects nothing."""
    version = of(before)
    if any(wanted not in (None, version) for wanted in expected):
        again = f"Look at it below, then repeat the {method}"
        stands = f"The record is at version {version} now and nothing was changed. {again}"
        raise Problem(
            "version_conflict",
            f"{stands} with If-Match: {version}.",
            for_tools=f'{stands} with "version":{version} in the body.',
            facts={"version": version},
            shown=before,
        )


def of(record: Record) -> int:
    """Return the version of a record; raises TypeError if its kind has none."""
    if not isinstance(record, Tracked):
        raise TypeError(f"{record.handle} has no version")
    return record.version
