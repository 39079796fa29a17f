"""A client of the other service: JSON by GET, within bounds, asked again where the service is busy.

Nothing that the service sends is repeated in a message, and the key stands in a header alone.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlencode, urlsplit

import msgspec
from msgspec import Struct

from crmkit.errors import Problem
from crmkit.outbound import guard
from crmkit.outbound.client import Answer, Outbound, Unreached

MOST = 32 * 2**20  # bytes of one answer
SECONDS = 10  # for one answer
BUSY = (429, 500, 502, 503, 504)  # statuses after which the same is asked again
PAUSES = (1, 2, 4, 8, 16)  # seconds before it is, where the service does not say how long
LONGEST_PAUSE = 900  # seconds that a service may ask to wait; limits of ten minutes are usual
TOLD_PAUSE = 5  # seconds from which on a pause is told

_KEY = re.compile(r"[!-~]{1,1000}")

Sleep = Callable[[float], Awaitable[None]]


class Stopped(ValueError):
    """Why reading the other service ended, in a sentence."""


class Absent(Stopped):
    """There is nothing to read here, or the key may not read it."""


class Page(Struct, frozen=True):
    """Some leads, and the cursor of those that follow, None for the last; how many there are in all, where told."""

    leads: list[dict[str, Any]]
    cursor: str | None
    total: int | None = None


class Client:
    """Asks one service, whose address is checked at each connection; raises Stopped for an address that is refused.

    `tell` is for what takes long.
    """

    def __init__(
        self, name: str, base: str, headers: Mapping[str, str], outbound: Outbound, tell: Callable[[str], None]
    ) -> None:
        self._headers = {"Accept": "application/json", **headers}
        self._base, self._outbound, self._tell = base, outbound, tell
        self._name = f"{name} at {urlsplit(base).hostname}"
        self._is_known = False  # whether it ever answered
        try:
            outbound.check(base)
        except Problem as problem:
            raise self.stopped(_advised(problem.hint, outbound)) from None

    async def get(self, path: str, query: Mapping[str, str] | None = None, sleep: Sleep = asyncio.sleep) -> Any:
        """Return what a GET answers; raises Stopped, and Absent for 403 and 404."""
        url = f"{self._base}{path}" + (f"?{urlencode(query)}" if query else "")
        for pause in (*PAUSES, None):
            told: float | None = None
            try:
                answer = await self._outbound.get(url, MOST, SECONDS, self._headers)
            except Unreached as error:
                if not self._is_known or pause is None:
                    raise self.stopped(_advised(error.reason, self._outbound)) from None
            else:
                self._is_known = True
                if answer.status not in BUSY:
                    return self._read(answer, path)
                if pause is None:
                    raise self.stopped(f"it answers {answer.status} again and again; run this again later")
                told = retry_after(answer.headers.get("retry-after", ""), datetime.now(UTC))
            await self._wait(pause if told is None else told, sleep)
        raise AssertionError("the last of the tries returns or raises")

    async def get_if_there(self, path: str) -> Any:
        """Return what a GET answers, None where there is nothing or the key may not read it; raises Stopped."""
        try:
            return await self.get(path)
        except Absent:
            return None

    async def pages(
        self, path: str, query: Mapping[str, str], page_of: Callable[[Any], Page | None]
    ) -> AsyncIterator[Page]:
        """Yield the pages of a list, each as `page_of` reads its answer, which is None for one that is no page."""
        cursor: str | None = None
        seen: set[str] = set()
        while True:
            page = page_of(await self.get(path, {**query, **({"cursor": cursor} if cursor else {})}))
            if page is None:
                raise self.stopped(f"what GET {path} answers is no page of leads as its documents describe it")
            yield page
            cursor = page.cursor
            if cursor is None:
                return
            if cursor in seen:
                raise self.stopped(f"GET {path} answers the same page again and again")
            seen.add(cursor)

    def stopped(self, why: str) -> Stopped:
        return Stopped(f"{self._name}: {why}")

    def _read(self, answer: Answer, path: str) -> Any:
        if answer.status == 401:
            raise self.stopped("it refuses the key (401)")
        if answer.status in (403, 404):
            why = "the key may not read this" if answer.status == 403 else "there is nothing at this address"
            raise Absent(f"{self._name}: GET {path} answers {answer.status}: {why}")
        if 300 <= answer.status < 400:
            raise self.stopped("it redirects, and the key is not sent on: give the address that it leads to")
        if answer.status != 200:
            raise self.stopped(f"GET {path} answers {answer.status}")
        try:
            return msgspec.json.decode(answer.body)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise self.stopped(f"what GET {path} answers is no JSON") from None

    async def _wait(self, seconds: float, sleep: Sleep) -> None:
        if seconds > LONGEST_PAUSE:
            raise self.stopped(f"it asks to wait {seconds:.0f} seconds; run this again then")
        if seconds >= TOLD_PAUSE:
            self._tell(f"{self._name} asks to wait {seconds:.0f} seconds")
        await sleep(seconds)


def retry_after(text: str, now: datetime) -> float | None:
    """Return the seconds that a Retry-After header asks for (RFC 9110, 10.2.3), None where it says nothing."""
    text = text.strip()
    if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", text):
        return float(text)
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return max(0.0, (at - now).total_seconds())


def are_leads(found: Any) -> bool:
    """Tell whether something is a list of leads: objects, each with an id."""
    return isinstance(found, list) and all(
        isinstance(each, dict) and isinstance(each.get("id"), str) and each["id"] for each in found
    )


def is_key(text: str) -> bool:
    """Tell whether a header can hold a key."""
    return _KEY.fullmatch(text) is not None


def _advised(reason: str, outbound: Outbound) -> str:
    """Return why an address is refused, with what one does about it here."""
    bare = reason.removesuffix(guard.ADVICE).rstrip(" .")
    is_private = not outbound.allowed and any(word in bare for word in ("not public", "loopback", "not encrypted"))
    return f"{bare}; --allow-private allows addresses of one's own network" if is_private else bare
