"""Imports: a file becomes a plan, and the plan records.

`verbs` plan, change, start and stop. `options` reads what a client chose. `source` opens a file by its format and its
mapping. `dry_run` finds out what would become of the rows, `job` writes them in small transactions; both write a row
by `rows`. `open_files` holds the files that jobs read and what plans found.
"""
