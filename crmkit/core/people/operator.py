"""What `crmkit token` accepts from the operator, who holds the data and so needs no mailed code."""

from crmkit.core.people.login import CODE_ENTRY
from crmkit.model.fields import Invalid
from crmkit.model.form import Field


def checked(email: str, token_name: str) -> tuple[str, str]:
    """Return both as they are stored; raises ValueError, which names the flag, for what no client could send."""
    entry = CODE_ENTRY.by_name
    return _accepted("--email", entry["email"], email), _accepted("--name", entry["token_name"], token_name)


def _accepted(flag: str, field: Field, text: str) -> str:
    try:
        kept: str | None = field.type.accept(text)
    except Invalid as error:
        raise ValueError(f"{flag} {error}") from None
    if kept is None:
        raise ValueError(f"{flag} cannot be empty")
    return kept
