"""What cells of other programs' tables say: days, numbers, amounts of money, lists, names of countries.

All of it is pure. The types in `model/fields/` read a cell by it (`from_cell`). Its patterns take 10 ms to compile, so
each is compiled when it is first used (`patterns`).
"""
