"""Neither a sweep nor a scrape of the metrics reads a whole table."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from crmkit.core.call import Call
from crmkit.core.operating.figures import figures
from crmkit.core.pruning.sweep import sweep
from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.tx import Tx
from tests.storage.desk import desk

FEW = ("codes", "signins", "grants")  # of minutes, and of apps that are connected
IN_ORDER = ("answers",)  # read from either end, as far as they go


class Explaining(Call):
    """A call that notes how SQLite means to find the rows of each of its statements."""

    __slots__ = ("steps",)

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.steps: set[str] = set()

    def write(self, unit: Callable[[Tx], Any], *args: Any, **more: Any) -> Awaitable[Any]:
        return super().write(lambda tx: self._noted(tx.connection, lambda: unit(tx)), *args, **more)

    def read(self, work: Callable[..., Any], *args: Any) -> Awaitable[Any]:
        return super().read(lambda connection: self._noted(connection, lambda: work(connection, *args)))

    def _noted(self, connection: Connection, work: Callable[[], Any]) -> Any:
        asked: list[str] = []
        connection.set_trace_callback(asked.append)  # type: ignore[attr-defined]
        try:
            return work()
        finally:
            connection.set_trace_callback(None)  # type: ignore[attr-defined]
            for sql in asked:
                if sql.startswith(("SELECT", "UPDATE", "DELETE")):
                    self.steps |= {step for *_, step in connection.execute(f"EXPLAIN QUERY PLAN {sql}")}


@pytest.mark.sqlite
def test_neither_a_sweep_nor_a_scrape_of_the_metrics_reads_all_of_a_table(tmp_path: Path) -> None:
    with desk(tmp_path / "data") as back:
        back.person()
        for work in (sweep, figures):
            call = Explaining(back.crm)
            back.do(work(call))
            assert any("imports" in step for step in call.steps), call.steps
            whole = {
                step.removeprefix("SCAN ") for step in call.steps if step.startswith("SCAN") and "USING" not in step
            }
            assert whole <= {*FEW, *IN_ORDER}
