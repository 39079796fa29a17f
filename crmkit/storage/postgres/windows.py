"""How many requests all processes let pass: a row for each key that is busy, in a table without a log."""

import json
import time
from collections.abc import Sequence

from crmkit.storage.interface.database import Told, Total
from crmkit.storage.postgres.engine.connection import PostgresConnection

# `mark` is what was sent when the present span began, `since`; the rows in one order, so that two processes do not meet
_ADD = (
    "INSERT INTO windows AS w (key, seconds, sent, mark, since) "
    "SELECT value ->> 0, (value ->> 1)::bigint, (value ->> 2)::bigint, 0, now() "
    "FROM json_array_elements(?::json) ORDER BY value ->> 0, value ->> 1 "
    "ON CONFLICT (key, seconds) DO UPDATE SET sent = w.sent + excluded.sent, "
    "mark = CASE WHEN {is_over} THEN w.sent ELSE w.mark END, since = CASE WHEN {is_over} THEN now() ELSE w.since END "
    "RETURNING key, seconds, sent, sent - mark"
).format(is_over="w.since < now() - make_interval(secs => w.seconds)")
_FORGET = "DELETE FROM windows WHERE since < now() - make_interval(secs => 2 * seconds)"  # nothing came for `seconds`
FORGET_SECONDS = 600  # between two times that a process does so


class Windows:
    """The sums of all processes, as this one adds to them."""

    def __init__(self) -> None:
        self._forgets_at = 0.0

    def add(self, connection: PostgresConnection, told: Sequence[Told]) -> list[Total]:
        """Add what was counted here, and return the sums."""
        now = time.monotonic()
        if now >= self._forgets_at:
            self._forgets_at = now + FORGET_SECONDS
            connection.execute(_FORGET)
        values = json.dumps([(each.key, each.seconds, each.sent) for each in told])
        return [Total(*row) for row in connection.execute(_ADD, (values,)).fetchall()]
