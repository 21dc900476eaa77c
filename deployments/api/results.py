"""What jobs return, kept where every caller can fetch it: in Prefect's database as an artifact, or, when large, in the data folder."""

from __future__ import annotations

import json
from typing import Any

from deployments.api.rest import Ask, Talk
from deployments.api.talks import RESULT_TYPE, ExpiredJob
from infra.errors import TransientError
from infra.files import read_bytes, write_bytes
from infra.settings import load

LARGE = 400_000  # bytes of JSON; the API refuses bodies much above this where its limits were left as they are
PLACE = "faldone_result_at"


def store(job_id: str, attempt: int, result: Any) -> Talk[None]:
    """Keep a job's result."""
    value = result if isinstance(result, dict) else {"value": result}
    text = json.dumps(value, ensure_ascii=False, default=str)
    if len(text.encode()) > LARGE:
        place = f"{load().root}/jobs/{job_id}.result.json"
        write_bytes(place, text.encode())
        text = json.dumps({PLACE: place})
    body = {
        "type": RESULT_TYPE, "data": json.loads(text), "flow_run_id": job_id, "key": None,
        "description": f"result of attempt {attempt}",
    }  # fmt: skip
    yield Ask("POST", "/artifacts/", body)


def fetch(data: dict[str, Any]) -> dict[str, Any]:
    """A result from what the database holds.

    Raises:
        ExpiredJob: it was large, and its file is gone. TransientError: the data folder is away.
    """
    place = data.get(PLACE)
    if not isinstance(place, str):
        return data
    try:
        content: dict[str, Any] = json.loads(read_bytes(place))
    except FileNotFoundError:
        raise ExpiredJob(f"the result was kept at {place} and is no longer there") from None
    except OSError as error:
        raise TransientError(f"the result at {place} cannot be read: {error}") from error
    return content
