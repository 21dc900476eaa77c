"""A web application that hands documents to Faldone: an upload answers 202 with the job's id, a second route says how the job is.

    faldone up
    uvicorn --app-dir docs/examples fastapi_upload:app --port 8000
    curl -T bilancio.pdf http://127.0.0.1:8000/documents/
    curl http://127.0.0.1:8000/jobs/0f6c…

The file is written under the data folder before the job is handed in, so that the worker finds it; on several machines that folder is shared, or
the file goes to an object store and the job gets its URL. Nothing here waits for the work.
"""

from __future__ import annotations

import asyncio
import uuid
from pathlib import Path
from typing import Any

from fastapi import FastAPI, HTTPException, Request

from deployments.jobs import ExpiredJob, JobFailed, JobNotFinished, UnknownJob, acancel, aresult, astatus, asubmit
from infra.errors import TransientError, UsageError
from infra.settings import load

LARGEST = 200 * 2**20  # bytes of one upload

app = FastAPI(title="Documents")


def inbox() -> Path:
    """Where uploads are kept."""
    folder = load().scratch / "uploads"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@app.put("/documents/{name}", status_code=202)
async def upload(name: str, request: Request, collection: str = "documents") -> dict[str, Any]:
    """Take a file as the body of the request, and index it."""
    target = inbox() / uuid.uuid4().hex / Path(name).name  # a folder of its own: two uploads may bear one name
    await asyncio.to_thread(target.parent.mkdir)
    size = 0
    with target.open("wb") as file:
        async for part in request.stream():
            size += len(part)
            if size > LARGEST:
                raise HTTPException(413, f"at most {LARGEST} bytes")
            await asyncio.to_thread(file.write, part)
    try:
        job = await asubmit(
            "index",
            {"sources": [str(target)], "collection": collection, "prune": False},
            priority="high",
            key=target.parent.name,
        )
    except UsageError as error:
        raise HTTPException(422, str(error)) from error
    except TransientError as error:
        raise HTTPException(503, str(error), {"Retry-After": "10"}) from error
    return job.as_json() | {"status": f"/jobs/{job.job_id}"}


@app.get("/jobs/{job_id}")
async def job_status(job_id: str) -> dict[str, Any]:
    """How a job is; 404 for an id that never was, 410 for one that is no longer kept."""
    try:
        return (await astatus(job_id)).as_json()
    except UnknownJob as error:
        raise HTTPException(404, str(error)) from error
    except ExpiredJob as error:
        raise HTTPException(410, str(error)) from error


@app.get("/jobs/{job_id}/result")
async def job_result(job_id: str) -> dict[str, Any]:
    """What a job returned; 409 while it has not finished, or when it failed."""
    try:
        return await aresult(job_id)
    except UnknownJob as error:
        raise HTTPException(404, str(error)) from error
    except ExpiredJob as error:
        raise HTTPException(410, str(error)) from error
    except (JobNotFinished, JobFailed) as error:
        raise HTTPException(409, str(error)) from error


@app.delete("/jobs/{job_id}", status_code=202)
async def job_cancel(job_id: str) -> dict[str, Any]:
    """Stop a job."""
    try:
        return (await acancel(job_id)).as_json()
    except UnknownJob as error:
        raise HTTPException(404, str(error)) from error
