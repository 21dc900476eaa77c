"""What LanceDB says of an object store that is away, in trouble or closed to us, as errors of ours.

Its driver has tried each request several times when it raises, as OSError, RuntimeError or ValueError alike, with the store's status in the
middle of a long text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from infra.errors import TransientError, UsageError, first_line
from infra.files import is_url

_STATUS = re.compile(r"\bstatus: (\d{3})")
_REFUSED = {"400", "401", "403", "404"}  # what waiting does not mend


@contextmanager
def reaching(location: str) -> Iterator[None]:
    """Turn errors of the object store at a URL into ours; a local folder's stay as they are.

    Raises:
        TransientError: the store does not answer, or answers with errors of its own.
        UsageError: it refuses these credentials, or there is no such bucket.
    """
    try:
        yield
    except (OSError, RuntimeError, ValueError) as error:
        if not is_url(location):
            raise
        status = _STATUS.search(str(error))
        if status is not None and status[1] in _REFUSED:
            raise UsageError(
                f"{location}: the object store refuses ({status[1]}): check the bucket's name, AWS_ACCESS_KEY_ID, "
                "AWS_SECRET_ACCESS_KEY and AWS_REGION"
            ) from error
        reason = f"answers with {status[1]}" if status else f"does not answer: {first_line(error)}"
        raise TransientError(f"{location}: the object store {reason}") from error
