"""The one file: it unpacks itself once, where nobody else can change anything, and runs what it unpacked."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from release.binary import packed
from tests.disks import mounted

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not shutil.which("cc"), reason="no C compiler"),
]

TIME = 1_700_000_000
NOBODY = 65534
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="acts as another user")
# it prints the folder it runs in, its arguments and its umask; with "wait" it runs until its input ends
PROGRAM = '#!/bin/sh\necho "${0%/*}"\necho "$@"\numask\n[ "$1" = wait ] && read -r line\nexit 3\n'


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that belongs to nobody else, for every user to look into."""
    folder = Path(tempfile.mkdtemp(prefix="crmkit-launcher-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def file(place: Path) -> Path:
    return built(place, "first")


def built(place: Path, what: str) -> Path:
    """Return a file that runs the program, with some text beside it in the folder."""
    folder = place / f"of {what}"
    (folder / "inner" / "deep").mkdir(parents=True)
    (folder / "crmkit").write_text(PROGRAM)
    (folder / "crmkit").chmod(0o755)
    (folder / "inner" / "deep" / "text").write_text(what)
    (folder / "empty").touch()
    packed(folder, place / what, TIME)
    return place / what


def start(file: Path, *arguments: str, user: int | None = None, **environ: str) -> "subprocess.Popen[str]":
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(
        [file, *arguments],
        env=environ,
        cwd="/",
        text=True,
        user=user,
        group=user,
        umask=0o027,
        close_fds=False,
        **pipes,
    )


def ran_in(file: Path, user: int | None = None, **environ: str) -> Path:
    """Return the folder in which the program ran that was unpacked."""
    running = start(file, "a b", "c", user=user, **environ)
    out, err = running.communicate(timeout=60)
    assert (running.returncode, err) == (3, ""), err
    folder, arguments, mask = out.splitlines()
    assert (arguments, mask) == ("a b c", "0027")
    return Path(folder)


def refusal(file: Path, user: int | None = None, **environ: str) -> str:
    running = start(file, user=user, **environ)
    out, err = running.communicate(timeout=60)
    assert (running.returncode, out) == (1, "")
    (line,) = err.splitlines()
    return line


def inodes(folder: Path) -> dict[str, int]:
    return {str(path.relative_to(folder)): path.stat().st_ino for path in folder.rglob("*")}


def test_it_unpacks_once_into_a_folder_of_its_user_alone(file: Path, place: Path) -> None:
    folder = ran_in(file, HOME=str(place))
    assert folder.parent == place / ".cache" / "crmkit"
    before = inodes(folder)
    assert set(before) == {"crmkit", "empty", "inner", "inner/deep", "inner/deep/text"}
    assert (folder / "inner" / "deep" / "text").read_text() == "first"
    for path in (folder.parent, folder, *folder.rglob("*")):
        assert path.stat().st_mode & 0o077 == 0
    assert ran_in(file, HOME=str(place)) == folder
    assert inodes(folder) == before


def test_many_first_starts_at_once_all_run(file: Path, place: Path) -> None:
    running = [start(file, HOME=str(place)) for _ in range(12)]
    folders = {one.communicate(timeout=60)[0].splitlines()[0] for one in running}
    assert [one.returncode for one in running] == [3] * 12
    assert len(folders) == 1
    assert sorted(path.name for path in (place / ".cache" / "crmkit").iterdir()) == sorted(
        [".lock", Path(folders.pop()).name]
    )


@pytest.mark.parametrize("damage", ["removed", "changed", "cut", "mode", "linked", "half"])
def test_what_was_removed_or_changed_is_unpacked_again(file: Path, place: Path, damage: str) -> None:
    folder = ran_in(file, HOME=str(place))
    text = folder / "inner" / "deep" / "text"
    if damage == "removed":
        text.unlink()
    elif damage == "changed":
        text.write_text("FIRST")
    elif damage == "cut":
        (folder / "crmkit").write_text("")
    elif damage == "mode":
        text.chmod(0o644)
    elif damage == "linked":
        text.rename(place / "elsewhere")
        text.symlink_to(place / "elsewhere")
    else:  # an unpacking that was killed
        folder.rename(folder.with_name(".part-abcdef"))
    assert ran_in(file, HOME=str(place)) == folder
    assert text.read_text() == "first"
    assert not text.is_symlink()
    assert sorted(path.name for path in folder.parent.iterdir()) == [".lock", folder.name]


def test_another_version_is_removed_unless_it_runs(file: Path, place: Path) -> None:
    first = ran_in(file, HOME=str(place))
    running = start(file, "wait", HOME=str(place))
    assert running.stdout
    assert Path(running.stdout.readline().strip()) == first
    second = ran_in(built(place, "second"), HOME=str(place))
    assert first.exists()
    running.communicate("\n", timeout=60)
    (first.parent / "theirs").mkdir()
    third = ran_in(built(place, "third"), HOME=str(place))
    assert sorted(path.name for path in third.parent.iterdir()) == sorted([".lock", "theirs", third.name])
    assert not first.exists()
    assert not second.exists()


def test_a_program_that_runs_keeps_its_files_while_the_same_version_is_unpacked_again(file: Path, place: Path) -> None:
    running = start(file, "wait", HOME=str(place))
    assert running.stdout
    folder = Path(running.stdout.readline().strip())
    used = os.open(folder, os.O_RDONLY)
    try:
        os.utime(folder / "empty", (TIME + 1, TIME + 1))
        assert ran_in(file, HOME=str(place)) == folder
        assert set(os.listdir(used)) == {"crmkit", "empty", "inner"}
        (left,) = folder.parent.glob(".part-*")
        running.communicate("\n", timeout=60)
        ran_in(built(place, "second"), HOME=str(place))  # removes what nobody uses any more
        assert not left.exists()
    finally:
        os.close(used)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the file is opened by its path")
def test_a_start_reads_its_own_file_though_another_took_its_path(file: Path, place: Path) -> None:
    moved = place / "moved"
    file.rename(moved)
    opened = os.open(moved, os.O_RDONLY)
    os.set_inheritable(opened, True)
    moved.unlink()
    try:
        running = start(Path(f"/proc/self/fd/{opened}"), "a b", "c", HOME=str(place))
        running.communicate(timeout=60)
    finally:
        os.close(opened)
    assert running.returncode == 3


@pytest.mark.parametrize("mode", [0o755, 0o770, 0o1777])
def test_a_folder_that_others_may_use_is_left_alone(file: Path, place: Path, mode: int) -> None:
    cache = place / "crmkit"
    cache.mkdir()
    cache.chmod(mode)
    folder = ran_in(file, XDG_CACHE_HOME=str(place), HOME=str(place))
    assert folder.parent == place / ".cache" / "crmkit"
    assert list(cache.iterdir()) == []


def test_a_folder_below_one_in_which_others_write_is_left_alone(file: Path, place: Path) -> None:
    shared = place / "shared"
    shared.mkdir()
    shared.chmod(0o777)
    assert ran_in(file, XDG_CACHE_HOME=str(shared), HOME=str(place)).parent == place / ".cache" / "crmkit"


def test_a_link_in_the_place_of_the_folder_of_a_version_is_not_followed(file: Path, place: Path) -> None:
    folder = ran_in(file, HOME=str(place))
    folder.rename(place / "theirs")
    folder.symlink_to(place / "theirs")
    (place / "theirs" / "crmkit").write_text("#!/bin/sh\necho stolen\n")
    assert ran_in(file, HOME=str(place)) == folder
    assert not folder.is_symlink()


def test_a_link_in_the_place_of_a_cache_is_not_followed(file: Path, place: Path) -> None:
    mine = place / "mine"
    mine.mkdir(mode=0o700)
    (place / "crmkit").symlink_to(mine)
    assert ran_in(file, XDG_CACHE_HOME=str(place), HOME=str(place)).parent == place / ".cache" / "crmkit"
    assert list(mine.iterdir()) == []


def test_a_folder_above_may_be_a_link(file: Path, place: Path) -> None:
    (place / "home").mkdir()
    (place / "link").symlink_to(place / "home")
    assert ran_in(file, HOME=str(place / "link")).parent == place / "home" / ".cache" / "crmkit"


@needs_root
def test_a_folder_of_another_user_is_left_alone(file: Path, place: Path) -> None:
    cache = place / "crmkit"
    cache.mkdir(mode=0o700)
    os.chown(cache, NOBODY, NOBODY)
    assert ran_in(file, XDG_CACHE_HOME=str(place), HOME=str(place)).parent == place / ".cache" / "crmkit"
    theirs = place / "home"
    theirs.mkdir()
    os.chown(theirs, NOBODY, NOBODY)  # root that keeps the HOME of somebody who can swap what is in it
    assert ran_in(file, HOME=str(theirs), TMPDIR=str(place)).parent in (Path("/var/tmp/crmkit-0"), place / "crmkit-0")


@needs_root
def test_who_can_write_neither_at_home_nor_in_a_cache_is_served_from_where_everyone_writes(
    file: Path, place: Path
) -> None:
    folder = ran_in(file, user=NOBODY, HOME=str(place))
    try:
        assert folder.parent == Path(f"/var/tmp/crmkit-{NOBODY}")
        assert ran_in(file, user=NOBODY) == folder
    finally:
        shutil.rmtree(folder.parent)


@needs_root
def test_where_it_can_unpack_nowhere_it_says_what_was_tried_and_what_to_do(file: Path, place: Path) -> None:
    other = Path(f"/var/tmp/crmkit-{NOBODY}")
    shutil.rmtree(other, ignore_errors=True)
    other.touch()
    try:
        line = refusal(file, user=NOBODY, HOME=str(place), TMPDIR=str(place))
    finally:
        other.unlink()
    assert line.startswith("crmkit: it cannot unpack itself (")
    for path in (place / ".cache", other, place / f"crmkit-{NOBODY}"):
        assert str(path) in line
    assert "set XDG_CACHE_HOME to a folder of yours" in line


@needs_root
def test_a_disk_from_which_no_program_may_run_is_passed_over(file: Path, place: Path) -> None:
    with mounted(place, "noexec,mode=700") as disk:
        assert ran_in(file, XDG_CACHE_HOME=str(disk), HOME=str(place)).parent == place / ".cache" / "crmkit"


@needs_root
def test_a_full_disk_is_passed_over_and_nothing_half_is_left(file: Path, place: Path) -> None:
    with mounted(place, "mode=700,nr_inodes=6") as disk:
        assert ran_in(file, XDG_CACHE_HOME=str(disk), HOME=str(place)).parent == place / ".cache" / "crmkit"
        assert [path.name for path in (disk / "crmkit").iterdir()] == [".lock"]


def test_a_file_that_was_cut_off_is_refused(file: Path, place: Path) -> None:
    os.truncate(file, file.stat().st_size - 10)
    assert refusal(file, HOME=str(place)) == "crmkit: this file is not whole: fetch it again"


def test_the_same_files_make_the_same_file(place: Path) -> None:
    first = built(place, "first")
    before = first.read_bytes()
    shutil.rmtree(place / "of first")
    assert built(place, "first").read_bytes() == before
    assert not re.search(str(place).encode(), before)
