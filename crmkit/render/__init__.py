"""Floor 2, pure: how things look. Nothing here touches the database or the network.

`text` writes the line of a record and `parse` reads it back. `answers` has the shapes of answers, each as text and as
JSON, and `tail` the lines that end them; `formats` writes them. The room `manual` has what `/help` answers with.
"""
