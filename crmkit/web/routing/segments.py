"""The segments of a path, each decoded once: a slash or a percent sign that stands in one does not end or decode it."""

from urllib.parse import quote, unquote

# characters that a path and its query may have unquoted (RFC 3986, 3.3 and 3.4), and the caller's own percent signs
_UNQUOTED = "!$%&'()*+,;=:@/?-._~[]"


def encoded(target: str) -> str:
    """Return a path with its query as it is sent: percent-encoded where somebody wrote it as plain text."""
    return quote(target, safe=_UNQUOTED)


def spelled(raw: str) -> str:
    """Return a path as routes are found by it: decoded, but for `/` and `%` within a segment, which stay encoded."""
    if "%" not in raw:
        return raw
    return "/".join(unquote(segment).replace("%", "%25").replace("/", "%2F") for segment in raw.split("/"))


def content(segment: str) -> str:
    """Return what a segment of a spelled path says."""
    return segment.replace("%2F", "/").replace("%25", "%") if "%" in segment else segment
