"""`python -m release.archive`: dist/release/ with the wheel, the one file in an archive, its materials, checksums.

At the end it uses what it made, as those who fetch it would: the archive, the wheel in a fresh environment, pipx, uvx.
"""

import gzip
import hashlib
import io
import json
import os
import platform
import shutil
import ssl
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from release import trial
from release.stamp import stamp

DIST, TOOLS = Path("dist"), Path("build/tools/bin").absolute()
RELEASE = DIST / "release"
BESIDE = (
    "LICENSE",
    "README.md",
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "CHANGELOG.md",
    "HELP.txt",
    "deploy",
    "docs",
    "skills",
)  # the program, in the archive
SUMS = "SHA256SUMS"


def archived(file: Path, program: Path) -> None:
    """Write the archive; it has the same bytes whenever it is made of the same files, which git knows."""
    top = file.name.removesuffix(".tar.gz")
    listed = subprocess.run(["git", "ls-files", "-z", "--", *BESIDE], capture_output=True, text=True, check=False)
    paths = [Path(name) for name in listed.stdout.split("\0") if name]
    if not paths:  # sources without their repository
        paths = [path for name in BESIDE for path in (Path(name), *Path(name).rglob("*")) if path.is_file()]
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w") as archive:
        for path, name in [(program, program.name), *((path, str(path)) for path in sorted(paths))]:
            entry = tarfile.TarInfo(f"{top}/{name}")
            entry.size, entry.mtime = path.stat().st_size, stamp()
            entry.mode = 0o755 if os.access(path, os.X_OK) else 0o644
            with path.open("rb") as content:
                archive.addfile(entry, content)
    file.write_bytes(gzip.compress(whole.getvalue(), mtime=stamp()))


def materials(file: Path, version: str) -> None:
    """Write what the program is made of, as CycloneDX has it: the packages, and what the one file carries besides."""
    made = [
        "requirements",
        "--output-reproducible",
        "--pyproject",
        "pyproject.toml",
        "--of",
        "JSON",
        "requirements.txt",
    ]
    told = json.loads(subprocess.run([TOOLS / "cyclonedx-py", *made], capture_output=True, check=True).stdout)
    told["metadata"]["component"]["version"] = version
    beneath = {
        "cpython": platform.python_version(),
        "sqlite": installed("version").partition("SQLite ")[2].split()[0],
        "openssl": ssl.OPENSSL_VERSION.split()[1],
    }
    for name, its in beneath.items():
        purl = f"pkg:generic/{name}@{its}"
        told["components"].append({"type": "library", "bom-ref": name, "name": name, "version": its, "purl": purl})
    file.write_text(json.dumps(told, indent=2) + "\n")


def installed(*arguments: str) -> str:
    """Return what the package prints that is installed beside this interpreter."""
    program = Path(sys.executable).with_name("crmkit")
    return subprocess.run([program, *arguments], capture_output=True, text=True, check=True).stdout


def sums(folder: Path) -> str:
    """Return a line for each file, as `sha256sum --check` reads them."""
    files = sorted(path for path in folder.iterdir() if path.name != SUMS)
    return "".join(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in files)


def made() -> tuple[Path, Path]:
    """Return the wheel and the archive of a new release."""
    (source,) = Path("build/wheel").glob("*.whl")
    version = source.name.split("-")[1]
    shutil.rmtree(RELEASE, ignore_errors=True)
    RELEASE.mkdir(parents=True)
    wheel = Path(shutil.copy(source, RELEASE))
    archive = RELEASE / f"crmkit-{version}-{sys.platform}-{platform.machine()}.tar.gz"
    archived(archive, DIST / "crmkit")
    materials(RELEASE / f"crmkit-{version}.cdx.json", version)
    (RELEASE / SUMS).write_text(sums(RELEASE))
    return wheel, archive


def used(wheel: Path, archive: Path) -> None:
    """Use a release as those do who fetch it; raises an error where something does not work."""
    subprocess.run(["sha256sum", "--check", "--quiet", SUMS], cwd=RELEASE, check=True)
    with tempfile.TemporaryDirectory(prefix="crmkit-release-") as name:
        folder = Path(name)
        with tarfile.open(archive) as whole:
            whole.extractall(folder, filter="data")
        print(f"{archive.name}:")
        trial.tried([str(next(folder.glob("*/crmkit")))], is_frozen=True)
        subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
        subprocess.run([folder / "venv/bin/pip", "install", "-q", wheel.absolute()], check=True)
        print(f"{wheel.name}:")
        trial.tried([str(folder / "venv/bin/crmkit")])
        places = {"PIPX_HOME": str(folder / "pipx"), "UV_CACHE_DIR": str(folder / "uv"), "UV_PYTHON_DOWNLOADS": "never"}
        environ = {**os.environ, **places, "PIPX_DEFAULT_PYTHON": sys.executable, "UV_PYTHON": sys.executable}
        for tool, *words in (("pipx", "run", "--spec"), ("uvx", "--from")):
            once: list[str | Path] = [TOOLS / tool, *words, wheel.absolute(), "crmkit", "--version"]
            done = subprocess.run(once, env=environ, cwd=folder, stdout=subprocess.PIPE, text=True, check=True)
            print(f"ok  {tool}: {done.stdout.strip()}")


if __name__ == "__main__":
    used(*made())
    print((RELEASE / SUMS).read_text(), end="")
