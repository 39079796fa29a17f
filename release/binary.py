"""`python -m release.binary PROGRAM FILE`: FILE runs the installed program of this name without any Python.

PyInstaller finds what the program needs and lays it out as a folder; the launcher unpacks that folder once.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from release.stamp import stamp

NAME = "crmkit"
WORK = Path("build")
LAUNCHER = Path(__file__).with_name("launcher.c")
# every file of the package that is no module goes along, and the names of all time zones; modules stay files of their
# own, which are read faster than out of an archive
OPTIONS = ["--onedir", "--debug", "noarchive", "--strip", "--collect-data", NAME, "--collect-all", "tzdata"]
# what installs packages, and what an interpreter's prompt needs
OPTIONS += [f"--exclude-module={name}" for name in ("setuptools", "distutils", "pydoc_data", "readline")]
FLAGS = ["-std=c11", "-O2", "-Wall", "-Wextra", "-Wno-format-truncation", "-s"]


def frozen(program: Path) -> Path:
    """Return a folder with all that an installed program needs, Python included."""
    pyinstaller = program.with_name("pyinstaller")
    folders = ["--distpath", str(WORK / "frozen"), "--workpath", str(WORK / "work"), "--specpath", str(WORK)]
    said = ["--clean", "--noconfirm", "--log-level", "ERROR"]
    environ = {**os.environ, "SOURCE_DATE_EPOCH": str(stamp()), "PYTHONHASHSEED": "0"}
    subprocess.run([pyinstaller, *OPTIONS, *folders, *said, "--name", NAME, program], env=environ, check=True)
    return WORK / "frozen" / NAME


def lacking(package: Path, folder: Path) -> list[str]:
    """Return the files of a package, modules apart, that are not in the frozen folder."""
    paths = (path for path in package.rglob("*") if path.is_file() and path.suffix not in (".py", ".pyc"))
    names = sorted(path.relative_to(package.parent) for path in paths)
    return [str(name) for name in names if not (folder / "_internal" / name).is_file()]


def packed(folder: Path, file: Path, time: int) -> None:
    """Write one file that unpacks a folder once and runs the program in it that is called as the product is."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    digest, lines = hashlib.sha256(f"{time}\0".encode()), []
    for path in paths:
        name, size = str(path.relative_to(folder)), path.stat().st_size
        mode = 0o700 if os.access(path, os.X_OK) else 0o600
        digest.update(f"{name}\0{size}\0{mode}\0".encode())
        digest.update(path.read_bytes())
        lines.append(f"    {{{json.dumps(name)}, {size}, {mode:#o}}},\n".replace("0o", "0"))
    header = f'#define NAME "{NAME}"\n#define DIGEST "{digest.hexdigest()[:32]}"\n#define STAMP {time}\n'
    with_header = folder.with_name(f"{folder.name}.launcher")
    shutil.rmtree(with_header, ignore_errors=True)
    with_header.mkdir()
    (with_header / "files.h").write_text(f"{header}static const struct file FILES[] = {{\n{''.join(lines)}}};\n")
    compiler = os.environ.get("CC") or shutil.which("cc") or "gcc"
    launcher = with_header / NAME
    subprocess.run([compiler, *FLAGS, "-I", with_header, LAUNCHER, "-o", launcher], check=True)
    part = file.with_name(f"{file.name}.part")
    file.parent.mkdir(exist_ok=True)
    with part.open("wb") as whole:
        for source in (launcher, *paths):
            with source.open("rb") as one:
                shutil.copyfileobj(one, whole, 1 << 20)
        whole.write(digest.hexdigest()[:32].encode())
    part.chmod(0o755)
    part.rename(file)


def main(program: str, file: str) -> int:
    folder = frozen(Path(program))
    if names := lacking(Path(NAME), folder):  # of the sources: so the wheel, which was frozen, had them too
        print(f"these files of the package are not in {folder}: {', '.join(names)}", file=sys.stderr)
        return 1
    packed(folder, Path(file), stamp())
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
