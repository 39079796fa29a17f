"""Client ID metadata documents: the client id of an app may be the https URL of a document that describes it.

draft-ietf-oauth-client-id-metadata-document. Its URIs are judged like those of an app that registers. Strangers name
the URLs, so what is fetched is bounded: in size and time, for each of them and for all, and once at a time for a URL.
"""

import asyncio
from datetime import datetime, timedelta

import msgspec
from msgspec import Struct

from crmkit.clock import Clock
from crmkit.core.oauth.client import BadClient, Client, check
from crmkit.core.people.budgets import MINUTE, limit_reached
from crmkit.errors import Problem
from crmkit.model.names import clean
from crmkit.outbound.client import Answer, Outbound, Unreached
from crmkit.outbound.guard import Target

MAX_DOCUMENT = 5 * 1024  # bytes
FETCH_SECONDS = 5.0
FRESH_SECONDS = (5 * 60, 24 * 3600)  # at least and at most, whatever its Cache-Control says; without one, the least
STALE = timedelta(days=1)  # after it was fresh, while it cannot be fetched
AGAIN = timedelta(minutes=1)  # after a fetch that failed
MOST_KEPT = 1_000
FETCHES_PER_CLIENT, FETCHES = 10, 120  # in a minute
LOOKUPS = 8  # of host names at once


class _Document(Struct):
    client_id: str
    redirect_uris: list[str]
    client_name: str = ""


class _Kept(Struct):
    """What is known of a URL: its client, or why there is none; until when that holds, and when it was fetched."""

    client: Client | None
    wrong: str
    until: datetime
    ends: datetime


class Documents:
    """The documents that were fetched lately, in memory."""

    def __init__(self, outbound: Outbound, clock: Clock) -> None:
        self._outbound, self._clock = outbound, clock
        self._kept: dict[str, _Kept] = {}
        self._fetching: dict[str, asyncio.Task[_Kept]] = {}
        self._minute = clock()
        self._fetches: dict[str, int] = {}  # of each client since then

    async def client(self, url: str, asks: str) -> Client:
        """Return the app that a document describes; `asks` is the client address that the fetch is counted for.

        A document that cannot be fetched now is taken as it was, also where too many were fetched. Raises BadClient,
        and `rate_limited`.
        """
        host = self._check(url).host
        kept = self._kept.get(url)
        if kept is None or kept.until <= self._clock():
            task = self._fetching.get(url)
            if task is None:
                try:
                    self._count(asks)
                except Problem:
                    if kept is not None and kept.client is not None and self._clock() < kept.ends:
                        return kept.client
                    raise
                task = self._fetching[url] = asyncio.create_task(self._fetched(url, host, kept))
                task.add_done_callback(lambda _: self._fetching.pop(url))
            kept = await asyncio.shield(task)  # others may wait for it when this request ends
        if kept.client is None:
            raise BadClient(kept.wrong)
        return kept.client

    def remembered(self, url: str) -> Client:
        """Return the app with what is known of it without a fetch, at least its id; raises BadClient."""
        self._check(url)
        kept = self._kept.get(url)
        return (kept and kept.client) or Client((), "", url)

    def _check(self, url: str) -> Target:
        try:
            target = self._outbound.check(url)
        except Problem:
            raise BadClient("its client_id is no public https URL") from None
        path = target.path.partition("?")[0]
        if target.scheme != "https" or path == "/" or {".", ".."} & set(path.split("/")):
            raise BadClient("its client_id is no https URL with a path")
        return target

    def _count(self, asks: str) -> None:
        """Count a fetch; raises `rate_limited`."""
        now = self._clock()
        wait = MINUTE - int((now - self._minute).total_seconds())
        if not 0 < wait <= MINUTE:
            self._minute, self._fetches, wait = now, {}, MINUTE
        for done, most in ((self._fetches.get(asks, 0), FETCHES_PER_CLIENT), (sum(self._fetches.values()), FETCHES)):
            if done >= most:
                raise limit_reached("Too many descriptions of apps were fetched in the last minute.", most, wait)
        self._fetches[asks] = self._fetches.get(asks, 0) + 1

    async def _fetched(self, url: str, host: str, before: _Kept | None) -> _Kept:
        """Fetch a document, keep what came of it, and return that."""
        now = self._clock()
        wrong = f"its description could not be fetched from {host}"
        try:
            answer = await self._outbound.get(url, MAX_DOCUMENT, FETCH_SECONDS, {"Accept": "application/json"})
            if answer.status == 200:
                until = now + timedelta(seconds=fresh_seconds(answer.headers.get("cache-control", "")))
                return self._keep(url, _Kept(_described(url, answer), "", until, until + STALE))
            wrong += f" (status {answer.status})"
        except Unreached:
            pass
        except BadClient as error:
            return self._keep(url, _Kept(None, str(error), now + AGAIN, now + AGAIN))
        if before is not None and before.client is not None and now < before.ends:
            return self._keep(url, msgspec.structs.replace(before, until=now + AGAIN))
        return self._keep(url, _Kept(None, wrong, now + AGAIN, now + AGAIN))

    def _keep(self, url: str, kept: _Kept) -> _Kept:
        self._kept.pop(url, None)
        while len(self._kept) >= MOST_KEPT:
            del self._kept[next(iter(self._kept))]  # the one that was fetched first
        self._kept[url] = kept
        return kept


def fresh_seconds(cache_control: str) -> int:
    """Return for how long an answer with this header is taken as it is (RFC 9111, 5.2.2)."""
    least, most = FRESH_SECONDS
    directives = [part.strip().lower().partition("=") for part in cache_control.split(",")]
    if any(name in ("no-store", "no-cache") for name, _, _ in directives):
        return least
    ages = [text.strip('"') for name, _, text in directives if name == "max-age"]
    age = int(ages[0]) if ages and ages[0].isascii() and ages[0].isdecimal() and len(ages[0]) < 10 else least
    return min(max(age, least), most)


def _described(url: str, answer: Answer) -> Client:
    """Return the client of a document; raises BadClient.

    Its authentication methods are not read: every app is a public client here, and says at /token who it is.
    """
    try:
        found = msgspec.json.decode(answer.body, type=_Document)
    except (ValueError, RecursionError):
        raise BadClient("the document at its client_id is no description of an app") from None
    if found.client_id != url:
        raise BadClient("the document at its client_id names another client_id")
    if not found.redirect_uris:
        raise BadClient("the document at its client_id has no redirect_uris")
    for uri in found.redirect_uris:
        check(uri)
    return Client(tuple(found.redirect_uris), clean(found.client_name), url)
