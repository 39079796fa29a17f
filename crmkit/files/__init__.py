"""Floor 2: files of other programs, each read as a table. Nothing here knows a kind.

`opening` says by its content what a file is. `delimited` reads CSV, the room `xlsx` workbooks, `items` JSON and JSON
lines, `vcard` vCard; `table` is what all of them give. A reader holds little of the file at once, whatever is in it.
"""
