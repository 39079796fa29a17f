"""With `log = "json"` every line after that of the start is one JSON object, whatever goes wrong."""

import json
import sys
from pathlib import Path
from subprocess import PIPE, Popen, run
from typing import Any

import pytest

from tests.house import ALICE, ROOT, Person, command
from tests.web.connection.raw import announced, answer, connected

# the program with faults of all sorts in it: a route, a job, a thread, a task, a destructor, warnings, a wrong log call
FAULTY = """
import asyncio, gc, logging, sys, threading, warnings
from functools import partial

from crmkit import boot
from crmkit.cli import main
from crmkit.core.jobs.kind import JobKind, JobKinds
from crmkit.render.answers import Answer, Document
from crmkit.storage import jobs
from crmkit.web.call import HttpCall
from crmkit.web.route import read

def fail(*_):
    raise KeyError("a fault\\nof two lines")

class Stubborn:
    def __del__(self):
        fail()

async def later():
    fail()

@read("/fault", public=True)
async def fault(call: HttpCall) -> Answer:
    fail()

@read("/faults", public=True)
async def faults(call: HttpCall) -> Answer:
    warnings.warn("a warning of Python")
    logging.getLogger("uvicorn.error").error("of uvicorn")
    logging.getLogger("crmkit").warning("%d places", "no number")
    thread = threading.Thread(target=fail, name="doomed")
    thread.start()
    thread.join()
    Stubborn()
    asyncio.get_running_loop().call_soon(fail)
    task = asyncio.create_task(later())
    await asyncio.sleep(0)
    del task
    gc.collect()
    await call.write(lambda tx: jobs.add(tx, "doomed"), ["*"])
    return Document("done", {})

boot.serve = partial(boot.serve, jobs=JobKinds(JobKind("doomed", fail)))
boot.application = partial(boot.application, more=[fault, faults])
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.slow
def test_all_lines_of_a_server_that_meets_faults_are_json(tmp_path: Path) -> None:
    file = tmp_path / "faulty.py"
    file.write_text(FAULTY)
    _, env = command(CRMKIT_SERVER_LOG="json", PYTHONPATH=str(ROOT))
    line = [sys.executable, str(file), "serve", "--port", "0", "--data", str(tmp_path / "data")]
    with Popen(line, env=env, stdout=PIPE, stderr=PIPE, cwd=tmp_path) as program:
        assert program.stdout is not None
        assert program.stderr is not None
        try:
            url = announced(program)
            with Person(url) as someone:
                assert someone.post("/auth/request", json={"email": ALICE}).status_code == 200
                broken = someone.get("/fault")
                assert broken.status_code == 500
                assert someone.get("/faults").text == "done\n"
            with connected(url) as raw:
                raw.sendall(b"\x16\x03\x01 nothing\r\n\r\n")
                assert answer(raw)[0] == 400
            lines = [program.stderr.readline()]
            while b'"job ' not in lines[-1]:
                lines.append(program.stderr.readline())
            program.terminate()
            (mail,), rest = program.stdout.read().splitlines(), program.stderr.read().splitlines()
        finally:
            program.kill()
    told: list[dict[str, Any]] = [json.loads(line) for line in (*lines, *rest, mail)]
    assert all({"at", "level", "message"} <= one.keys() for one in told)
    messages = {one["message"]: one for one in told}
    failed = messages[f"request {broken.headers['X-Request-Id']} failed"]
    assert (failed["level"], failed["request"]) == ("error", broken.headers["X-Request-Id"])
    assert failed["traceback"].endswith(r"KeyError: 'a fault\nof two lines'")
    assert messages["GET /fault 500"]["request"] == failed["request"]
    assert messages["mail"]["to"] == ALICE
    assert messages["of uvicorn"]["level"] == "error"
    for part in (
        "a warning of Python",
        "'%d places'",
        "thread doomed",
        "__del__",
        "job ",
        "Task exception",
        "callback",
    ):
        assert any(part in message for message in messages), (part, sorted(messages))


def test_a_fault_that_ends_the_program_is_told_in_the_form_of_the_log(tmp_path: Path) -> None:
    ends = """
import sys
from crmkit.web.connection.logwriter import LogWriter, take_all
take_all(LogWriter("json"))
raise KeyError("x")
"""
    _, env = command(PYTHONPATH=str(ROOT))
    ended = run([sys.executable, "-c", ends], env=env, cwd=tmp_path, capture_output=True, text=True, check=False)
    told = json.loads(ended.stderr)
    assert (ended.returncode, told["level"], told["message"]) == (1, "critical", "the program ended by a fault")
    assert told["traceback"].endswith("KeyError: 'x'")
