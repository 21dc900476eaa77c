"""Messages of a mailbox as files: each once, under a name made of its bytes.

The name makes a second fetch harmless: after a crash, or when the server numbers its messages anew (UIDVALIDITY), the
same message is the same file and so the same document. What was fetched stays when the message leaves the server.
"""

from __future__ import annotations

import hashlib
import json
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra import imap, stop
from infra.files import private_folder
from infra.machine import replace_file
from infra.settings import Settings
from tasks.collect.saved import Source, password, setting, spool

log = logging.getLogger("faldone.collect")

STATE = ".mailbox.json"  # hidden, so that it is no document
SAVE_EVERY = 50  # messages


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a look at a mailbox brought: new messages, those that were there already, and those too large to be kept."""

    folder: Path
    new: int
    again: int
    too_large: int

    def notes(self, most: int) -> list[str]:
        """Say what a person should know."""
        return (
            [
                f"{self.too_large} messages are larger than {most:,} bytes (FALDONE_LIMITS__FILE_SIZE) and were left on the server"
            ]
            if self.too_large
            else []
        )


def fetch(settings: Settings, source: Source) -> Fetched:
    """Fetch the messages that came since the last look.

    Raises:
        UsageError: no password is set, or the server refuses it or the folder.
        TransientError: the server is away. What was fetched before stays, and the next look goes on from there.
        StopRequested: the job was asked to stop.
    """
    folder = private_folder(spool(settings, source.name))
    with imap.opened(source.location, password(settings, source.name), setting(source.name)) as mailbox:
        state = _state(folder, mailbox.validity)
        sizes = mailbox.sizes(state["uid"])
        new = again = 0
        try:
            for number, (uid, size) in enumerate(sizes.items(), 1):
                stop.check()
                if size > settings.limits.file_size:
                    state["too_large"] += 1
                elif (data := mailbox.message(uid)) is not None:
                    kept = _keep(folder, data)
                    new, again = new + kept, again + (not kept)
                state["uid"] = uid
                if not number % SAVE_EVERY:
                    replace_file(folder / STATE, json.dumps(state))
        finally:
            replace_file(folder / STATE, json.dumps(state))
    return Fetched(folder, new, again, state["too_large"])


def _state(folder: Path, validity: int) -> dict[str, Any]:
    """Read how far the mailbox was fetched; from its beginning when that is not known or UIDs have a new meaning."""
    try:
        state: dict[str, Any] = json.loads((folder / STATE).read_text())
        if state["validity"] == validity:
            return {"validity": validity, "uid": int(state["uid"]), "too_large": int(state["too_large"])}
        log.warning("%s: the server numbers its messages anew: all are looked at again", folder.name)
    except FileNotFoundError:
        pass
    except (ValueError, KeyError, TypeError) as error:
        log.warning("%s cannot be read (%s): all messages are looked at again", folder / STATE, error)
    return {"validity": validity, "uid": 0, "too_large": 0}


def _keep(folder: Path, data: bytes) -> bool:
    """Write a message unless it is there. Returns whether it is new."""
    file = folder / f"{hashlib.blake2b(data, digest_size=16).hexdigest()}.eml"
    if file.exists():
        return False
    replace_file(file, data)
    return True
