"""`python -m bench.creates [SIZE ...]`: how many contacts a second are created beside SIZE others, 64 at once.

Through the verbs, in one process, each answered when it is on disk; texts are indexed meanwhile, as in a server.
"""

import argparse
import asyncio
import random
import shutil
import statistics
import tempfile
import time
from pathlib import Path

from bench.data.dataset import Dataset, cache, dataset, settings_of
from bench.data.drawn import Drawn, another
from bench.kinds import CONTACT
from crmkit import boot
from crmkit.core import upkeep
from crmkit.core.call import Call
from crmkit.core.people import sessions
from crmkit.core.records import write
from crmkit.storage.sqlite.engine.folder import FILE

SIZES = (10_000, 1_000_000)
AT_ONCE = 64
ROUNDS = 5
CREATES = 2_000  # in each round


async def measured(folder: Path, token: str) -> tuple[float, float, float]:
    """Return creates a second (median of the rounds), the 99th percentile of one in ms, and the seconds that
    indexing took beyond the last create."""
    crm = boot.crm_of(settings_of(folder))
    choice = random.Random()
    drawn = Drawn(choice, 10**9)
    rates: list[float] = []
    took: list[float] = []
    async with crm.database:
        actor = await sessions.authenticate(crm, f"Bearer {token}")
        keeping_up = asyncio.create_task(upkeep.keep_up(Call(crm)))
        for _ in range(ROUNDS):
            people = (drawn.contact(number, None) for number in range(3, CREATES + 3))
            bodies = [another(person, f"{choice.randrange(10**9, 10**10)}") for person in people]

            async def create(bodies: list[dict[str, object]] = bodies) -> None:
                while bodies:
                    started = time.perf_counter()
                    await write.save(Call(crm, actor), CONTACT, bodies.pop())
                    took.append(time.perf_counter() - started)

            started = time.perf_counter()
            await asyncio.gather(*(create() for _ in range(AT_ONCE)))
            rates.append(CREATES / (time.perf_counter() - started))
        keeping_up.cancel()
        started = time.perf_counter()
        await upkeep.index_all(Call(crm))
        indexing = time.perf_counter() - started
    return statistics.median(rates), sorted(took)[int(len(took) * 0.99)] * 1_000, indexing


def on_copy(made: Dataset) -> tuple[float, float, float]:
    """Measure on a copy, so that the data stays as it was made."""
    with tempfile.TemporaryDirectory(dir=cache()) as folder:
        shutil.copyfile(Path(made.folder) / FILE, Path(folder) / FILE)
        return asyncio.run(measured(Path(folder), made.token))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.creates", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("sizes", type=int, nargs="*", default=SIZES)
    print(f"{'contacts':>12}{'creates/s':>12}{'p99 ms':>9}{'indexing s after':>19}")
    for size in parser.parse_args().sizes:
        rate, p99, indexing = on_copy(dataset(size))
        print(f"{size:>12,}{rate:>12,.0f}{p99:>9.1f}{indexing:>19.2f}")


if __name__ == "__main__":
    main()
