"""Each step from an older schema, in `NNNN.sql`, whose first line is `-- NUMBER NAME`; a statement ends with a line.

A step only adds, so that programs of the version before serve beside it: tables, columns that may be empty or have a
default, indexes. One that drops what the version before had made needless says which schema a program has to know by
then: `-- needs NUMBER`. Functions are not part of it: those of `functions.sql` are replaced with each step.
"""
