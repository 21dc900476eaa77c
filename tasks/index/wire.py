"""What a parser child and its parent say to each other: records as MessagePack, each with its length before it.

The child reads files of strangers, so what it says may be a stranger's too. Nothing of it is evaluated: MessagePack holds plain values, the
length is checked before anything is read, and pydantic builds the records from the values by their annotated types and refuses what does not
fit. A field that a record gains travels with it.

An empty list is one byte on the line and eighty in memory, so values are counted as they are built: no message makes more of them than a child
could have had within its own limit of memory.
"""

from __future__ import annotations

import socket
import struct
import sys
import time
from dataclasses import dataclass
from multiprocessing.connection import wait
from typing import Any, Literal, TypeVar, cast

import msgpack
from pydantic import TypeAdapter, ValidationError

from infra.errors import DocumentError, FailureKind, FaldoneError
from infra.sandbox import Protection
from infra.settings import Limits
from tasks.records import Parsed

Record = TypeVar("Record")

LENGTH = struct.Struct(">Q")
HELLO = 1 << 20  # bytes: the most of a message without a document in it
LONGEST_MESSAGE = 2_000  # characters of an error's message
PIECE = 1 << 20  # bytes of a message between two counts of the values that it makes
FEWEST = 1 << 20  # values that any message may make
VALUE = 128  # bytes of memory that a value takes at least where it is made, with what points to it


class Nonsense(FaldoneError):
    """What came over the line is not a message. Of this line only: it never leaves `tasks/index/parse.py`."""


@dataclass(frozen=True, slots=True)
class Setup:
    """What a child is told once: where it may write, and its limits."""

    folder: str
    limits: Limits


@dataclass(frozen=True, slots=True)
class Request:
    """One document: its bytes, or the name of a file in the child's folder."""

    name: str
    ocr: Literal["auto", "off", "always"]
    languages: tuple[str, ...]
    data: bytes | None = None
    file: str = ""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A DocumentError on the line."""

    kind: FailureKind
    message: str
    stage: str

    @classmethod
    def of(cls, error: DocumentError) -> Refusal:
        """Make it of an error, without traceback and cause, which could hold the whole document."""
        return cls(error.kind, str(error.message)[:LONGEST_MESSAGE], error.stage)

    def error(self) -> DocumentError:
        """Make the error again."""
        return DocumentError(self.kind, self.message[:LONGEST_MESSAGE], self.stage[:40])


@dataclass(frozen=True, slots=True)
class Answer:
    """What a child says: `ready` (and what protects it), `extend`, or that a document is `done`, and whether it is `leaving`."""

    word: Literal["ready", "extend", "done", "leaving"]
    parsed: Parsed | None = None
    refusal: Refusal | None = None
    protection: Protection | None = None


_ADAPTERS: dict[Any, TypeAdapter[Any]] = {}


def _adapter(kind: type) -> TypeAdapter[Any]:
    if kind not in _ADAPTERS:
        _ADAPTERS[kind] = TypeAdapter(kind)
    return _ADAPTERS[kind]


def pack(record: object) -> bytes:
    """Return a record as a message; lone surrogates, which UTF-8 does not have, are written as `\\udc80`."""
    plain = _adapter(type(record)).dump_python(record)
    return cast(bytes, msgpack.packb(plain, unicode_errors="backslashreplace"))


def unpack(kind: type[Record], message: bytes | bytearray, values: int = FEWEST) -> Record:
    """Build a record from a message that makes about `values` Python objects at most.

    Raises:
        Nonsense: it is not one of this kind.
    """
    try:
        return cast(Record, _adapter(kind).validate_python(_plain(message, values)))
    except (ValueError, TypeError, RecursionError, MemoryError, msgpack.UnpackException, ValidationError) as error:
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise Nonsense(f"no {kind.__name__}: {reason}") from None


def _plain(message: bytes | bytearray, values: int) -> Any:
    """Build the plain values of a message piece by piece; the count is of this process, so what other threads build meanwhile is in it."""
    unpacker = msgpack.Unpacker(
        strict_map_key=True, use_list=True, max_buffer_size=0, max_array_len=values, max_map_len=values
    )
    view, before = memoryview(message), sys.getallocatedblocks()
    for start in range(0, len(message), PIECE):
        unpacker.feed(view[start : start + PIECE])
        try:
            plain = unpacker.unpack()
        except msgpack.OutOfData:
            if sys.getallocatedblocks() - before > values:
                raise ValueError(f"more than {values:,} values") from None
            continue
        if unpacker.tell() != len(message):
            raise ValueError("something follows it")
        return plain
    raise ValueError("it ends too early")


class Line:
    """One end of the line."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end

    def send(self, record: object, seconds: float | None = None) -> None:
        """Send a record whole.

        Raises:
            OSError: the other end is gone, or did not take it in `seconds` (TimeoutError).
        """
        message = pack(record)
        self._end.settimeout(seconds)
        self._end.sendall(LENGTH.pack(len(message)))
        self._end.sendall(message)

    def waiting(self, seconds: float) -> bool:
        """Say whether something comes within some seconds."""
        return bool(wait([self._end], seconds))

    def receive(self, kind: type[Record], most: int, seconds: float | None = None) -> Record:
        """Receive a record of a kind, at most `most` bytes long, within `seconds` from now.

        Raises:
            EOFError: the other end is gone.
            OSError: it broke, or said only half (TimeoutError).
            Nonsense: it is too long, or no such record.
        """
        until = None if seconds is None else time.monotonic() + seconds
        (length,) = LENGTH.unpack(self._read(LENGTH.size, until))
        if length > most:
            raise Nonsense(f"{length:,} bytes; at most {most:,} are taken")
        return unpack(kind, self._read(length, until), max(FEWEST, most // VALUE))

    def _read(self, length: int, until: float | None) -> bytearray:
        buffer = bytearray()
        while len(buffer) < length:  # grows as it comes: a length that is only claimed costs nothing
            self._end.settimeout(None if until is None else max(0.01, until - time.monotonic()))
            piece = self._end.recv(min(length - len(buffer), 1 << 20))
            if not piece:
                raise EOFError
            buffer += piece
        return buffer

    def close(self) -> None:
        """Close this end."""
        self._end.close()
