"""DOC and PPT (Office before 2007): LibreOffice converts them to DOCX and PPTX when it is installed.

No maintained library reads these two. LibreOffice runs without a window, with a profile of its own in a temporary
folder, because two runs on one profile wait for each other for ever; the profile says that macros do not run and links are not followed.
"""

from __future__ import annotations

import dataclasses
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from infra.errors import DocumentError, FailureKind
from infra.processor import run
from tasks.index.detect import detect
from tasks.index.formats import slides, word
from tasks.index.formats.base import Context, corrupt, load
from tasks.records import Parsed

if TYPE_CHECKING:
    from tasks.index.look import Look

NAMES = ("doc", "ppt")
VERSION = "1"
SAMPLES = {"doc": ("WordDocument",), "ppt": ("PowerPoint Document",)}

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
        DocumentError: MISSING_PROGRAM without LibreOffice, CORRUPT, TIMEOUT.
    """
    kind = detect(source, context.name)
    program = shutil.which("soffice") or shutil.which("libreoffice")
    if program is None:
        raise DocumentError(
            FailureKind.MISSING_PROGRAM,
            f"{kind.upper()} files need LibreOffice (soffice), which is not installed: apt-get install "
            f"libreoffice-{'writer' if kind == 'doc' else 'impress'}, or save the file as {_TARGETS[kind].upper()}",
        )
    converted = _convert(program, load(source), kind, context.limits.seconds)
    parsed = word.parse(converted, context) if kind == "doc" else slides.parse(converted, context)
    return dataclasses.replace(parsed, format=kind)


def _convert(program: str, data: bytes, kind: str, seconds: float) -> bytes:
    """Return the document in the new format."""
    target = _TARGETS[kind]
    with tempfile.TemporaryDirectory(prefix="faldone-office-") as folder:
        given = Path(folder, f"document.{kind}")
        given.write_bytes(data)
        settings = Path(folder, "profile", "user", "registrymodifications.xcu")
        settings.parent.mkdir(parents=True)
        settings.write_text(_PROFILE)
        command = [program, f"-env:UserInstallation=file://{folder}/profile", "--headless", "--norestore", "--nologo"]
        command += ["--convert-to", target, "--outdir", folder, str(given)]
        try:
            done = run(command, b"", seconds)
        except TimeoutError as error:
            raise DocumentError(FailureKind.TIMEOUT, f"LibreOffice {error}") from None
        made = Path(folder, f"document.{target}")
        if not made.exists():
            words = done.stderr.decode("utf-8", "replace").strip().splitlines()
            raise corrupt(f"LibreOffice could not convert the file: {words[-1][:200] if words else 'no reason given'}")
        return made.read_bytes()
