"""The program on a disk that is full or fails: reads go on, writes say what is the matter, and no answer is untrue."""

import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from crmkit.clock import after, stamp, system_clock
from crmkit.storage.sqlite.engine.connection import connect
from crmkit.storage.sqlite.engine.folder import FILE
from tests.disks import mounted
from tests.house import Person, process, run

pytestmark = pytest.mark.slow

HANGS = 30  # seconds after which something does not happen any more
GCC = shutil.which("gcc")

# makes fdatasync and fsync of the write-ahead log fail as often as the file FLUSHES_THAT_FAIL says, and reads of it and
# of the database, which is not mapped into memory, while there is a file READS_FAIL
SHIM = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static int is(const char *end, int fd) {
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1), size = strlen(end);
    return length >= size && !memcmp(path + length - size, end, size);
}

static int fails(int fd) {
    if (!is("-wal", fd)) return 0;
    FILE *file = fopen(getenv("FLUSHES_THAT_FAIL") ? getenv("FLUSHES_THAT_FAIL") : "", "r+");
    if (!file) return 0;
    int left = 0;
    if (fscanf(file, "%d", &left) != 1) left = 0;
    if (left > 0) { rewind(file); fprintf(file, "%d\n", left - 1); }
    fclose(file);
    return left > 0;
}

static int cannot_read(int fd) {
    const char *sign = getenv("READS_FAIL");
    if (!(is("-wal", fd) || is(".db", fd)) || access(sign, F_OK)) return 0;
    errno = EIO;
    return 1;
}

ssize_t read(int fd, void *to, size_t size) {
    static ssize_t (*real)(int, void *, size_t);
    if (!real) real = dlsym(RTLD_NEXT, "read");
    return cannot_read(fd) ? -1 : real(fd, to, size);
}

ssize_t pread64(int fd, void *to, size_t size, off_t from) {
    static ssize_t (*real)(int, void *, size_t, off_t);
    if (!real) real = dlsym(RTLD_NEXT, "pread64");
    return cannot_read(fd) ? -1 : real(fd, to, size, from);
}

ssize_t pread(int fd, void *to, size_t size, off_t from) { return pread64(fd, to, size, from); }

void *mmap64(void *at, size_t size, int may, int how, int fd, off_t from) {
    static void *(*real)(void *, size_t, int, int, int, off_t);
    if (!real) real = dlsym(RTLD_NEXT, "mmap64");
    return fd >= 0 && is(".db", fd) ? MAP_FAILED : real(at, size, may, how, fd, from);
}

void *mmap(void *at, size_t size, int may, int how, int fd, off_t from) { return mmap64(at, size, may, how, fd, from); }

int fdatasync(int fd) {
    static int (*real)(int);
    if (!real) real = dlsym(RTLD_NEXT, "fdatasync");
    if (fails(fd)) { errno = EIO; return -1; }
    return real(fd);
}

int fsync(int fd) {
    static int (*real)(int);
    if (!real) real = dlsym(RTLD_NEXT, "fsync");
    if (fails(fd)) { errno = EIO; return -1; }
    return real(fd);
}
"""


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of eight MiB."""
    with mounted(tmp_path, "size=8m") as disk:
        yield disk


def fill(disk: Path) -> Path:
    """Return the file that takes all the room there is."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as out:
        try:
            while True:
                out.write(bytes(4096))
        except OSError:
            return filler


def an_hour_ago() -> str:
    return after(stamp(system_clock()), hours=-1)


def becomes(wanted: Callable[[], bool], what: str) -> None:
    """Return once `wanted()` is true."""
    deadline = time.monotonic() + HANGS
    while not wanted():
        assert time.monotonic() < deadline, f"{what} does not happen"
        time.sleep(0.02)


def test_on_a_full_disk_only_writes_are_refused_and_readyz_says_why(small_disk: Path) -> None:
    folder = small_disk / "data"
    with process(folder) as served, served.sign_in() as me:
        me.headers["Accept"] = "application/json"
        contact = me.post("/contacts", json={"name": "Jane Doe"}).json()["id"]
        workspace = me.get("/whoami").json()["workspace"]
        idle = me.post(f"/workspaces/{workspace}/tokens", json={"token_name": "idle"}).json()["token"]
        with closing(connect(folder / FILE, True)) as beside:  # so that its use is worth writing down again
            beside.execute("UPDATE tokens SET last_used_at = ? WHERE name = 'idle'", (an_hour_ago(),))
        filler = fill(small_disk)
        refused = [me.post("/contacts", json={"name": f"Jane {n}", "notes": "x" * 5000}) for n in range(100)]
        assert {answer.status_code for answer in refused} == {503}
        for answer in refused:
            assert answer.json()["error"] == "not_ready"
            assert "disk is full" in answer.json()["hint"]
            assert "nothing was changed" in answer.json()["hint"]
            assert int(answer.headers["Retry-After"]) > 0
        assert me.get(f"/contacts/{contact}").status_code == 200
        assert me.get("/contacts").json()["total"] == 1
        with Person(served.url, idle) as rarely:
            assert [rarely.get("/contacts").status_code for _ in range(3)] == [200] * 3
        ready = me.get("/readyz")
        assert (ready.status_code, ready.json()["error"]) == (503, "not_ready")
        assert "disk is full" in ready.json()["hint"]
        assert me.get("/healthz").status_code == 200

        filler.unlink()
        becomes(lambda: me.get("/readyz").status_code == 200, "that it is ready again")
        assert me.post("/contacts", json={"name": "Jane again"}).status_code == 201
        assert served.stop() == 0
    lines = [line for line in served.printed().splitlines() if not line.startswith("at=")]
    assert "Traceback" not in "\n".join(lines)
    assert sum("disk is full" in line for line in lines) == 1, lines  # a minute is not over


def test_a_start_on_a_full_disk_says_so_and_harms_nothing(small_disk: Path) -> None:
    folder = small_disk / "data"
    with process(folder) as served, served.sign_in() as me:
        assert me.post("/contacts", json={"name": "Jane Doe"}).status_code == 201
        token = me.token
        assert served.stop() == 0
    filler = fill(small_disk)
    failed = run("serve", "--port", "0", "--local", "--data", str(folder), cwd=small_disk.parent)
    assert failed.returncode == 1
    (line,) = failed.stderr.splitlines()
    assert line.startswith("crmkit: ")
    assert "disk" in line
    assert "full" in line
    assert "free some space" in line
    filler.unlink()
    with process(folder) as served, Person(served.url, token) as me:
        assert "Jane Doe" in me.get("/contacts").text


@pytest.fixture
def faults(tmp_path: Path) -> tuple[Path, dict[str, str]]:
    """A file that says how many flushes fail from now on, and the environment in which it is obeyed."""
    if GCC is None:
        pytest.skip("needs a C compiler")
    source, shim, control = tmp_path / "shim.c", tmp_path / "shim.so", tmp_path / "faults"
    source.write_text(SHIM)
    subprocess.run([GCC, "-shared", "-fPIC", "-o", str(shim), str(source), "-ldl"], check=True)
    control.write_text("0\n")
    environ = {"FLUSHES_THAT_FAIL": str(control), "READS_FAIL": str(tmp_path / "reads fail")}
    return control, {"LD_PRELOAD": str(shim), **environ}


def is_indexed(folder: Path) -> bool:
    """Tell whether no text waits for the index, so that upkeep writes nothing until the next request."""
    with closing(connect(folder / FILE, False)) as beside:
        (waiting,) = beside.execute("SELECT count(*) FROM contacts_unindexed").fetchone()
        return bool(waiting == 0)


def names(url: str, token: str) -> set[str]:
    with Person(url, token) as me:
        return {item["name"] for item in me.json_of("GET", "/contacts")["items"]}


def test_a_write_whose_flush_failed_is_not_there_when_the_answer_says_so(
    tmp_path: Path, faults: tuple[Path, dict[str, str]]
) -> None:
    control, environ = faults
    folder = tmp_path / "data"
    with process(folder, **environ) as served, served.sign_in() as me:
        me.headers["Accept"] = "application/json"
        assert me.post("/contacts", json={"name": "Before"}).status_code == 201
        # else the commit of upkeep takes the flush that fails
        becomes(lambda: is_indexed(folder), "that the text is indexed")
        for number in range(5):
            control.write_text("1\n")
            refused = me.post("/contacts", json={"name": f"Lost {number}"})
            assert (refused.status_code, refused.json()["error"]) == (503, "not_ready")
            assert "nothing was changed" in refused.json()["hint"]
        served.kill()  # before any other commit
    with process(folder) as again:
        assert names(again.url, me.token) == {"Before"}


def test_a_write_that_the_disk_may_or_may_not_have_is_told_as_unknown(
    tmp_path: Path, faults: tuple[Path, dict[str, str]]
) -> None:
    control, environ = faults
    folder = tmp_path / "data"
    with process(folder, **environ) as served, served.sign_in() as me:
        me.headers["Accept"] = "application/json"
        assert me.post("/contacts", json={"name": "Before"}).status_code == 201
        control.write_text("1000000\n")
        doubtful = me.post("/contacts", json={"name": "Doubtful"})
        assert (doubtful.status_code, doubtful.json()["error"]) == (503, "not_ready")
        assert "may or may not have been done" in doubtful.json()["hint"]
        assert "nothing was changed" not in doubtful.json()["hint"]
        assert me.get("/readyz").status_code == 503
        assert names(served.url, me.token) == {"Before"}
        control.write_text("0\n")
        assert me.get("/readyz").status_code == 200  # this writes over what was in doubt
        assert me.post("/contacts", json={"name": "After"}).status_code == 201
        served.kill()
    with process(folder) as again:
        assert names(again.url, me.token) == {"Before", "After"}
    assert "Traceback" not in served.printed()


def test_a_disk_that_cannot_be_read_is_told_by_the_metrics_and_by_doctor(
    tmp_path: Path, faults: tuple[Path, dict[str, str]]
) -> None:
    _, environ = faults
    sign = Path(environ["READS_FAIL"])
    with process(tmp_path / "data", **environ) as served, served.sign_in() as me:
        planned = me.post("/import", content="name\nJane\n", headers={"Content-Type": "text/csv"})
        assert planned.status_code == 201, planned.text

        def is_up() -> bool:
            metrics = httpx.get(f"{served.url}/metrics").text
            (up,) = re.findall(r"^crmkit_database_up (\d)$", metrics, re.MULTILINE)
            assert ("crmkit_imports{" in metrics) == (up == "1")
            return up == "1"

        assert is_up()
        assert me.post("/contacts", json={"name": "Jane Doe"}).status_code == 201
        sign.touch()
        assert not is_up()
        answer = httpx.get(f"{served.url}/doctor")
        sign.unlink()
        assert is_up()
        assert answer.status_code == 200
        found = {line.split(": ")[0]: line for line in answer.text.splitlines()}
        assert "its disk fails or its file is damaged" in found["BAD  database"]
        assert {"ok   sqlite", "ok   disk", "ok   url"} < found.keys()


def answers(me: Person, contact: str) -> list[httpx.Response]:
    """Return what is answered to writes of all kinds, one after another and many at once."""
    with ThreadPoolExecutor(10) as pool:
        many = list(pool.map(lambda number: me.post("/contacts", json={"name": f"Many {number}"}), range(40)))
    return [
        me.post("/contacts", json={"name": "Lost"}),
        me.patch(f"/contacts/{contact}", json={"name": "Lost"}),
        me.delete(f"/contacts/{contact}"),
        me.post("/contacts/batch", json=[{"name": "Lost"}, {"name": "Lost too"}]),
        *many,
    ]


def test_writes_on_a_disk_that_cannot_be_read_are_not_ready_and_go_on_by_themselves(
    tmp_path: Path, faults: tuple[Path, dict[str, str]]
) -> None:
    _, environ = faults
    sign, folder = Path(environ["READS_FAIL"]), tmp_path / "data"
    with process(folder) as served, served.sign_in() as me:
        contact = me.json_of("POST", "/contacts", {"name": "Before"})["id"]
        assert served.stop() == 0
    with process(folder, **environ) as served, Person(served.url, me.token) as me:
        me.headers["Accept"] = "application/json"
        assert me.get("/whoami").status_code == 200
        sign.touch()
        refused = answers(me, contact)
        sign.unlink()
        assert {(answer.status_code, answer.json()["error"]) for answer in refused} == {(503, "not_ready")}
        assert any("Nothing was changed" in answer.json()["hint"] for answer in refused)
        assert names(served.url, me.token) == {"Before"}
        assert me.post("/contacts", json={"name": "After"}).status_code == 201
        becomes(lambda: me.get("/readyz").status_code == 200, "that it is ready again")
        assert served.stop() == 0
    assert "Traceback" not in served.printed()
    lines = [line for line in served.printed().splitlines() if "malformed" in line]
    assert len(lines) == 1, lines  # a minute is not over


def test_a_write_beside_a_program_that_holds_the_database_is_busy(tmp_path: Path) -> None:
    with process(tmp_path / "data") as served, served.sign_in() as me:
        me.headers["Accept"] = "application/json"
        with closing(connect(served.folder / FILE, True)) as foreign:
            foreign.execute("BEGIN IMMEDIATE")
            refused = me.post("/contacts", json={"name": "Jane"})
            foreign.execute("ROLLBACK")
        assert (refused.status_code, refused.json()["error"]) == (503, "busy")
        assert "Another program holds the server's database" in refused.json()["hint"]
        assert int(refused.headers["Retry-After"]) > 0
        assert me.post("/contacts", json={"name": "Jane"}).status_code == 201
        assert served.stop() == 0
    assert "Traceback" not in served.printed()
    assert "busy: database is locked" in served.printed()
