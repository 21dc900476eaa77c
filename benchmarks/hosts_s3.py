"""A door before an object store that answers 503 to a share of the requests when it is told to (SIGUSR1), and to none again (SIGUSR2).

python benchmarks/hosts_s3.py PORT HOST:PORT SHARE SEED
"""

from __future__ import annotations

import asyncio
import random
import signal
import sys
from asyncio import StreamReader, StreamWriter

BLOCK = 1 << 16
ANSWER = b"<?xml version='1.0'?><Error><Code>SlowDown</Code><Message>Reduce your request rate.</Message></Error>"
REFUSED = b"HTTP/1.1 503 Slow Down\r\nContent-Type: application/xml\r\nContent-Length: %d\r\n\r\n%s" % (
    len(ANSWER),
    ANSWER,
)
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Door:
    """Passes requests on to the store, one after another on each connection."""

    def __init__(self, store: tuple[str, int], share: float, lot: random.Random) -> None:
        self.store, self.share, self.lot = store, share, lot
        self.trouble = False

    async def serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        """Serve a connection until one of its ends is closed."""
        behind: StreamWriter | None = None
        try:
            answers, behind = await asyncio.open_connection(*self.store)
            while head := await reader.readuntil(b"\r\n\r\n"):
                await self._exchange(head, (reader, writer), (answers, behind))
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # an end is gone: so is the other
        finally:
            writer.close()
            if behind is not None:
                behind.close()

    async def _exchange(
        self, head: bytes, front: tuple[StreamReader, StreamWriter], back: tuple[StreamReader, StreamWriter]
    ) -> None:
        reader, writer = front
        answers, behind = back
        refuse = self.trouble and self.lot.random() < self.share
        if b"\r\nexpect:" in head.lower():
            writer.write(CONTINUE)
            lines = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"expect:")]
            head = b"\r\n".join(lines)
        if not refuse:
            behind.write(head)
        await _body(head, reader, None if refuse else behind)
        if refuse:
            writer.write(REFUSED if not head.startswith(b"HEAD ") else REFUSED[: REFUSED.index(b"<?xml")])
        else:
            told = await answers.readuntil(b"\r\n\r\n")
            writer.write(told)
            if not head.startswith(b"HEAD ") and told.split(b" ", 2)[1] not in (b"204", b"304"):
                await _body(told, answers, writer)
        await writer.drain()


async def _body(head: bytes, reader: StreamReader, writer: StreamWriter | None) -> None:
    """Pass a message's body on, or read it for nothing."""
    fields = dict(line.lower().split(b":", 1) for line in head.split(b"\r\n")[1:] if b":" in line)
    if b"chunked" in fields.get(b"transfer-encoding", b""):
        while True:
            line = await reader.readuntil(b"\r\n")
            piece = await reader.readexactly(int(line.split(b";")[0], 16) + 2)
            if writer is not None:
                writer.write(line + piece)
                await writer.drain()
            if line.strip() == b"0":
                return
    left = int(fields.get(b"content-length", b"0"))
    while left:
        piece = await reader.read(min(BLOCK, left))
        if not piece:
            raise ConnectionResetError
        left -= len(piece)
        if writer is not None:
            writer.write(piece)
            await writer.drain()


async def main() -> None:
    """Serve until killed."""
    port, store, share, seed = sys.argv[1:]
    host, _, behind = store.partition(":")
    door = Door((host, int(behind)), float(share), random.Random(int(seed)))
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGUSR1, setattr, door, "trouble", True)
    loop.add_signal_handler(signal.SIGUSR2, setattr, door, "trouble", False)
    async with await asyncio.start_server(door.serve, "0.0.0.0", int(port), limit=1 << 20) as server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
