"""Looking host names up, on threads of their own.

The event loop has only a few threads for that (uvloop: four), which mail needs too, and a lookup cannot be stopped: one
that nobody answers takes half a minute. So names of strangers get a bounded number of threads, which end with the
program.
"""

import asyncio
import socket
import threading
from collections.abc import Awaitable, Callable

Resolve = Callable[[str], Awaitable[list[str]]]  # the addresses of a host name; raises OSError

AT_ONCE = 32  # lookups of one resolver; a further one waits, within the time of its request


class Resolver:
    """Looks names up as the system does, so many at once.

    Names that hang hold up only those of the same resolver.
    """

    def __init__(self, lookup: Callable[[str], list[str]] | None = None, at_once: int = AT_ONCE) -> None:
        self._lookup = lookup or _looked_up
        self._free = asyncio.Semaphore(at_once)

    async def __call__(self, host: str) -> list[str]:
        """Return the addresses of a name; raises OSError where it has none."""
        await self._free.acquire()  # freed by the thread's end, which may be long after the caller gave up
        loop = asyncio.get_running_loop()
        found: asyncio.Future[list[str]] = loop.create_future()

        def work() -> None:
            try:
                result: list[str] | OSError = self._lookup(host)
            except Exception as error:  # whatever it is, the place of this lookup is freed
                result = error if isinstance(error, OSError) else OSError(str(error))
            try:
                loop.call_soon_threadsafe(self._tell, found, result)
            except RuntimeError:  # the loop was closed meanwhile
                return

        threading.Thread(target=work, name="lookup", daemon=True).start()
        return await found

    def _tell(self, found: "asyncio.Future[list[str]]", result: list[str] | OSError) -> None:
        self._free.release()
        if found.done():
            return
        if isinstance(result, OSError):
            found.set_exception(result)
        else:
            found.set_result(result)


def _looked_up(host: str) -> list[str]:
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(place[0]) for *_, place in found))
