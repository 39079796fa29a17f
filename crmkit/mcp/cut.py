"""Cuts an answer that is too long for a chat at a line, with a note on how to get the rest."""

MAX_CHARACTERS = 100_000

_LESS = "pick fields with fields=name,email"
_EXPORT = "/export"


def cut(text: str, method: str = "GET", target: str = "") -> str:
    """Return the text, or its first lines up to MAX_CHARACTERS and a `# note:` line after them.

    It answers a request with this method and target, a path with its query.
    """
    if len(text) <= MAX_CHARACTERS:
        return text
    end = text.rfind("\n", 0, MAX_CHARACTERS) + 1
    if not end:  # one line alone is longer than that
        rest = f"the first line is longer than {MAX_CHARACTERS} characters and was cut; {_LESS}"
        return f"{text[:MAX_CHARACTERS]}\n# note: {rest}\n"
    kept = text[:end]
    whole = sum(not line.startswith("#") for line in kept.split("\n")[:-1])
    rest = _rest(max(1, whole), method, target.partition("?")[0].rstrip("/"))
    return f"{kept}# note: cut after {whole} lines, at {MAX_CHARACTERS} characters; {rest}\n"


def _rest(lines: int, method: str, path: str) -> str:
    """Return how to get what was cut off."""
    if method != "GET":
        return "send fewer at a time to see what becomes of each"
    if path.endswith(_EXPORT):
        pages = f"GET {path.removesuffix(_EXPORT)} has pages"
        return f"an export has none; {pages}, POST /links makes an address of the whole for the user, or {_LESS}"
    return f"send limit={lines} and follow # next: CURSOR for the rest, or {_LESS}"
