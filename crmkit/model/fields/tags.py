"""Tags, and sets of addresses that are filtered like them."""

from collections.abc import Iterable
from typing import Any

from msgspec import Struct

from crmkit.model.actor import Asker
from crmkit.model.fields.addresses import Email
from crmkit.model.fields.base import FieldType, Invalid
from crmkit.model.fold import fold
from crmkit.model.names import trimmed
from crmkit.model.operators.rows import Taken
from crmkit.model.sheets import lists
from crmkit.model.sheets.habits import Habits, Read


class TagChange(Struct, frozen=True):
    """Tags to add and tags to remove, each by its folded form."""

    add: dict[str, str]
    remove: frozenset[str]


class Tags(FieldType, frozen=True):
    """A set of words; stored as JSON, and in the second column as `,vip,fintech,`."""

    most: int = 50
    longest: int = 50
    key_column = "TEXT"
    structured = True
    merges = True
    taken = Taken.TAGS
    wire = list[str]

    @property
    def says(self) -> str:
        return f"a list of at most {self.most} words of up to {self.longest} characters, no commas or spaces in them"

    def from_cell(self, text: str, habits: Habits) -> Read:
        return lists.words(text) or None, ""

    def from_own(self, text: str) -> Any:
        return super().from_own(text) if text.startswith(("[", "{")) else text.split(",")

    def from_list(self, items: list[Any]) -> Any:
        from crmkit.model.sheets import lists  # late: a start does without

        return lists.tags(items) if all(isinstance(each, str) for each in items) else items

    def cleaned(self, value: list[str]) -> list[str] | None:
        return self._fitting(self._by_fold(value).values())

    def edit(self, raw: Any) -> list[str] | TagChange | None:
        """Return a whole list, or what `{"add":["vip"],"remove":["old"]}` says."""
        if not isinstance(raw, dict):
            found: list[str] | None = self.accept(raw)
            return found
        unknown = [name for name in raw if name not in ("add", "remove")]
        if unknown or not raw or not all(_is_words(words) for words in raw.values()):
            raise Invalid(f'must be {self.says}, or {{"add":[...],"remove":[...]}}')
        return TagChange(self._by_fold(raw.get("add", [])), frozenset(self._by_fold(raw.get("remove", []))))

    def merged(self, before: list[str] | None, sent: list[str] | TagChange | None) -> list[str] | None:
        """Return the tags after a change: one that is both added and removed is there; raises Invalid past a limit."""
        if not isinstance(sent, TagChange):
            return sent
        had = {fold(tag): tag for tag in before or ()}
        kept = {key: tag for key, tag in had.items() if key not in sent.remove or key in sent.add}
        return self._fitting((kept | {key: tag for key, tag in sent.add.items() if key not in kept}).values())

    def united(self, kept: list[str] | None, other: list[str] | None) -> list[str] | None:
        return self.merged(kept, TagChange(self._by_fold(other or ()), frozenset()))

    def edit_schema(self) -> dict[str, Any]:
        whole = self.schema()
        words = {"type": "array", "items": {"type": "string"}}
        change = {"type": "object", "properties": {"add": words, "remove": words}, "additionalProperties": False}
        return {"anyOf": [whole, {**change, "minProperties": 1}], "description": whole["description"]}

    def _by_fold(self, value: Iterable[str]) -> dict[str, str]:
        """Return the tags without those that equal one before; raises Invalid for what is no tag."""
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
        return kept

    def _fitting(self, tags: Iterable[str]) -> list[str] | None:
        found = list(tags)
        if len(found) > self.most:
            raise Invalid(f"has {len(found)} tags; at most {self.most} fit")
        return found or None

    def key(self, value: list[str] | None) -> str | None:
        return f",{','.join(fold(tag) for tag in value)}," if value else None

    def operand(self, text: str) -> str:
        """Return one tag, or a part of one, without case."""
        tag = trimmed(text)
        if not tag or "," in text or any(character.isspace() for character in text) or len(tag) > self.longest:
            raise Invalid(f"must be words of up to {self.longest} characters, separated by commas, no spaces in them")
        return fold(tag)


class Addresses(Tags, frozen=True):
    """A sorted set of addresses of people who work with the CRM; only the server writes it."""

    most: int = 200
    longest: int = 254

    @property
    def says(self) -> str:
        return f"addresses like jane@acme.com, or me; the first {self.most}"

    def meant(self, raw: Any, asker: Asker) -> Any:
        return Email(takes_me=True).meant(raw, asker)

    def operand(self, text: str) -> str:
        return fold(Email().operand(text) or "")

    def part(self, text: str) -> str:
        return fold(Email().part(text))


def _is_words(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(word, str) for word in value)
