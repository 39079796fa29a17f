"""Paths: which one a request means, and what stands in its placeholders."""

from collections.abc import Iterable

from msgspec import Struct, field


class _Node(Struct):
    words: dict[str, "_Node"] = field(default_factory=dict)
    placeholder: "_Node | None" = None
    path: str = ""  # that ends here, as its route has it
    names: tuple[str, ...] = ()  # of the placeholders in it


class Paths:
    """Paths as routes have them, `{id}` standing for any segment; a word goes before a placeholder."""

    def __init__(self, paths: Iterable[str]) -> None:
        self._root = _Node()
        self._words: set[str] = set()  # paths without a placeholder
        for path in paths:
            node, names = self._root, list[str]()
            for word in _segments(path):
                if word.startswith("{"):
                    names.append(word[1:-1])
                    node.placeholder = node.placeholder or _Node()
                    node = node.placeholder
                else:
                    node = node.words.setdefault(word, _Node())
            node.path, node.names = path, tuple(names)
            if not names:
                self._words.add(path)

    def find(self, path: str) -> tuple[str, dict[str, str]] | None:
        """Return the path of the route that `path` means and the segments in its placeholders, None if there is none.

        Slashes that are doubled, or stand at the end, count as one or none.
        """
        if path in self._words:
            return path, {}
        node, found = self._root, list[str]()
        for segment in path.split("/"):
            if not segment:
                continue
            after = node.words.get(segment)
            if after is None:
                after = node.placeholder
                if after is None:
                    return None
                found.append(segment)
            node = after
        return (node.path, dict(zip(node.names, found, strict=True))) if node.path else None


def normal(path: str) -> str:
    """Return a path with one slash before each segment."""
    return "/" + "/".join(_segments(path))


def _segments(path: str) -> list[str]:
    return [segment for segment in path.split("/") if segment]
