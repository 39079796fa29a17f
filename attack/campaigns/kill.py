"""kill -9 in the middle of writes: what was acknowledged is there after the restart, whole, with its audit row."""

import asyncio
from collections.abc import AsyncGenerator

from attack import program, report
from attack.lab import Lab
from attack.ledger import Writer, stored, unaudited
from attack.report import Row
from attack.victim import percentile

WRITERS = 6
BACK_SECONDS = 5.0  # from the start after a kill to the first answer


async def campaign(lab: Lab) -> AsyncGenerator[Row, None]:
    """Yield what was found after each of the kills."""
    kills = lab.many(12, 100)
    writers = [Writer(f"writer{number}", number) for number in range(WRITERS)]
    wrong: list[str] = []
    starts: list[float] = []
    token, dead = "", 0
    for number in range(kills + 1):
        served = await lab.start(config=program.PROXIED)
        starts.append(served.seconds * 1e3)
        if not token:
            token = (await served.sign_in("alice@example.com")).token
        async with served.client(token) as alice:
            held = await stored(alice)
            wrong += [fault for writer in writers for fault in writer.check(held)]
            wrong += [f"{id} is nobody's" for id in set(held.contacts) - {id for w in writers for id in w.told}]
            if number == kills:
                break
            working = [asyncio.create_task(writer.work(served, token)) for writer in writers]
            await _acknowledged(writers, lab.choice.randint(1, 1_000), working)
            await served.kill()
            await asyncio.gather(*working)
    async with served.client(token) as alice:
        unwritten = await unaudited(alice, writers)
    for known in (token for writer in writers for token in writer.tokens):
        async with served.client(known) as someone:
            dead += (await someone.get("/whoami")).status != 200
    code, _ = await served.stop()
    doctor, said = await program.run("doctor", folder=served.folder)
    size = f"{kills} kills, {sum(writer.acknowledged for writer in writers):,} acknowledged"
    yield report.exactly("acknowledged writes lost, halved or undone", size, len(wrong), 0)
    yield report.exactly("acknowledged writes without their audit row", size, len(unwritten), 0)
    yield report.exactly("tokens lost", f"{sum(len(writer.tokens) for writer in writers)} sign-ins", dead, 0)
    yield report.exactly("exit of the last start, of crmkit doctor", "1", (code, doctor, said.count("BAD ")), (0, 0, 0))
    yield report.at_most("start after a kill, p99", f"{len(starts)}", percentile(starts, 99) / 1e3, BACK_SECONDS, "s")
    yield report.exactly("tracebacks", size, served.tracebacks(), 0)


async def _acknowledged(writers: list[Writer], more: int, working: list[asyncio.Task[None]]) -> None:
    """Wait until so many more writes were acknowledged, or one of the writers failed."""
    wanted = sum(writer.acknowledged for writer in writers) + more
    while sum(writer.acknowledged for writer in writers) < wanted and not any(task.done() for task in working):
        await asyncio.sleep(0.001)
