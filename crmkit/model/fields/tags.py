"""Tags."""

from dataclasses import dataclass

from crmkit.model.fields.base import FieldType, Invalid
from crmkit.model.fold import fold
from crmkit.model.names import trimmed


@dataclass(frozen=True)
class Tags(FieldType):
    """A set of words; stored as JSON, and in the second column as `,vip,fintech,`."""

    most: int = 50
    longest: int = 50
    key_column = "TEXT"
    structured = True
    operators = ("eq", "ne", "like", "in", "is", "not")
    wire = list[str]

    @property
    def says(self) -> str:
        return f"a list of at most {self.most} words of up to {self.longest} characters, no commas or spaces in them"

    def cleaned(self, value: list[str]) -> list[str] | None:
        kept: dict[str, str] = {}
        for tag in value:
            if (
                not trimmed(tag)
                or "," in tag
                or any(character.isspace() for character in tag)
                or len(tag) > self.longest
            ):
                raise Invalid(f"must be {self.says}")
            kept.setdefault(fold(trimmed(tag)), trimmed(tag))
        if len(kept) > self.most:
            raise Invalid(f"has {len(kept)} tags; at most {self.most} fit")
        return list(kept.values()) or None

    def key(self, value: list[str] | None) -> str | None:
        return f",{','.join(fold(tag) for tag in value)}," if value else None

    def operand(self, text: str) -> str:
        """Return one tag, or a part of one, without case."""
        tag = trimmed(text)
        if not tag or "," in text or any(character.isspace() for character in text) or len(tag) > self.longest:
            raise Invalid(f"must be words of up to {self.longest} characters, separated by commas, no spaces in them")
        return fold(tag)
