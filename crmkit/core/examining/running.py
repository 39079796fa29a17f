"""What the operator asks of the running server: all that `crmkit doctor` looks at and that takes milliseconds."""

import asyncio
import logging
import sys
from collections.abc import Iterator

from crmkit import __version__
from crmkit.core.call import Call
from crmkit.core.examining import mails, plans, standing, urls
from crmkit.core.examining.findings_cache import Found
from crmkit.core.operating import backups
from crmkit.core.sealing import verify
from crmkit.errors import Problem
from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.database import Finding
from crmkit.storage.log import checking, seals
from crmkit.storage.log.chain import Chain
from crmkit.storage.log.checking import Part

log = logging.getLogger("crmkit")

WORKSPACES = 200  # that one read looks at
SEALS = 2 * checking.AT_ONCE  # the newest ones, of up to 2,000 entries
LEFT_OUT = (
    *("files", "integrity", "links", "counts", "derived", "search"),
    *("older entries of the audit log", "whether mail leaves"),
)


async def examine(call: Call) -> Found:
    """Return what is found now, or was a moment ago; that the database cannot be read is found, too. Raises `busy`."""

    async def look() -> Found:
        crm = call.crm
        findings = [Finding("crmkit", True, f"{__version__} on Python {sys.version.split()[0]}")]
        findings += crm.database.examine()
        try:
            findings += await call.scan(_stands, call.now)
            findings.append(await call.scan(plans.examine, crm.settings.plans))
            findings.append(await _log(call))
        except Exception as error:
            findings.append(_unreadable(error))
        findings += await asyncio.to_thread(list, backups.examine(crm.settings, crm.clock(), crm.is_backup))
        findings.append(urls.examine(crm.settings))
        findings += mails.examine(crm.settings)
        return Found(call.now, findings)

    return await call.crm.findings.found(look)


def _unreadable(error: Exception) -> Finding:
    """Return that a read of the database failed; raises `busy`, which says nothing of it."""
    if not isinstance(error, Problem):
        log.warning("GET /doctor could not look at the data", exc_info=error)
    elif error.code == "busy":
        raise error
    why = error.hint if isinstance(error, Problem) else f"{error}."
    return Finding("database", False, f"it cannot be read: {why} `crmkit doctor`, beside the server, tells more")


def _stands(connection: Connection, now: str) -> list[Finding]:
    return [*standing.examine(connection, now, True)]


async def _log(call: Call) -> Finding:
    """Return whether the newest entries of the audit log are as they were sealed."""
    chain = Chain(call.crm.key)
    part = await call.scan(_begin, chain)
    faults, entries = list[str](), 0
    while not part.is_over:
        part = await call.scan(checking.check, chain, part)
        faults += part.faults
        entries += part.sealed
    faults += await _late(call)
    told = "; ".join(_first(faults))
    advice = "`crmkit audit verify` tells all; compare a backup"
    return Finding(
        "audit", not faults, f"{told}; {advice}" if faults else f"the newest {entries:,} sealed entries are whole"
    )


async def _late(call: Call) -> list[str]:
    """Return of which workspaces entries wait to be sealed, and have for too long."""
    found, before = list[str](), verify.late_since(call.now)
    position: int | None = 0
    while position is not None:
        late, position = await call.scan(seals.late, before, position, WORKSPACES)
        found += late
    return verify.told_late(found)


def _first(faults: list[str], most: int = 3) -> Iterator[str]:
    yield from faults[:most]
    if len(faults) > most:
        yield f"and {len(faults) - most:,} more"


def _begin(connection: Connection, chain: Chain) -> Part:
    """Return where the newest seals begin."""
    newest = seals.newest(connection)
    before = seals.following(connection, newest.number - SEALS - 1, 1) if newest and newest.number > SEALS else []
    return Part(before[0].digest, before[0].number) if before else Part(chain.start)
