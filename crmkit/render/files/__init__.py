"""Records as files of other programs. Each format is a Writer, which is given batches of rows and returns bytes.

`registry` has them by name. `cells` writes what stands in a cell, `columns` the titles, `pages` a page of a list.
"""
