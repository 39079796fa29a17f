"""XLSX, read row by row, whatever its archive and its XML hold.

`archive` unpacks and parses the parts of a workbook within bounds. `workbook` finds its sheets, `sheet` makes rows of
one, `strings` keeps the texts that cells share, `styles` says which numbers are dates.
"""
