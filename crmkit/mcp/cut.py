"""Cuts an answer that is too long for a chat at a line, with a note on how to get the rest."""

MAX_CHARACTERS = 100_000

_LESS = "pick fields with fields=name,email"


def cut(text: str) -> str:
    """Return the text, or its first lines up to MAX_CHARACTERS and a `# note:` line after them."""
    if len(text) <= MAX_CHARACTERS:
        return text
    end = text.rfind("\n", 0, MAX_CHARACTERS) + 1
    if not end:  # one line alone is longer than that
        rest = f"the first line is longer than {MAX_CHARACTERS} characters and was cut; {_LESS}"
        return f"{text[:MAX_CHARACTERS]}\n# note: {rest}\n"
    kept = text[:end]
    whole = sum(not line.startswith("#") for line in kept.split("\n")[:-1])
    rest = f"send limit={max(1, whole)} and follow # next: CURSOR for the rest, or {_LESS}"
    return f"{kept}# note: cut after {whole} lines, at {MAX_CHARACTERS} characters; {rest}\n"
