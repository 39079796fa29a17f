"""`make attack`: campaigns of faults, storms, greed and hostile input against the real program, on loopback.

Prints one table; exits 1 when anything in it is broken. The short form takes at most five minutes.
"""

import argparse
import asyncio
import signal
import sys
import time
from contextlib import aclosing
from typing import NamedTuple

from attack.campaigns import apps, dear, disk, flush, forging, greedy, guessing, isolation, kill, slow, stop, storms
from attack.lab import Campaign, lab
from attack.report import Row, Verdict, count, table, unfinished

SHORT_SECONDS, LONG_SECONDS = 300, 3_600


class Entry(NamedTuple):
    campaign: Campaign
    seconds: int  # that it may take in the short form
    words: str


CAMPAIGNS: dict[str, Entry] = {
    "kill": Entry(kill.campaign, 60, "kill -9 under load: nothing acknowledged is lost, nothing is there by half"),
    "disk": Entry(
        disk.campaign, 60, "a disk that fills up: reads go on, writes are refused in plain words, all recovers"
    ),
    "flush": Entry(flush.campaign, 60, "writes and flushes that fail: no answer says what is not so"),
    "storms": Entry(storms.campaign, 45, "many at once where one may win: one wins"),
    "slow": Entry(slow.campaign, 75, "clients that send slowly, never read or leave: cut in time, others unharmed"),
    "greedy": Entry(greedy.campaign, 75, "heads and bodies without an end: refused early, others served"),
    "dear": Entry(dear.campaign, 100, "lists that read everything: other workspaces are served, the log stays small"),
    "forging": Entry(forging.campaign, 45, "stored text that would be a line of ours: it never is"),
    "isolation": Entry(isolation.campaign, 45, "ids of another workspace: like ids that never existed"),
    "apps": Entry(apps.campaign, 45, "a connected app's token: it stays in its workspace and gives no access away"),
    "guessing": Entry(guessing.campaign, 45, "guessed codes and mail for strangers: both bounded"),
    "stop": Entry(stop.campaign, 60, "SIGTERM under load: soon, clean, nothing acknowledged lost"),
}


async def run(names: list[str], is_long: bool = False) -> list[tuple[str, Row]]:
    """Return what these campaigns found; one that fails or takes too long is a row that says so."""
    found: list[tuple[str, Row]] = []
    end = time.perf_counter() + (LONG_SECONDS if is_long else SHORT_SECONDS)
    for name in names:
        campaign, short, _ = CAMPAIGNS[name]
        left = min(end - time.perf_counter(), LONG_SECONDS if is_long else short)
        started = time.perf_counter()
        try:
            async with asyncio.timeout(left), lab(is_long) as place, aclosing(campaign(place)) as rows:
                async for row in rows:
                    found.append((name, row))
        except TimeoutError:
            found.append((name, unfinished(f"cut after {max(0, left):.0f} s")))
        except Exception as error:  # the others have their chance
            found.append((name, unfinished(f"{type(error).__name__}: {' '.join(str(error).split())[:160]}")))
        print(f"  {name} took {time.perf_counter() - started:.0f} s", file=sys.stderr, flush=True)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m attack", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--only", nargs="+", choices=CAMPAIGNS, metavar="NAME", help=f"of {', '.join(CAMPAIGNS)}")
    parser.add_argument("--long", action="store_true", help="more of everything; takes up to an hour")
    parser.add_argument("--list", action="store_true", help="print the campaigns and what each tries")
    asked = parser.parse_args()
    if asked.list:
        print("\n".join(f"{name:<10} {entry.words}" for name, entry in CAMPAIGNS.items()))
        return
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that programs and folders go with the run
    started = time.perf_counter()
    try:
        found = asyncio.run(run(asked.only or list(CAMPAIGNS), asked.long))
    except KeyboardInterrupt:
        sys.exit(130)
    print(table(found))
    told = ", ".join(f"{count(found, verdict)} {verdict.value}" for verdict in Verdict)
    print(f"\n{told}; {time.perf_counter() - started:.0f} s")
    if count(found, Verdict.BROKEN):
        sys.exit(1)


if __name__ == "__main__":
    main()
