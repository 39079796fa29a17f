"""The manual: a page of daily work, topics that tell the rest, and all of it as one text, which HELP.txt copies.

`pages` reads the templates in `topics/` and fills them; `fields`, `endpoints` and `tables` write what follows from the
declarations, the route table, the catalogue of errors and the settings.
"""
