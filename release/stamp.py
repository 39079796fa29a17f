"""`python -m release.stamp`: the time that everything made from this commit gets, so that it is the same each time."""

import os
import subprocess


def stamp() -> int:
    """Return SOURCE_DATE_EPOCH, else the time of the last commit."""
    told = os.environ.get("SOURCE_DATE_EPOCH")
    if told:
        return int(told)
    asked = subprocess.run(["git", "log", "-1", "--format=%ct"], capture_output=True, text=True, check=False)
    return int(asked.stdout or 0)


if __name__ == "__main__":
    print(stamp())
