"""Other services' APIs, spoken by this server below a path each: translation only, over the verbs of `core`.

`registry` has those that the settings name, `answers` the shapes that they share. Each face has a room with its tables
of fields, words and errors, and thin handlers like those of `web/handlers/`.
"""
