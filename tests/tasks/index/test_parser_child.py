"""What a parser may not do, tried from inside the child, and what its parent takes from it.

Where the kernel lacks a layer, the test demands that `Protection.gaps` says so, which is what `faldone health` shows.
"""

import errno
import os
import pickle
import socket
import struct
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import msgpack
import pytest

from infra.errors import DocumentError, FailureKind
from infra.sandbox import probe
from infra.settings import Limits, Settings
from tasks.index.parse import ParseRequest, ParserPool
from tasks.index.parser_process import BY_LINE, environment
from tasks.index.wire import Answer, Nonsense, pack, unpack
from tasks.records import Attachment, Element, Parsed

HOSTILE = "hostile_parser:read"

NETWORK = ["tcp", "tcp-of-the-module", "udp", "raw", "packet", "program-tcp"]
PROCESSES = [
    "local-socket",
    "local-datagram",
    "local-raw",
    "io-uring",
    "own-session",
    "memory-of-parent",
    "limits-of-parent",
    "priority-of-parent",
    "priority-of-all",
    "processors-of-parent",
    "scheduling-of-parent",
    "shared-memory",
    "semaphores",
    "messages",
    "raise-memory",
]
METADATA = ["mode", "date", "owner", "attribute"]
FILES = [
    "read",
    "read-by-link",
    "list",
    "write",
    "rename",
    "remove",
    "program-read",
    "program-write",
    "own-program",
    "environment-of-parent",
]


@pytest.fixture(scope="module")
def pool() -> Iterator[ParserPool]:
    with ParserPool(Settings(limits=Limits(seconds=20, memory=400 << 20)), workers=1, entry=HOSTILE) as pool:
        yield pool


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """A port of this machine on which somebody listens, for TCP and for UDP."""
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams,
    ):
        number = server.getsockname()[1]
        datagrams.bind(("127.0.0.1", number))
        threading.Thread(target=_accept, args=[server], daemon=True).start()
        yield number


def _accept(server: socket.socket) -> None:
    while True:
        try:
            server.accept()[0].close()
        except OSError:
            return


def said(pool: ParserPool, order: str) -> str:
    [(_, found)] = pool.parse([ParseRequest("x.txt", data=order.encode())])
    assert isinstance(found, Parsed), found
    return found.elements[0].text


@pytest.mark.parametrize("attack", NETWORK)
def test_the_network_is_out_of_reach(pool: ParserPool, port: int, attack: str) -> None:
    socket.create_connection(("127.0.0.1", port)).close()  # somebody is there
    answer = said(pool, f"attack {attack} {port}")
    assert answer.startswith("refused") or _named("network"), answer


@pytest.mark.parametrize("attack", PROCESSES)
def test_other_processes_are_out_of_reach(pool: ParserPool, tmp_path: Path, attack: str) -> None:
    place = tmp_path / "service"
    kind = socket.SOCK_DGRAM if attack == "local-raw" else socket.SOCK_STREAM
    with socket.socket(socket.AF_UNIX, kind) as service:
        service.bind(str(place))
        if kind == socket.SOCK_STREAM:
            service.listen()
        answer = said(pool, f"attack {attack} {place}")
    assert answer.startswith("refused") or _named("other processes"), answer


@pytest.mark.parametrize("attack", FILES)
def test_files_outside_are_out_of_reach(pool: ParserPool, tmp_path: Path, attack: str) -> None:
    secret = tmp_path / "secret"
    secret.write_text("the password")
    target = tmp_path if attack == "list" else secret
    answer = said(pool, f"attack {attack} {target}")
    assert (answer.startswith("refused") and secret.read_text() == "the password") or _named("every file"), answer


@pytest.mark.parametrize("attack", METADATA)
def test_mode_owner_and_dates_of_files_outside_stay(pool: ParserPool, tmp_path: Path, attack: str) -> None:
    """The call may say that it did; programs change these of files of their own, and need not learn that it is not done."""
    secret = tmp_path / "secret"
    secret.write_text("the password")
    before = secret.stat()
    said(pool, f"attack {attack} {secret}")
    assert (secret.stat().st_ctime_ns == before.st_ctime_ns and not os.listxattr(secret)) or _named("other processes")


def test_signals_to_the_parent_are_refused_or_named(pool: ParserPool) -> None:
    answer = said(pool, "attack signal")
    assert answer.startswith("refused") or _named("signals"), answer


def test_a_link_in_the_place_of_the_next_long_document_is_not_followed(tmp_path: Path) -> None:
    """What one document left in the folder must not have the parent write the next one to wherever it points."""
    secret, long = tmp_path / "secret", tmp_path / "long.txt"
    secret.write_text("the password")
    long.write_bytes(b"fine" + b" " * BY_LINE)
    with ParserPool(Settings(limits=Limits(seconds=20, memory=400 << 20)), workers=1, entry=HOSTILE) as pool:
        assert said(pool, f"attack link-in-place {secret}") == "planted"
        [(_, found)] = pool.parse([ParseRequest("long.txt", long)])
        assert isinstance(found, Parsed), found
        assert secret.read_text() == "the password"
        long.write_bytes(b"swap " + b" " * BY_LINE)  # a folder in the place of the document
        [(_, found)] = pool.parse([ParseRequest("long.txt", long)])
        assert isinstance(found, Parsed), found
        assert said(pool, "attack closed") == "None"
    assert not list(Path(tempfile.gettempdir()).glob(f"faldone-parser-{os.getpid()}-*/closed"))


@pytest.mark.parametrize(
    ("order", "words"),
    [
        ("deep 2000", "more than 100 deep"),
        ("empty-files 3000", "bytes on the disk"),
        (f"shared-pages {24 << 20}", "bytes on the disk"),
    ],
)
def test_a_folder_that_nobody_can_walk_costs_its_document_and_is_removed(order: str, words: str) -> None:
    limits, before = Limits(seconds=20, memory=400 << 20, disk=8 << 20), _folders()
    with ParserPool(Settings(limits=limits), workers=1, entry=HOSTILE) as pool:
        [(_, found)] = pool.parse([ParseRequest("x.txt", data=f"attack {order}".encode())])
        if isinstance(found, DocumentError):
            assert (found.kind, words in found.message) == (FailureKind.TOO_LARGE, True), found.message
        [(_, found)] = pool.parse([ParseRequest("x.txt", data=b"fine")])
        assert isinstance(found, Parsed), found
    assert _folders() == before


def _folders() -> set[Path]:
    return set(Path(tempfile.gettempdir()).glob(f"faldone-parser-{os.getpid()}-*"))


def test_what_a_program_leaves_running_counts_for_its_document() -> None:
    with ParserPool(Settings(limits=Limits(seconds=1, memory=400 << 20)), workers=1, entry=HOSTILE) as pool:
        [(_, found)] = pool.parse([ParseRequest("x.txt", data=b"attack orphan 20")])
    assert isinstance(found, DocumentError)
    assert (found.kind, "of processor time" in found.message) == (FailureKind.TIMEOUT, True), found.message


def test_new_files_outside_are_refused(pool: ParserPool, tmp_path: Path) -> None:
    answer = said(pool, f"attack write {tmp_path / 'new'}")
    assert (answer.startswith("refused") and not os.listdir(tmp_path)) or _named("every file"), answer


def test_programs_still_run(pool: ParserPool) -> None:
    assert said(pool, "attack program") == "reached"


def test_a_file_grows_no_larger_than_the_limit(pool: ParserPool) -> None:
    assert said(pool, "attack large-file").startswith("refused")


@pytest.mark.parametrize("how", ["fill", "fill-nameless", "fill-by-program"])
def test_a_document_that_takes_too_much_of_the_disk_is_stopped_and_says_so(how: str) -> None:
    """Many files, each within the limit of one; with all of it gone afterwards."""
    limits = Limits(seconds=20, memory=400 << 20, disk=8 << 20)
    with ParserPool(Settings(limits=limits), workers=1, entry=HOSTILE) as pool:
        [(_, found)] = pool.parse([ParseRequest("x.txt", data=f"{how} 24".encode())])
        assert isinstance(found, DocumentError)
        assert (found.kind, "the limit FALDONE_LIMITS__DISK is 8,388,608" in found.message) == (
            FailureKind.TOO_LARGE,
            True,
        )
        assert not list(Path(tempfile.gettempdir()).glob(f"faldone-parser-{os.getpid()}-*/part*"))
        [(_, found)] = pool.parse([ParseRequest("x.txt", data=b"fine")])
        assert isinstance(found, Parsed)


@pytest.mark.parametrize(
    ("number", "kind", "words"),
    [
        (errno.EFBIG, FailureKind.TOO_LARGE, "FALDONE_LIMITS__UNPACKED"),
        (errno.ENOSPC, FailureKind.INTERNAL, "TMPDIR"),
        (errno.EDQUOT, FailureKind.INTERNAL, "TMPDIR"),
    ],
)
def test_a_disk_that_is_full_is_no_fault_of_the_document(
    pool: ParserPool, number: int, kind: FailureKind, words: str
) -> None:
    [(_, found)] = pool.parse([ParseRequest("x.txt", data=f"errno {number}".encode())])
    assert isinstance(found, DocumentError)
    assert (found.kind, words in found.message, kind.transient) == (kind, True, number != errno.EFBIG)


def test_programs_beyond_the_limit_are_refused_or_end_the_document() -> None:
    with ParserPool(Settings(limits=Limits(seconds=60, memory=400 << 20)), workers=1, entry=HOSTILE) as pool:
        [(_, found)] = pool.parse([ParseRequest("x.txt", data=b"many 300")])
    assert isinstance(found, DocumentError)
    # the kernel refuses (never to root, and only in a namespace of its own), or the parent sees them
    words = "at once; 64 are allowed" if found.kind == FailureKind.CRASH else "BlockingIOError"
    assert words in found.message


FOUND_BY_A_HOOK = """
import importlib, importlib.util, sys

class Finder:
    def find_spec(self, name, path=None, target=None):
        if name != "infra":
            return None
        place = {package!r}
        return importlib.util.spec_from_file_location(name, f"{{place}}/__init__.py", submodule_search_locations=[place])

sys.path[:] = [entry for entry in sys.path if "-packages" in entry or entry.startswith(sys.base_prefix)]
sys.meta_path.insert(0, Finder())
from infra import sandbox
sandbox.enter({folder!r})
import infra.files
print(infra.files.__file__)
"""


def test_a_package_of_no_entry_of_the_path_can_still_be_imported(tmp_path: Path) -> None:
    """As in an editable install, from any folder: each reader is imported when its first document comes."""
    package = Path(sys.modules["infra"].__path__[0])
    code = FOUND_BY_A_HOOK.format(package=str(package), folder=str(tmp_path))
    done = subprocess.run([sys.executable, "-P", "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == str(package / "files.py"), done.stderr


def test_no_secret_is_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        "FALDONE_SMTP_URL",
        "AWS_SECRET_ACCESS_KEY",
        "PREFECT_API_AUTH_STRING",
        "ALLOW_PANDOC_NO_SANDBOX",
        "LD_PRELOAD",
    ):
        monkeypatch.setenv(name, "do not tell")
    assert "do not tell" not in environment("/tmp/x").values()


def _named(gap: str) -> bool:
    return any(gap in line for line in probe().gaps())


# ---- the line ----------------------------------------------------------------------------------------------------------


class _Evil:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, ("touch /tmp/faldone-was-here",)


def _framed(message: bytes, length: int | None = None) -> bytes:
    return struct.pack(">Q", len(message) if length is None else length) + message


GOOD = pack(Answer("done", Parsed("txt", "t", "", 1, (Element("text", "x"),))))
LIES = {
    "a pickle": _framed(pickle.dumps(_Evil())),
    "a pickle in the old frame": struct.pack("!i", 60) + pickle.dumps(_Evil()),
    "a length beyond the limit": _framed(b"", 1 << 62),
    "an answer of another shape": _framed(msgpack.packb({"word": "done", "parsed": {"format": 1}})),
    "an answer without anything": _framed(pack(Answer("done"))),
    "ready again": _framed(pack(Answer("ready"))),
    "nesting": _framed(b"\x91" * 100_000),
    "an extension type": _framed(msgpack.packb({"word": msgpack.ExtType(1, b"x")})),
    "rows that are no text": _framed(GOOD.replace(b"\xa4rows\xc0", b"\xa4rows\x91\x91\x80")),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_hostile_answer_costs_its_document(lie: str, tmp_path: Path) -> None:
    trace = Path("/tmp/faldone-was-here")
    trace.unlink(missing_ok=True)
    with ParserPool(Settings(limits=Limits(seconds=5, memory=400 << 20)), workers=1, entry=HOSTILE) as pool:
        [(_, found)] = pool.parse([ParseRequest("x", data=f"say {LIES[lie].hex()}".encode())])
        assert isinstance(found, DocumentError)
        assert found.kind == FailureKind.CRASH, found.message
        assert "an answer that is none" in found.message
        assert not trace.exists()


def test_records_come_back_as_they_went() -> None:
    element = Element("table", "a | b", 2, 0, (("a", "b"), ("1", "")), "x > y")
    parsed = Parsed("docx", "t", "it", 3, (element,), {"author": "é"}, (Attachment("n", b"\x00\xff"),), ("w",))
    assert unpack(Answer, pack(Answer("leaving", parsed))) == Answer("leaving", parsed)
    half = Answer("done", Parsed("txt", "\udcff", "", 1, ()))
    assert unpack(Answer, pack(half)).parsed == Parsed("txt", "\\udcff", "", 1, ())


@pytest.mark.parametrize("value", [b"\x90", b"\xa2ab"])
def test_a_message_that_grows_in_memory_is_refused_before_it_has_grown(value: bytes) -> None:
    """One byte on the line may be eighty in memory: lists that are open at once, each within the limit of one list."""
    items = 60_000
    lists = b"".join(b"\xdd" + (items + 1).to_bytes(4, "big") + value * items for _ in range(2_000_000 // items))
    before = sys.getallocatedblocks()
    with pytest.raises(Nonsense, match=f"more than {100_000:,} values"):
        unpack(Answer, lists + b"\xc0", 100_000)
    assert sys.getallocatedblocks() - before < 100_000, "what was built is gone again"


def test_a_long_list_is_refused_before_anything_of_it_is_built() -> None:
    with pytest.raises(Nonsense, match="exceeds max_array_len"):
        unpack(Answer, b"\xdd" + (1 << 31).to_bytes(4, "big") + bytes(64), 1 << 20)


def test_what_is_no_record_is_refused() -> None:
    for message in (b"", b"\xc1", GOOD[:-1], GOOD + b"x", b"\x80"):
        with pytest.raises(Nonsense):
            unpack(Answer, message)


@pytest.mark.slow
def test_a_long_file_goes_by_way_of_the_folder(tmp_path: Path) -> None:
    path = tmp_path / "long.txt"
    path.write_text("La società approva il bilancio.\n" * (BY_LINE // 32 + 1))
    with ParserPool(Settings(workers=1)) as pool:
        [(_, found)] = pool.parse([ParseRequest(str(path), path)])
        assert isinstance(found, Parsed)
        assert found.language == "it"
