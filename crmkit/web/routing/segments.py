"""The segments of a path, each decoded once: a slash or a percent sign that stands in one does not end or decode it."""

from urllib.parse import unquote


def spelled(raw: str) -> str:
    """Return a path as routes are found by it: decoded, but for `/` and `%` within a segment, which stay encoded."""
    if "%" not in raw:
        return raw
    return "/".join(unquote(segment).replace("%", "%25").replace("/", "%2F") for segment in raw.split("/"))


def content(segment: str) -> str:
    """Return what a segment of a spelled path says."""
    return segment.replace("%2F", "/").replace("%25", "%") if "%" in segment else segment
