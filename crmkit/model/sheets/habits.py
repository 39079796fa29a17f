"""How a column of a table is written: what one cell alone does not tell."""

from typing import Literal, get_args

from msgspec import Struct

from crmkit.model.actor import NOBODY, Asker

Order = Literal["dmy", "mdy", "ymd"]  # of day, month and year in a date of three numbers
ORDERS: tuple[Order, ...] = get_args(Order)

Read = tuple[object, str]  # what a POST would send, and the part of the cell that is no value of the field


class Habits(Struct, frozen=True):
    """`orders` are those that its dates may have; `decimal` is the sign before a fraction.

    Times without an offset are those of clocks in the zone of the asker, who uploads the file.
    """

    asker: Asker = NOBODY
    orders: tuple[str, ...] = ORDERS
    decimal: str = "."
