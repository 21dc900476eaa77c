"""What LanceDB says of an object store that is away, in trouble or closed to us, as errors of ours.

Its driver has tried each request several times when it raises, as OSError, RuntimeError or ValueError alike, with the store's status in the
middle of a long text.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Concatenate, ParamSpec, Protocol, TypeVar

from infra.errors import FaldoneError, TransientError, UsageError, first_line
from infra.files import is_url

_STATUS = re.compile(r"\bstatus(?: code)?: (\d{3})")
_REFUSED = {"400", "401", "403", "404"}  # what waiting does not mend
_TROUBLE = re.compile(
    r"\bGeneric (?!memory)\w+ error\b"
)  # neither is a file that is missing («not found») or cut short («memory»)


class Located(Protocol):
    """What has a path or URL."""

    location: str


L = TypeVar("L", bound=Located)
P = ParamSpec("P")
T = TypeVar("T")


@contextmanager
def reaching(location: str) -> Iterator[None]:
    """Turn errors of the object store at a URL into ours while it is being reached; a local folder's stay as they are.

    Raises:
        TransientError: the store does not answer, or answers with errors of its own.
        UsageError: it refuses these credentials, or there is no such bucket.
    """
    try:
        yield
    except (OSError, RuntimeError, ValueError) as error:
        if not is_url(location):
            raise
        raise _told(location, error) from error


@contextmanager
def troubled(location: str) -> Iterator[None]:
    """Turn what is plainly the object store's trouble into our errors; others, those of what is stored too, stay as they are.

    Raises:
        TransientError, UsageError: as `reaching`.
    """
    try:
        yield
    except (OSError, RuntimeError, ValueError) as error:
        raise_trouble(location, error)
        raise


def guarded(function: Callable[Concatenate[L, P], T]) -> Callable[Concatenate[L, P], T]:
    """Have the trouble of the object store leave a function as our errors; its first argument says where it works."""

    @functools.wraps(function)
    def inner(place: L, /, *args: P.args, **kwargs: P.kwargs) -> T:
        with troubled(place.location):
            return function(place, *args, **kwargs)

    return inner


def raise_trouble(location: str, error: Exception) -> None:
    """Return unless an error is the trouble of the object store: what is stored there is not to be judged by it.

    Raises:
        TransientError, UsageError: as `reaching`.
    """
    if is_url(location) and _TROUBLE.search(str(error)):
        raise _told(location, error) from error


def _told(location: str, error: Exception) -> FaldoneError:
    status = _STATUS.search(str(error))
    if status is not None and status[1] in _REFUSED:
        return UsageError(
            f"{location}: the object store refuses ({status[1]}): check the bucket's name, AWS_ACCESS_KEY_ID, "
            "AWS_SECRET_ACCESS_KEY and AWS_REGION"
        )
    reason = f"answers with {status[1]}" if status else f"does not answer: {first_line(error)}"
    return TransientError(f"{location}: the object store {reason}")
