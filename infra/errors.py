"""One error tree for every floor.

It lives at the bottom because the doors to the outside raise these errors too. Three questions decide the class:
can the user mend it (UsageError), will it pass by itself (TransientError), does it concern one document only
(DocumentError)? Whatever else escapes is our bug, and keeps its own traceback.
"""

from __future__ import annotations

from enum import StrEnum


class FaldoneError(Exception):
    """Base of every error that Faldone raises on purpose. The message names the file or setting and says what to do."""


class UsageError(FaldoneError):
    """Wrong usage or bad input that the user can mend; the command line prints it in one line and exits with 2."""


class TransientError(FaldoneError):
    """A service that is away or busy: the same call may go through later, so tasks retry it."""


PASSING = (TransientError, ConnectionError, TimeoutError)
"""What may pass by itself, so that the same work is tried again."""


class LockLost(TransientError):
    """A writer found that its lane is no longer its own and stopped; the same job goes on where it stopped."""


class StorageError(FaldoneError):
    """The data folder cannot be written (full, read-only): it concerns no document, and trying again would not help."""


class FailureKind(StrEnum):
    """Why a document is in quarantine. The first group is permanent: retried only when the file or the set-up changes."""

    ENCRYPTED = "encrypted"
    CORRUPT = "corrupt"
    UNSUPPORTED = "unsupported"
    MISSING_PROGRAM = "missing_program"
    EMPTY = "empty"
    TOO_LARGE = "too_large"
    NO_TEXT = "no_text"
    TIMEOUT = "timeout"
    MEMORY = "memory"
    CRASH = "crash"
    # what may pass by itself
    PERMISSION = "permission"
    NOT_FOUND = "not_found"
    NETWORK = "network"
    INTERNAL = "internal"

    @property
    def transient(self) -> bool:
        """Say whether the next run should try such a document again although it did not change."""
        return self in _TRANSIENT

    @property
    def costly(self) -> bool:
        """Say whether a limit stopped it, which tells of the set-up as much as of the file.

        Unchanged bytes that were read before keep their text, and the next runs try again, each such document by itself and a few times
        only (`tasks/index/plan.py`).
        """
        return self in {FailureKind.TIMEOUT, FailureKind.MEMORY}


_TRANSIENT = {
    FailureKind.PERMISSION,
    FailureKind.NOT_FOUND,
    FailureKind.NETWORK,
    FailureKind.INTERNAL,
    FailureKind.MISSING_PROGRAM,
    FailureKind.CRASH,
}


class DocumentError(FaldoneError):
    """One document cannot be read or processed; it goes to quarantine and the batch goes on.

    Args:
        kind: one of FailureKind.
        message: one line in plain words that says what is wrong and, where there is something, what to do.
        stage: the step that failed: `discover`, `parse`, `chunk`, `embed`, `store` or the name of an analysis.
    """

    def __init__(self, kind: FailureKind, message: str, stage: str = "parse") -> None:
        super().__init__(kind, message, stage)  # all three, so that the error survives pickling between processes
        self.kind = kind
        self.message = message
        self.stage = stage

    def __str__(self) -> str:
        return self.message


def first_line(error: BaseException, most: int = 300) -> str:
    """Give an error's message on one line, or its class where it has none."""
    return (str(error).strip() or type(error).__name__).split("\n", 1)[0][:most]
