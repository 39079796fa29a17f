"""Floor 2, pure: how things look. Nothing here touches the database or the network.

`text` writes the line of a record and `parse` reads it back. `answers` has the shapes of answers, each as text and as
JSON, and `tail` the lines that end them; `formats` writes them. `manual` is HELP.txt: the template manual.txt, filled
from the declarations (`field_table`) and the route table.
"""
