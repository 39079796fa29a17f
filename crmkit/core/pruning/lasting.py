"""The tables of which no row is dropped for its age alone: those of kinds, and these, each with what bounds it."""

from collections.abc import Mapping

LASTING: Mapping[str, str] = {
    "migrations": "one of each step of the schema",
    "users": "until the person deletes the account",
    "workspaces": "until an admin deletes it",
    "memberships": "until it is ended",
    "invites": "until it is accepted or withdrawn; capped",
    "audit": "for as many days as the plan says, else for ever",
    "audit_seals": "for ever: they are one chain; one of each hundred entries",
    "audit_digests": "until its entry goes",
    "audit_begins": "one of each workspace",
    "audit_ends": "one of each workspace that was deleted",
    "deleted": "for ever: an id is given once, and a deleted one is told apart from one that never was",
    "counts": "one of each kind",
    "numbers": "one of each kind",
    "open_sums": "one of each stage and currency",
    "pipelines": "one of each kind",
    "activity_addresses": "until its record is deleted",
    "ahead": "until its time has come",
    "likely_duplicates": "until one of the two changes or is deleted",
    "unpaired": "until it is paired: one of each kind",
    "unfilled": "until its accents are known: one of each kind",
    "custom_indexes": "until its key is declared no more and its values are dropped",
    "custom_values": "until its record is deleted",
    "erasures": "until no byte is left of it",
    "webhook_keys": "until its webhook is deleted",
    "search_words": "until no text has it",
    "search_pieces": "until no text has it",
}
