"""Floor 1, pure: what a record kind is and what a query is.

Kinds: `fields` and `terms` (types of values, with `address`, `times` and `iso_codes`), `form` (declared fields, the
check of a body), `record` (kinds). Requests: `body` (JSON), `query/`, `query/listing` (pages), `actor` (who asks).
Texts: `fold` (how they are compared), `names` (how those of other people are shown), `phones` (the digits of numbers).
"""
