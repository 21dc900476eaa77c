"""What jobs return, kept where every caller can fetch it: in Prefect's database as an artifact, or, when large, in the data folder."""

from __future__ import annotations

import json
from typing import Any

from deployments.api.records import ExpiredJob
from infra.errors import TransientError
from infra.files import read_bytes, write_bytes
from infra.prefect_api import Api
from infra.settings import load

TYPE = "faldone-result"  # of the artifacts
LARGE = 400_000  # bytes of JSON; the API refuses bodies much above this where its limits were left as they are
PLACE = "faldone_result_at"


def store(api: Api, job_id: str, attempt: int, result: Any) -> None:
    """Keep a job's result."""
    value = result if isinstance(result, dict) else {"value": result}
    text = json.dumps(value, ensure_ascii=False, default=str)
    if len(text.encode()) > LARGE:
        place = f"{load().root}/jobs/{job_id}.result.json"
        write_bytes(place, text.encode())
        text = json.dumps({PLACE: place})
    artifact = {"type": TYPE, "data": json.loads(text), "flow_run_id": job_id, "key": None}
    api.ask(
        "POST", "/artifacts/", artifact | {"description": f"result of attempt {attempt}"}, again=True
    )  # the newest counts


def fetch(api: Api, job_id: str) -> dict[str, Any]:
    """Return a job's result.

    Raises:
        ExpiredJob: it is no longer kept. TransientError: the data folder is away.
    """
    wanted = {"flow_run_id": {"any_": [job_id]}, "type": {"any_": [TYPE]}}
    found = api.ask("POST", "/artifacts/filter", {"artifacts": wanted, "sort": "CREATED_DESC", "limit": 1})
    if not found:
        raise ExpiredJob(f"the result of job {job_id} is no longer kept")
    data: dict[str, Any] = found[0]["data"]
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
