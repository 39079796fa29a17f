"""What a migration is."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Migration:
    """`statements` are run one by one in a single transaction."""

    name: str
    statements: tuple[str, ...]
