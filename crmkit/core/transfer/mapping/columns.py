"""What the cells of a whole column tell that one cell does not: the order of its dates, the sign before fractions."""

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct, field

from crmkit.files.table import Table
from crmkit.model.sheets import days, numbers
from crmkit.model.sheets.habits import ORDERS


class Scan(Struct):
    """By the number of a column: the `orders` that fit all its dates, and its `decimals`, those that are not usual."""

    orders: dict[int, tuple[str, ...]] = field(default_factory=dict)
    decimals: dict[int, str] = field(default_factory=dict)
    ambiguous: str = ""  # a date that may be several

    @classmethod
    def of(cls, kept: Mapping[str, Any]) -> "Scan":
        """Return the same scan from its `kept`."""
        orders = {int(number): tuple(each) for number, each in kept["orders"].items()}
        return cls(orders, {int(number): sign for number, sign in kept["decimals"].items()}, kept["ambiguous"])

    @classmethod
    def read(cls, table: Table, columns: Iterable[tuple[int, bool]], dates: str) -> "Scan":
        """Return what the columns tell, of which each is of days or of numbers; `dates` is an order that is known."""
        scan, found = cls(), list(columns)
        dated = [number for number, is_day in found if is_day and not dates]
        counted = [number for number, is_day in found if not is_day]
        scan.orders = {number: (dates,) for number, is_day in found if is_day and dates}
        if dated or counted:
            scan._look(table, dated, counted)
        return scan

    @property
    def kept(self) -> dict[str, Any]:
        orders = {str(number): list(each) for number, each in self.orders.items()}
        decimals = {str(number): sign for number, sign in self.decimals.items()}
        return {"orders": orders, "decimals": decimals, "ambiguous": self.ambiguous}

    def habits(self, number: int) -> dict[str, Any]:
        """Return what is known of a column, by the names of Habits."""
        return {"orders": self.orders.get(number, ORDERS), "decimal": self.decimals.get(number, ".")}

    def _look(self, table: Table, dated: list[int], counted: list[int]) -> None:
        fitting = {number: set(ORDERS) for number in dated}
        several: dict[int, str] = {}
        signs: dict[int, set[str]] = {number: set() for number in counted}
        for row in table.rows():
            for number in dated:
                cell = row.cells[number - 1]
                text = cell.strip() if isinstance(cell, str) else ""
                orders = days.fitting(text) if text else None
                if orders:
                    fitting[number] &= set(orders)
                    if len(orders) > 1:
                        several.setdefault(number, text)
            for number in counted:
                cell = row.cells[number - 1]
                if isinstance(cell, str) and cell and (sign := numbers.decimal_sign(cell)):
                    signs[number].add(sign)
        # where no order fits all of its dates, each is read by itself
        self.orders |= {number: tuple(sorted(each)) if each else ORDERS for number, each in fitting.items()}
        self.decimals = {number: "," for number, each in signs.items() if each == {","}}
        self.ambiguous = next(
            (text for number, text in several.items() if len(days.read(text, self.orders[number])) > 1), ""
        )
