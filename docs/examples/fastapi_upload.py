"""A web application that hands documents to Faldone: an upload answers 202 with the job's id, a second route says how the job is.

    faldone up
    USERS=ada:secret,ben:other uvicorn --app-dir docs/examples fastapi_upload:app --port 8000
    curl -u ada:secret -T bilancio.pdf 'http://127.0.0.1:8000/documents/bilancio.pdf?mail=ada@example.com'
    curl -u ada:secret http://127.0.0.1:8000/jobs/0f6c…

The file is written under the data folder before the job is handed in, so that the worker finds it; on several machines that folder is shared, or
the file goes to an object store and the job gets its URL. Nothing here waits for the work. Each user sees and cancels only jobs of their own.
When a job ends, Faldone calls `/ended` (`CALLBACK` is how it reaches this application), and the user gets a mail, as another job.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import json
import os
import secrets
import shutil
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, Any

from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.responses import JSONResponse
from fastapi.security import HTTPBasic, HTTPBasicCredentials

from deployments.jobs import ExpiredJob, JobFailed, JobNotFinished, UnknownJob, acancel, aresult, astatus, asubmit
from infra.errors import FaldoneError, TransientError, UsageError
from infra.settings import load

LARGEST = 200 * 2**20  # bytes of one upload
USERS = dict(one.split(":", 1) for one in os.environ.get("USERS", "").split(",") if ":" in one)
CALLBACK = os.environ.get("CALLBACK", "")  # http://this.host:8000/ended
TOKEN = os.environ.get("CALLBACK_TOKEN") or secrets.token_urlsafe(24)  # only Faldone knows where it is to call

app = FastAPI(title="Documents")


def user(given: Annotated[HTTPBasicCredentials, Depends(HTTPBasic())]) -> str:
    """Return who asks."""
    password = USERS.get(given.username, "")
    if not password or not hmac.compare_digest(password.encode(), given.password.encode()):
        raise HTTPException(401, "unknown user or wrong password", {"WWW-Authenticate": "Basic"})
    return given.username


User = Annotated[str, Depends(user)]
STATUSES = {UnknownJob: 404, ExpiredJob: 410, JobNotFinished: 409, JobFailed: 409, TransientError: 503, UsageError: 422}


@app.exception_handler(FaldoneError)
async def refused(request: Request, error: FaldoneError) -> JSONResponse:
    """Say what is wrong, whichever route it was: 503 means that the platform is away, and to ask again."""
    status = next((number for kind, number in STATUSES.items() if isinstance(error, kind)), 500)
    return JSONResponse({"detail": str(error)}, status, {"Retry-After": "10"} if status == 503 else {})


def inbox() -> Path:
    """Return the folder for uploads and for notes on whose job is which."""
    folder = load().scratch / "uploads"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextlib.asynccontextmanager
async def received(name: str, request: Request) -> AsyncIterator[Path]:
    """Take the request's body as a file, in a folder of its own: two uploads may bear one name. It goes when the upload is refused."""
    if Path(name).name in {"", ".", ".."}:
        raise HTTPException(422, "a file's name is missing")
    target = inbox() / uuid.uuid4().hex / Path(name).name
    await asyncio.to_thread(target.parent.mkdir)
    try:
        size = 0
        with target.open("wb") as file:
            async for part in request.stream():
                size += len(part)
                if size > LARGEST:
                    raise HTTPException(413, f"at most {LARGEST} bytes")
                await asyncio.to_thread(file.write, part)
        yield target
    except BaseException:  # refused, or the connection broke
        await asyncio.to_thread(shutil.rmtree, target.parent, ignore_errors=True)
        raise


@app.put("/documents/{name}", status_code=202)
async def upload(
    name: str, request: Request, owner: User, collection: str = "documents", mail: str = ""
) -> dict[str, Any]:
    """Take a file as the body of the request, and index it; with `mail` its owner is written to when that is done."""
    async with received(name, request) as target:
        job = await asubmit(
            "index",
            {"sources": [str(target)], "collection": collection, "prune": False},
            priority="high",
            key=target.parent.name,
            callback=f"{CALLBACK}?token={TOKEN}" if CALLBACK else "",
        )
        note = json.dumps({"owner": owner, "mail": mail, "name": target.name, "folder": target.parent.name})
        await asyncio.to_thread((inbox() / f"{job.job_id}.json").write_text, note)
    return job.as_json() | {"status": f"/jobs/{job.job_id}"}


def note_of(job_id: str) -> dict[str, str]:
    """Return what was noted of a job of this application."""
    try:
        found: dict[str, str] = json.loads((inbox() / f"{uuid.UUID(job_id)}.json").read_text())
    except (ValueError, FileNotFoundError):
        raise HTTPException(404, f"there is no job {job_id}") from None
    return found


def mine(job_id: str, owner: User) -> str:
    """Return a job's id if it is the user's; to anybody else there is no such job."""
    if note_of(job_id)["owner"] != owner:
        raise HTTPException(404, f"there is no job {job_id}")
    return job_id


Job = Annotated[str, Depends(mine)]


@app.get("/jobs/{job_id}")
async def job_status(job_id: Job) -> dict[str, Any]:
    """Say how a job is; 404 for an id that never was, 410 for one that is no longer kept."""
    return (await astatus(job_id)).as_json()


@app.get("/jobs/{job_id}/result")
async def job_result(job_id: Job) -> dict[str, Any]:
    """Return what a job returned; 409 while it has not finished, or when it failed."""
    return await aresult(job_id)


@app.delete("/jobs/{job_id}", status_code=202)
async def job_cancel(job_id: Job) -> dict[str, Any]:
    """Stop a job."""
    return (await acancel(job_id)).as_json()


@app.post("/users", status_code=202)
async def sign_up(mail: str) -> dict[str, Any]:
    """Welcome a new user by mail: handed in as a job, so that nobody waits for a mail server; twice is once."""
    subject, text = "Welcome", "Your account is ready."
    return (await asubmit("notify", {"subject": subject, "text": text, "to": [mail]}, key=f"welcome-{mail}")).as_json()


@app.post("/ended", status_code=204)
async def ended(request: Request, token: str) -> None:
    """Take the platform's call that a job has ended: its owner is written to."""
    if not hmac.compare_digest(token.encode(), TOKEN.encode()):
        raise HTTPException(404, "not found")
    job = await request.json()
    note = note_of(str(job["job_id"]))
    if note["mail"]:
        text = f"{note['name']}: {job['state']}. {job.get('error') or ''}".strip()
        message = {"subject": f"{note['name']} is ready", "text": text, "to": [note["mail"]]}
        await asubmit("notify", message, key=f"ended-{job['job_id']}")
