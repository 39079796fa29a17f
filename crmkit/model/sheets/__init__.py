"""What cells of other programs' tables say: days, numbers, amounts of money, lists, names of countries.

All of it is pure. The types in `model/fields/` read a cell by it (`from_cell`); they import it when they do, since its
patterns take 10 ms to compile.
"""
