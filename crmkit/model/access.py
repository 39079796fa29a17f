"""What a token may do: an access in one word, or exact scopes; from which addresses, and until when."""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any, Literal, get_args

from msgspec import Struct

from crmkit.errors import Problem
from crmkit.ip import Networks

READ, WRITE, PROPOSE, FULL = "read", "write", "propose", "full"
WORDS = (READ, WRITE, PROPOSE, FULL)  # what an access is called; other tokens have scopes
EVERYTHING = "*"
NEVER = "never"  # as the end of a token: it does not end of itself, even if nobody uses it

VERBS = ("read", "write", "delete")
# what a token may be let into beside the plurals of kinds
Area = Literal["analytics", "imports", "scoring", "team", "webhooks", "workspace"]
AREAS: tuple[Area, ...] = get_args(Area)
# the areas that the access `write` does not write: who may do what, what happens by itself
GUARDED: tuple[Area, ...] = ("scoring", "team", "webhooks", "workspace")

# as refusals say them
_SAID = {EVERYTHING: "* (full access)", WRITE: "access write", PROPOSE: "access propose"}

_SCOPE = re.compile(r"(\*|[a-z_]+)\.(read|write|delete)|\*")


class Access(Struct, frozen=True):
    """`words` is one of WORDS, or scopes with blanks between: `contacts.read`, `*.read`, `*`.

    Without `networks` it is used from any address. `expires_at` is a stamp, NEVER, or empty: then it ends when it was
    not used for long enough.
    """

    words: str = FULL
    networks: tuple[str, ...] = ()
    expires_at: str = ""

    @property
    def is_narrow(self) -> bool:
        """Whether there is anything that it does not allow."""
        return self.words not in (FULL, EVERYTHING)

    @property
    def proposes(self) -> bool:
        """Whether its writes wait until somebody approves them."""
        return self.words == PROPOSE

    @property
    def scopes(self) -> tuple[str, ...]:
        """The exact scopes; none where it is called by a word."""
        return () if self.words in WORDS else tuple(self.words.split())

    def allows(self, scope: str) -> bool:
        """Tell whether it opens a scope, like `contacts.write` or `*.read`."""
        return _opens(self.words, scope)

    def check(self, *scopes: str) -> None:
        """Raise `scope_required` for the first of these scopes that it does not open."""
        for scope in scopes:
            if not _opens(self.words, scope):
                raise scope_required(self, scope)

    def open_to(self, address: str) -> bool:
        """Tell whether a client at this network address may use it."""
        return not self.networks or address in _networks(self.networks)

    @property
    def facts(self) -> dict[str, Any]:
        """What clients are told of it, by the names by which they ask for it."""
        word = self.words if self.words in WORDS else None
        return {"access": word, "scopes": self.scopes, "expires_at": self.expires_at or None, "ips": self.networks}

    def missing(self, other: "Access") -> str | None:
        """Return the first scope that another opens and this does not."""
        return next((scope for scope in _EQUAL.get(other.words) or other.scopes if not self.allows(scope)), None)

    def covers(self, other: "Access") -> bool:
        """Tell whether it may be used from every address from which another may."""
        return not self.networks or (bool(other.networks) and _all_in(other.networks, self.networks))

    def outlasts(self, other: "Access") -> bool:
        """Tell whether another ends no later; one that ends when it is idle outlasts all."""
        return self.expires_at in ("", NEVER) or "" < other.expires_at <= self.expires_at

    def within(self, other: "Access") -> bool:
        """Tell whether it allows nothing that another does not: no scope, no address, no moment more."""
        return other.missing(self) is None and other.covers(self) and other.outlasts(self)


FULL_ACCESS = Access()

# what a word takes of the token that gives it to another
_EQUAL = {FULL: (EVERYTHING,), READ: ("*.read",), WRITE: ("*.read", WRITE), PROPOSE: ("*.read", PROPOSE)}


@lru_cache(4096)
def _opens(words: str, scope: str) -> bool:
    if words in (FULL, EVERYTHING):
        return True
    area, _, verb = scope.rpartition(".")
    if words in (READ, PROPOSE):
        return verb == "read" or scope == words
    if words == WRITE:
        return scope in (WRITE, PROPOSE) or verb == "read" or (verb == "write" and area not in (EVERYTHING, *GUARDED))
    granted = words.split()
    if scope in (WRITE, PROPOSE):  # the words, for which it takes `*.write`
        return EVERYTHING in granted or "*.write" in granted
    return EVERYTHING in granted or f"{EVERYTHING}.{verb}" in granted or scope in granted


@lru_cache(1024)
def _networks(texts: tuple[str, ...]) -> Networks:
    return Networks(texts)


def _all_in(inner: Iterable[str], outer: tuple[str, ...]) -> bool:
    return all(_networks(outer).covers(text) for text in inner)


def scopes_of(words: Iterable[str], areas: Iterable[str]) -> str:
    """Return scopes as `Access.words` has them, each once; raises ValueError with the first that is none."""
    known, found = {EVERYTHING, *areas}, dict[str, None]()
    for word in words:
        if not _SCOPE.fullmatch(word) or (word != EVERYTHING and word.partition(".")[0] not in known):
            raise ValueError(word)
        found[word] = None
    return " ".join(found)


def scope_required(access: Access, scope: str, advice: str = "") -> Problem:
    """Return the refusal of what a token's access does not open, with this advice where another token does not help."""
    said, facts = _SAID.get(scope, scope), {"scope": scope}
    has = f"access {access.words}" if access.words in WORDS else f"the scopes {', '.join(access.scopes)}"
    if advice:
        return Problem("scope_required", f"The token has {has}, not {said}. {advice}", facts=facts)
    lacks = f"This needs {said}; the token has {has}."
    return Problem(
        "scope_required",
        f"{lacks} Ask the user for a token with {said} (POST /workspaces/{{id}}/tokens), or do without.",
        facts=facts,
        for_tools=f"{lacks} To get more, the user connects this app again and chooses it; or do without.",
    )
