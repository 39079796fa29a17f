"""The path behind a link."""

from crmkit.model.paths.request import RequestPath


class LinkedPath(RequestPath, frozen=True):
    """The path behind a link, which somebody reads without a token."""

    what = "a list, a record, a count or an export"
    example = "/contacts/export?format=csv"
    never = ("confirm", "code", "wait")
