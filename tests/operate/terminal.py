"""A terminal, as a program shows something on it."""

import os


def shown_until(outside: int, word: bytes) -> bytes:
    """Return what a program showed up to a word and a little more, read at the outer end of its terminal."""
    shown = b""
    while word not in shown:
        shown += os.read(outside, 65536)
    return shown


def rest_shown(outside: int) -> bytes:
    """Return what a program shows until it ends."""
    shown = b""
    while True:
        try:
            shown += os.read(outside, 65536)
        except OSError:  # the other end was closed
            return shown
