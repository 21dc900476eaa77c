"""DOC and PPT (Office before 2007): by LibreOffice where it is installed, else by readers of our own.

LibreOffice converts them to DOCX and PPTX, which keeps what it makes up itself (numbers of lists, fields). It runs without
a window, with a profile of its own in a temporary folder, because two runs on one profile wait for each other for ever;
the profile says that macros do not run and links are not followed. Where it is not there, or fails, `office_doc` and
`office_ppt` read the texts. The metadata `read_by` says which it was.
"""

from __future__ import annotations

import atexit
import io
import shutil
import struct
import tempfile
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from infra.errors import DocumentError, FailureKind
from infra.processor import run
from tasks.index.decode import decode_as
from tasks.index.formats import slides, word
from tasks.index.formats.attachments import held
from tasks.index.formats.base import Context, clean, corrupt, load, title_of, with_sections
from tasks.index.formats.embedded import files_within
from tasks.index.formats.office_doc import elements_of_doc
from tasks.index.formats.office_ppt import elements_of_ppt
from tasks.records import Element, Parsed

if TYPE_CHECKING:
    from tasks.index.look import Look

NAMES = ("doc", "ppt")
VERSION = "3"
SAMPLES = {"doc": ("WordDocument",), "ppt": ("PowerPoint Document",)}

_STRING8 = 0x1E
_TARGETS = {"doc": "docx", "ppt": "pptx"}

_SCRIPTING = "/org.openoffice.Office.Common/Security/Scripting"
_SETTINGS = (
    (_SCRIPTING, "MacroSecurityLevel", "3"),  # very high: none but of trusted places, and there are none
    (_SCRIPTING, "DisableMacrosExecution", "true"),
    (_SCRIPTING, "DisableActiveContent", "true"),  # links to other files, OLE and DDE are not followed
    (_SCRIPTING, "BlockUntrustedRefererLinks", "true"),  # pictures by URL are not fetched
    ("/org.openoffice.Office.Writer/Content/Update", "Link", "2"),  # never
)
_PROFILE = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<oor:items xmlns:oor="http://openoffice.org/2001/registry">'
    + "".join(
        f'<item oor:path="{path}"><prop oor:name="{name}" oor:op="fuse"><value>{value}</value></prop></item>'
        for path, name, value in _SETTINGS
    )
    + "</oor:items>\n"
)


def sniff(look: Look) -> str:
    """Know the two by their streams.

    Word has a flag for encryption in the second word of its file information block ([MS-DOC] 2.5.2, fEncrypted),
    PowerPoint a token in its `Current User` stream ([MS-PPT] 2.3.2, 0xF3D1C4DF) and a stream for the encrypted summary.

    Raises:
        DocumentError: ENCRYPTED.
    """
    if "worddocument" in look.streams:
        head = look.stream("WordDocument", 12)
        locked, found = len(head) == 12 and bool(head[11] & 0x01), "doc"
    elif look.streams & {"powerpoint document", "pp40"}:
        token = look.stream("Current User", 16)[12:16]
        locked, found = "encryptedsummary" in look.streams or token == b"\xdf\xc4\xd1\xf3", "ppt"
    else:
        return ""
    if locked:
        raise DocumentError(FailureKind.ENCRYPTED, "the document is encrypted: a password is needed")
    return found


def parse(source: Path | bytes, context: Context) -> Parsed:
    """Read a Word or PowerPoint file of the old kind.

    Raises:
        DocumentError: CORRUPT, TIMEOUT.
    """
    data = load(source)
    program = shutil.which("soffice") or shutil.which("libreoffice")
    if program is None:
        return _by_ourselves(data, context)
    kind = "ppt" if _is_presentation(data) else "doc"
    try:
        converted = _convert(program, data, kind, context.limits.seconds)
        parsed = word.parse(converted, context) if kind == "doc" else slides.parse(converted, context)
    except DocumentError as error:
        try:
            parsed = _by_ourselves(data, context)
        except DocumentError:
            raise error from None
        return replace(parsed, warnings=(*parsed.warnings, f"LibreOffice could not read it ({error.message})"))
    return replace(parsed, format=kind, metadata={**parsed.metadata, "read_by": "LibreOffice"})


def _is_presentation(data: bytes) -> bool:
    import olefile

    with olefile.OleFileIO(io.BytesIO(data)) as container:
        return not container.exists("WordDocument")


def _by_ourselves(data: bytes, context: Context) -> Parsed:
    """Return the texts of a file by its own structure.

    Raises:
        DocumentError: CORRUPT, UNSUPPORTED (PowerPoint 4, which has another structure).
    """
    import olefile

    try:
        with olefile.OleFileIO(io.BytesIO(data)) as container:
            metadata = _properties(container)
            title = metadata.pop("title", "")
            if container.exists("WordDocument"):
                elements, warnings = elements_of_doc(container)
                files, unread = files_within(data)
                attachments, left_out = held(files, context.limits)
                parsed = _parsed("doc", elements, title, metadata, [*warnings, *unread, *left_out])
                return replace(parsed, attachments=attachments)
            if not container.exists("PowerPoint Document"):
                words = "PPT of before 1997: open it in LibreOffice or PowerPoint and save it as PPTX"
                raise DocumentError(FailureKind.UNSUPPORTED, words)
            elements, pages, files, warnings = elements_of_ppt(container)
    except (OSError, ValueError, IndexError, OverflowError, AttributeError) as error:
        raise corrupt(f"the OLE2 container is truncated or broken: {error}") from None
    attachments, left_out = held(files, context.limits)
    parsed = _parsed("ppt", elements, title, metadata, [*warnings, *left_out])
    return replace(parsed, pages=pages, attachments=attachments, elements=with_sections(elements, by_page=True))


def _parsed(kind: str, elements: list[Element], title: str, metadata: dict[str, str], warnings: list[str]) -> Parsed:
    pages = max((element.page for element in elements), default=1)
    title = title_of(elements) or " ".join(title.split())[:300]
    told = {**metadata, "read_by": "Faldone"}
    return Parsed(kind, title, "", pages, with_sections(elements), told, (), tuple(warnings))


def _properties(container: Any) -> dict[str, str]:
    """Return title, subject and author of the summary ([MS-OLEPS] 2.21); nothing where it is damaged.

    Not by olefile, which counts to four thousand millions where a damaged property says so.
    """
    name = "\x05SummaryInformation"
    if not container.exists(name):
        return {}
    data = container.openstream(name).read(65_536)
    try:
        (start,) = struct.unpack_from("<I", data, 44)
        (count,) = struct.unpack_from("<I", data, start + 4)
        places = dict(struct.unpack_from("<II", data, start + 8 + 8 * index) for index in range(min(count, 50)))
        page = struct.unpack_from("<H", data, start + places[1] + 4)[0] if 1 in places else 1252
        found = {}
        for number, key in ((2, "title"), (3, "subject"), (4, "author")):
            if number in places and struct.unpack_from("<I", data, start + places[number])[0] == _STRING8:
                (length,) = struct.unpack_from("<I", data, start + places[number] + 4)
                first = start + places[number] + 8
                raw = data[first : first + min(length, 4096)].rstrip(b"\0")
                found[key] = clean(decode_as(raw, "utf-8" if page == 65001 else f"cp{page}"))
    except struct.error:
        return {}
    return {key: text for key, text in found.items() if text}


@cache
def _profile(program: str, seconds: float) -> Path:
    """Return a profile with which LibreOffice has started once, without a document; each conversion gets a copy of it.

    The first start with a new profile ends so as to be started again. A fenced process may make the socket in /tmp by
    which LibreOffice finds itself, but not take it away: the second start would stumble over it. Its name comes from the
    profile's place, so a copy elsewhere starts.
    """
    folder = Path(tempfile.mkdtemp(prefix="faldone-office-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    settings = folder / "profile" / "user" / "registrymodifications.xcu"
    settings.parent.mkdir(parents=True)
    settings.write_text(_PROFILE)
    run([program, *_started(folder / "profile"), "--terminate_after_init"], b"", seconds)
    return folder / "profile"


def _started(profile: Path) -> list[str]:
    return [f"-env:UserInstallation=file://{profile}", "--headless", "--norestore", "--nologo"]


def _convert(program: str, data: bytes, kind: str, seconds: float) -> bytes:
    """Return the document in the new format."""
    target = _TARGETS[kind]
    with tempfile.TemporaryDirectory(prefix="faldone-office-") as folder:
        given, profile = Path(folder, f"document.{kind}"), Path(folder, "profile")
        given.write_bytes(data)
        try:
            _copy(_profile(program, seconds), profile)
            command = [program, *_started(profile), "--convert-to", target, "--outdir", folder, str(given)]
            done = run(command, b"", seconds)
        except TimeoutError as error:
            raise DocumentError(FailureKind.TIMEOUT, f"LibreOffice {error}") from None
        made = Path(folder, f"document.{target}")
        if not made.exists():
            words = done.stderr.decode("utf-8", "replace").strip().splitlines()
            raise corrupt(f"LibreOffice could not convert the file: {words[-1][:200] if words else 'no reason given'}")
        return made.read_bytes()


def _copy(source: Path, target: Path) -> None:
    """Copy a folder without the dates of its files, which a fenced process may not set."""
    target.mkdir()
    for item in source.iterdir():
        if item.is_dir():
            _copy(item, target / item.name)
        else:
            shutil.copyfile(item, target / item.name)
