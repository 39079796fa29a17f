"""Writes a body to the disk as it comes, so that its size takes no memory."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from crmkit.errors import Problem
from crmkit.model import body
from crmkit.storage.transfer.uploads import Incoming, Upload, Uploads
from crmkit.web.call import HttpCall, header_of
from crmkit.web.upload.form import FORM, Form

PIECE = 256 * 1024  # bytes that are written at once, in a thread
AT_ONCE = 4  # uploads of one workspace, so that slow ones take nothing from others


class Receiver:
    """Takes uploads, and knows how many of a workspace are on their way."""

    def __init__(self, uploads: Uploads) -> None:
        self._uploads = uploads
        self._coming: Counter[str] = Counter()

    @asynccontextmanager
    async def upload(self, call: HttpCall) -> AsyncIterator[None]:
        """Run a block in which `call.upload` is the body of the request.

        Raises what HttpCall.parts and Form raise, `busy` for too many at once, `not_ready` where the disk is full. The
        file is removed at the end, or when the body does not come to its own, unless the block had it kept.
        """
        workspace = call.actor.workspace_id
        if self._coming[workspace] >= AT_ONCE:
            hint = f"This workspace sends {AT_ONCE} files already; send the next when one of them is done."
            raise Problem("busy", hint, headers={"Retry-After": "5"})
        self._coming[workspace] += 1
        try:
            upload = await self._received(call)
        finally:
            self._coming[workspace] -= 1
            if not self._coming[workspace]:
                del self._coming[workspace]
        call.upload = upload
        try:
            yield
        except BaseException as error:
            upload.drop(is_cut=not isinstance(error, Problem))
            raise
        upload.drop()

    async def _received(self, call: HttpCall) -> Upload:
        content_type = header_of(call.scope, b"content-type").strip()
        codings = b",".join(content for name, content in call.scope["headers"] if name == b"content-encoding")
        body.check_coding(codings.decode("latin-1"))
        file = await asyncio.to_thread(self._uploads.create)
        try:
            return await _written(call, content_type, file)
        except BaseException:
            file.drop()
            raise


async def _written(call: HttpCall, content_type: str, file: Incoming) -> Upload:
    form = Form(content_type, file) if content_type.partition(";")[0].strip().lower() == FORM else None
    take = file.write if form is None else form.write
    gathered = bytearray()
    async for part in call.parts():
        gathered += part
        if len(gathered) >= PIECE:
            await asyncio.to_thread(take, bytes(gathered))
            gathered.clear()
    if gathered:
        await asyncio.to_thread(take, bytes(gathered))
    name, media_type, fields = ("", content_type, dict[str, str]()) if form is None else form.finish()
    return await asyncio.to_thread(file.finish, name, media_type, fields)
