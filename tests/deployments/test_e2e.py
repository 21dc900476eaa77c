"""The platform as it is: one real server, worker and daemon for all of these tests, driven through the job service."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from deployments import jobs, platform, state
from deployments.api import address
from deployments.jobs import JobFailed, JobNotFinished, JobState
from deployments.kinds import KINDS, Kind
from infra.encoders import load_encoders
from infra.errors import UsageError
from infra.lake import Lake
from infra.limits import LOOKS
from infra.machine import free_port
from infra.settings import load
from tasks.collect import saved
from tasks.collection.chunks import CHUNKS
from tasks.search import Searcher
from tests.deployments.running import PATIENCE, ROOT, begun, ours, runner, running, submit, until
from tests.infra.test_outgoing_mail import Inbox, smtp_server, webhook

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]


@pytest.fixture(autouse=True)
def _own_home() -> None:
    """Instead of the fixture of this name that gives each test a data folder: these share the platform's."""


@pytest.fixture(scope="module")
def inboxes() -> Iterator[tuple[Inbox, list[dict[str, Any]], str]]:
    """A mail server, a webhook, and the webhook's URL."""
    with smtp_server() as (box, port), webhook() as (bodies, hook), pytest.MonkeyPatch.context() as patch:
        patch.setenv("MAIL", f"smtp://127.0.0.1:{port}/?from=faldone@here.example&to=ops@here.example")
        yield box, bodies, f"http://127.0.0.1:{hook}/done"


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory, inboxes: tuple[Inbox, list[dict[str, Any]], str]) -> Iterator[Path]:
    """A running platform; the folder in which the test's jobs leave their traces."""
    folder = tmp_path_factory.mktemp("platform")
    short = {"slots": 0, "soft": 4, "hard": 8}
    with running(folder, {"training": short}, FALDONE_SMTP_URL=os.environ["MAIL"], no_proxy="minio.corp") as work:
        yield work
    assert not [one for one in psutil.process_iter() if ours(one, folder)], "something was left running"


def test_jobs_progress_finish_retry_and_survive_the_death_of_their_process(work: Path) -> None:
    plain = submit(work, "trial", "plain", steps=20, seconds=0.25)
    flaky = submit(work, "trial", "flaky", fail_first=1)
    dying = submit(work, "trial", "dying", steps=3, seconds=0.1, die_first=1)
    with pytest.raises(JobNotFinished):
        jobs.result(plain)

    seen: list[jobs.JobStatus] = []
    until(lambda: seen.append(jobs.status(plain)) or seen[-1].state.final)
    counting = [one for one in seen if one.state is JobState.PROGRESS and one.stage == "count"]
    assert counting, [one.state for one in seen]
    assert [one.progress for one in counting] == sorted(one.progress for one in counting), [
        (one.progress, one.current, one.attempt, one.current_item) for one in counting
    ]
    assert counting[-1].total == 20
    assert any(one.current_item.startswith("step-") for one in counting)
    assert seen[-1].state is JobState.SUCCESS
    assert seen[-1].progress == 100
    assert jobs.result(plain)["attempts"] == 1

    assert jobs.wait(flaky, PATIENCE).state is JobState.SUCCESS
    first, second = begun(work, "flaky")
    assert second - first >= 4, "the second attempt comes after a pause"
    assert jobs.status(flaky).attempt == 2
    assert any("the service is away" in row["message"] for row in jobs.logs(flaky))

    assert jobs.wait(dying, PATIENCE).state is JobState.SUCCESS
    assert jobs.result(dying)["attempts"] == 2


def test_cancelling_ends_every_process_of_a_job_within_ten_seconds(work: Path) -> None:
    job = submit(work, "trial", "deaf", seconds=600, deaf=True)
    until(lambda: begun(work, "deaf") and _sleepers(work))
    begin = time.monotonic()
    assert jobs.cancel(job).state is JobState.REVOKED
    until(lambda: not _sleepers(work), 10)
    assert time.monotonic() - begin < 10
    assert not jobs.wait(job, 30).cancelling
    assert jobs.cancel(job).state is JobState.REVOKED, "cancelling again changes nothing"
    with pytest.raises(JobFailed, match="REVOKED"):
        jobs.result(job)


def _sleepers(work: Path) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            if "time.sleep(600)" in " ".join(process.cmdline()) and ours(process, work):
                found.append(process)
    return found


def test_time_limits_stop_and_then_kill(work: Path) -> None:
    soft = submit(work, "short", "soft", steps=600, seconds=0.2)
    hard = submit(work, "short", "hard", seconds=600, deaf=True)
    ended = jobs.wait(soft, PATIENCE)
    assert ended.state is JobState.FAILURE
    assert "soft limit of 4 s" in str(ended.error)
    ended = jobs.wait(hard, PATIENCE)
    assert ended.state is JobState.FAILURE
    assert "hard limit of 8 s" in str(ended.error)
    assert begun(work, "hard")[0] - begun(work, "soft")[0] < 60


def test_a_high_job_overtakes_waiting_low_ones_and_purge_takes_only_those_that_wait(work: Path) -> None:
    _slots(1)
    try:
        running = submit(work, "trial", "first", steps=40, seconds=0.25)
        until(lambda: begun(work, "first"))
        low = [submit(work, "trial", f"low{number}", "low") for number in range(3)]
        high = submit(work, "trial", "high", "high")
        assert {one.job_id for one in jobs.waiting("indexing-low")} == set(low)
        assert {one.job_id for one in jobs.active()} >= {running}
        assert jobs.wait(running, PATIENCE).state is JobState.SUCCESS
        assert jobs.wait(high, PATIENCE).state is JobState.SUCCESS
        assert jobs.purge("indexing-low") >= 2
        group = jobs.wait_all(low, PATIENCE)
    finally:
        _slots(6)
    assert group.revoked >= 2
    assert group.successful + group.revoked == 3
    assert all(begun(work, "high")[0] < began for number in range(3) for began in begun(work, f"low{number}"))
    assert "purged" in next(one.error or "" for one in group.jobs if one.state is JobState.REVOKED)


def _slots(number: int) -> None:
    address.connect().ask("PATCH", "/work_pools/faldone", {"concurrency_limit": number})


def test_ids_that_never_were_are_no_longer_kept_or_make_no_sense_are_told_apart(work: Path) -> None:
    job = submit(work, "trial", "forgotten")
    assert jobs.wait(job, PATIENCE).state is JobState.SUCCESS
    _forget(job)
    with pytest.raises(jobs.ExpiredJob):
        jobs.status(job)
    with pytest.raises(jobs.UnknownJob):
        jobs.status("0" * 8 + "-0000-4000-8000-" + "0" * 12)
    with pytest.raises(jobs.UnknownJob):
        jobs.result("nonsense")


def _forget(job_id: str) -> None:
    address.connect().ask("DELETE", f"/flow_runs/{job_id}")


def test_the_same_key_gives_the_same_job_and_wrong_parameters_are_refused_at_once(work: Path) -> None:
    values = {"name": "keyed", "folder": str(work)}
    assert jobs.submit("trial", values, key="k1").job_id == jobs.submit("trial", values, key="k1").job_id
    with pytest.raises(UsageError, match="steps"):
        jobs.submit("trial", values | {"steps": "many"})
    with pytest.raises(UsageError, match="no kind of job"):
        jobs.submit("nothing")


def test_a_schedule_fires_and_what_waits_has_a_name_that_says_what_runs(work: Path) -> None:
    until(lambda: begun(work, "tick"))
    address.connect().ask("PATCH", "/work_pools/faldone", {"is_paused": True})
    try:
        job = jobs.submit("index", {"sources": [str(work)], "collection": "names"})
        assert jobs.status(job.job_id).name == "index-names"
        jobs.cancel(job.job_id)
        kinds = {one.job_id: one.kind for one in jobs.listed(looks=False)}
        assert kinds[job.job_id] == "index" and not set(LOOKS) & set(kinds.values())
    finally:
        address.connect().ask("PATCH", "/work_pools/faldone", {"is_paused": False})


def test_a_watched_folder_is_found_by_search_within_90_s_and_a_half_written_file_is_not_read(work: Path) -> None:
    folder = work / "inbox"
    folder.mkdir()
    saved.add(load(), str(folder), "inbox", name="inbox")
    growing = subprocess.Popen(
        [sys.executable, "-c", GROW, str(folder / "growing.txt")], env={"PATH": os.environ["PATH"]}
    )
    try:
        with _ticking("collect/sources"):
            begin = time.monotonic()
            (folder / "offer.txt").write_text("Offerta della Zincografia Mirtillo per dodici lastre.")
            until(lambda: _indexed("Zincografia Mirtillo"), "the copied file", 2 * PATIENCE)
            found = Searcher(Lake(load().root), load_encoders(load()), "inbox").search("zincografia mirtillo")
            took = time.monotonic() - begin
            until(lambda: saved.find(Lake(load().root), "inbox").finished_at, "the end of the run")
    finally:
        growing.kill()
        growing.wait()
    source = saved.find(Lake(load().root), "inbox")
    assert took < 90 * max(1.0, os.getloadavg()[0] / (2 * (os.cpu_count() or 1))), f"{took:.0f} s"
    assert (source.status, source.indexed, source.waiting) == ("completed", 1, 1)
    assert found.hits[0].path == str(folder / "offer.txt")
    assert not _indexed("Bozza Incompiuta")
    (shown,) = platform.status()["sources"]
    assert (shown["name"], shown["status"]) == ("inbox", "completed")
    assert shown["next_at"] > shown["started_at"]


GROW = """
import sys, time
with open(sys.argv[1], "w", buffering=1) as file:
    while True:
        file.write("Bozza Incompiuta del capitolato.\\n")
        time.sleep(0.5)
"""


@contextlib.contextmanager
def _ticking(name: str) -> Iterator[None]:
    """Have a deployment's schedule active meanwhile."""
    api = address.connect()
    found = api.ask("GET", f"/deployments/name/{name}")
    path = f"/deployments/{found['id']}/schedules/{found['schedules'][0]['id']}"
    api.ask("PATCH", path, {"active": True})
    try:
        yield
    finally:
        api.ask("PATCH", path, {"active": False})


def _indexed(words: str) -> list[str]:
    """The passages that hold some words; none before there are any."""
    lake = Lake(load().root)
    if not CHUNKS.exists(lake, "inbox"):
        return []
    return [text for text in CHUNKS.read(lake, "inbox", ["text"])["text"].to_pylist() if words in text]


def test_a_message_goes_out_once_and_a_url_is_called_when_a_job_ends(
    work: Path, inboxes: tuple[Inbox, list[dict[str, Any]], str]
) -> None:
    box, bodies, url = inboxes
    values = {"subject": "Welcome", "text": "Your account is ready.", "to": ["new@user.example"]}
    first, second = jobs.submit("notify", values, key="welcome-1"), jobs.submit("notify", values, key="welcome-1")
    assert first.job_id == second.job_id
    done = jobs.submit("trial", {"name": "called", "folder": str(work)}, callback=url)
    failed = jobs.submit("trial", {"name": "wrong", "folder": str(work), "steps": 1, "seconds": -1}, callback=url)
    assert jobs.wait(first.job_id, PATIENCE).state is JobState.SUCCESS
    assert jobs.result(first.job_id) == {"status": "completed", "channels": 1, "by": ["mail"]}
    (mail,) = [one for one in box.messages if one["Subject"] == "Welcome"]
    assert (mail["To"], mail["Message-ID"]) == ("new@user.example", f"<{first.job_id}@here.example>")
    until(lambda: {one["job_id"] for one in bodies} >= {done.job_id, failed.job_id}, "both callbacks")
    assert {one["job_id"]: one["state"] for one in bodies} == {done.job_id: "SUCCESS", failed.job_id: "FAILURE"}
    with pytest.raises(UsageError, match="http"):
        jobs.submit("trial", {"name": "x", "folder": str(work)}, callback="ftp://x")


def test_a_job_that_stopped_at_its_soft_limit_goes_on(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(KINDS, "index", Kind("trial/short", "training"))  # a kind that may be resumed, with this flow
    monkeypatch.setattr(jobs, "_services", {})  # which knows the deployment of the other
    job = submit(work, "index", "resumed", steps=60, seconds=0.1, remember=True)
    assert jobs.wait(job, PATIENCE).state is JobState.SUCCESS
    assert jobs.status(job).attempt >= 2
    assert jobs.result(job)["attempts"] == len(begun(work, "resumed"))


def test_the_door_is_shut_to_other_origins_hosts_and_accounts(work: Path) -> None:
    known = state.read(load())
    assert known is not None
    user, _, password = known.auth.partition(":")
    evil = {"Origin": "https://evil.example"}
    with httpx.Client(base_url=known.api, trust_env=False) as anyone:
        preflight = evil | {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
        answer = anyone.options("/flow_runs/filter", headers=preflight)
        assert "access-control-allow-origin" not in answer.headers, "a page of another origin"
        own = preflight | {"Origin": known.ui}
        assert anyone.options("/flow_runs/filter", headers=own).headers["access-control-allow-origin"] == known.ui
        for headers in ({}, evil):
            assert anyone.post("/flow_runs/filter", json={}, headers=headers).status_code in {401, 403}, (
                "without password"
            )
        assert anyone.get("/flow_runs/count", headers={"Host": "evil.example"}).status_code == 400, "DNS rebinding"
        assert anyone.post("/flow_runs/filter", json={}, auth=(user, password)).status_code == 403, "without CSRF token"
        assert anyone.get("/admin/version", auth=(user, "guess")).status_code == 401
        assert anyone.get("/health").status_code == 200, "this alone is open"
    for path in [state.folder(load()), *state.folder(load()).rglob("*")]:
        assert path.stat().st_mode & 0o077 == 0, f"{path} may be read by others"
    secret = known.redis_url.partition("@")[0].rpartition(":")[2]
    assert f"requirepass {secret}" in (state.folder(load()) / "redis" / "redis.conf").read_text()
    assert not any(secret in one for one in _command_line(known.processes["redis"].pid)), "everybody can read that"
    assert password not in json.dumps(platform.status())
    assert known.redis_url not in json.dumps(platform.status())


PAGE = """<html><body><pre id="told"></pre><script>
const api = "API", body = JSON.stringify({parameters: {name: "browser", folder: "FOLDER"}});
const json = {"Content-Type": "application/json"};
async function attempt(what, path, options) {
  let told;
  try { const answer = await fetch(api + path, options); told = answer.type + " " + answer.status; }
  catch (error) { told = "refused"; }
  document.getElementById("told").textContent += what + ": " + told + "\\n";
}
(async () => {
  await attempt("read", "/flow_runs/filter", {method: "POST", headers: json, body: "{}"});
  await attempt("with credentials", "/admin/version", {credentials: "include"});
  await attempt("create", "/deployments/DEPLOYMENT/create_flow_run", {method: "POST", headers: json, body});
  await attempt("create blindly", "/deployments/DEPLOYMENT/create_flow_run", {method: "POST", mode: "no-cors", body});
  document.getElementById("told").textContent += "end";
})();
</script></body></html>"""


BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), "")
QUIET = (
    "quic",
    "background-networking",
    "component-update",
    "sync",
    "gpu",
    "dev-shm-usage",
)  # a browser asks its makers at every start


@pytest.mark.skipif(not BROWSER, reason="no Chromium and no Chrome is installed (apt-get install chromium)")
def test_a_page_of_another_origin_in_a_real_browser_reaches_nothing(work: Path) -> None:
    api = address.connect()
    deployment = api.ask("GET", "/deployments/name/trial/trial")["id"]
    site = work / "evil"
    site.mkdir()
    values = {"API": api.url, "DEPLOYMENT": deployment, "FOLDER": str(work)}
    page = PAGE
    for name, value in values.items():
        page = page.replace(name, value)
    (site / "index.html").write_text(page)
    port = free_port()
    server = subprocess.Popen([sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1"], cwd=site)
    try:
        until(lambda: _answers_at(port), "the page is there")
        command = [BROWSER, "--headless", "--no-sandbox", "--no-first-run", f"--user-data-dir={work / 'browser'}"]
        command += [f"--disable-{part}" for part in QUIET]
        command += ["--virtual-time-budget=20000", "--dump-dom", f"http://127.0.0.1:{port}/"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=True)
    finally:
        server.terminate()
        server.wait(20)
    told = done.stdout.partition('<pre id="told">')[2].partition("</pre>")[0].splitlines()
    assert told == ["read: refused", "with credentials: refused", "create: refused", "create blindly: opaque 0", "end"]
    runs = {"deployment_id": {"any_": [deployment]}}
    names = [run["parameters"].get("name") for run in api.ask("POST", "/flow_runs/filter", {"flow_runs": runs})]
    assert "browser" not in names, "nothing was handed in"


def _answers_at(port: int) -> bool:
    with contextlib.suppress(httpx.TransportError):
        return httpx.get(f"http://127.0.0.1:{port}/", trust_env=False).status_code == 200
    return False


def _command_line(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/cmdline").read_text().split("\0")


def test_a_job_cannot_bring_its_own_command_environment_or_folder(work: Path) -> None:
    api = address.connect()
    deployment = api.ask("GET", "/deployments/name/trial/trial")["id"]
    trace = work / "pwned"
    own = {"command": f"touch {trace}", "env": {"PYTHONSTARTUP": "x", "EVIL": "1"}, "working_dir": str(work)}
    body = {"parameters": {"name": "own", "folder": str(work)}, "job_variables": own}
    run = api.ask("POST", f"/deployments/{deployment}/create_flow_run", body)
    until(lambda: runner_environment(run["id"]) or jobs.status(run["id"]).state.final, "it has begun")
    assert jobs.wait(run["id"], PATIENCE).state is JobState.SUCCESS
    assert not trace.exists()
    assert jobs.result(run["id"])["environment"] == "", "EVIL is not in the job's environment"


def runner_environment(job_id: str) -> bool:
    with contextlib.suppress(AssertionError):
        return runner(job_id).is_running()
    return False


def test_what_the_user_has_set_is_not_overwritten(work: Path) -> None:
    known = state.read(load())
    assert known is not None
    environment = psutil.Process(known.processes["worker"].pid).environ()
    assert environment["NO_PROXY"].split(",")[0] == "minio.corp"
    assert "PREFECT_API_URL" not in os.environ, "nor is the caller's environment changed"


def test_up_again_changes_nothing(work: Path) -> None:
    before = state.read(load())
    assert platform.up() == before
    assert platform.status()["status"] == "running"


@contextlib.contextmanager
def web_application(work: Path, **environment: str) -> Iterator[httpx.Client]:
    """The web application of the manual, asked by a user."""
    port = free_port()
    own = {"USERS": "ada:secret,ben:other", "CALLBACK": f"http://127.0.0.1:{port}/ended"}
    command = [sys.executable, "-m", "uvicorn", "--app-dir", str(ROOT / "docs" / "examples"), "fastapi_upload:app"]
    command += ["--port", str(port), "--log-level", "error"]
    server = subprocess.Popen(command, cwd=work, env=os.environ | own | environment)
    place = f"http://127.0.0.1:{port}"
    try:
        with httpx.Client(base_url=place, timeout=60, trust_env=False, auth=("ada", "secret")) as web:
            until(lambda: _answers(web), "the web application answers")
            yield web
    finally:
        server.terminate()
        server.wait(20)


def test_the_web_application_of_the_manual_takes_uploads_for_their_owners_alone(
    work: Path, inboxes: tuple[Inbox, list[dict[str, Any]], str]
) -> None:
    box, _, _ = inboxes
    with web_application(work) as web:
        text = "La riunione è lunedì alle nove.".encode()
        answer = web.put("/documents/nota.txt", content=text, params={"collection": "web", "mail": "ada@user.example"})
        assert answer.status_code == 202, answer.text
        job = answer.json()
        until(lambda: web.get(job["status"]).json()["state"] == "SUCCESS", "the upload is indexed")
        assert web.get(f"{job['status']}/result").json()["documents"]["indexed"] == 1
        until(lambda: [one for one in box.messages if one["Subject"] == "nota.txt is ready"], "the mail to its owner")

        times = []
        for _ in range(10):
            begin = time.perf_counter()
            more = web.put("/documents/nota.txt", content=b"x" * 200_000)
            times.append(time.perf_counter() - begin)
            assert web.get(more.json()["status"], auth=("ben", "other")).status_code == 404, "it is not Ben's"
            assert web.delete(more.json()["status"], auth=("ben", "other")).status_code == 404
            assert web.delete(more.json()["status"]).json()["state"] == "REVOKED"
        assert statistics.median(times) < 2, times
        assert web.get(job["status"], auth=("ada", "guess")).status_code == 401
        assert web.get("/jobs/00000000-0000-4000-8000-000000000000").status_code == 404
        assert web.get(f"{more.json()['status']}/result").status_code == 409
        assert web.post("/ended", params={"token": "guess"}, json={}).status_code == 404

        kept = set((work / "home" / "uploads").iterdir())
        refused = web.put("/documents/nota.txt", content=b"x", params={"collection": "NOT/valid"})
        assert refused.status_code == 422, refused.text
        assert set((work / "home" / "uploads").iterdir()) == kept, "a refused upload is removed"


def test_the_web_application_of_the_manual_says_503_while_the_platform_is_away(work: Path) -> None:
    away = work / "away"
    job = str(uuid.uuid4())
    (away / "uploads").mkdir(parents=True)
    note = {"owner": "ada", "mail": "", "name": "x", "folder": "x"}
    (away / "uploads" / f"{job}.json").write_text(json.dumps(note))
    with web_application(work, FALDONE_HOME=str(away)) as web:
        answers = [web.put("/documents/a.txt", content=b"x"), web.get(f"/jobs/{job}"), web.get(f"/jobs/{job}/result")]
        answers.append(web.delete(f"/jobs/{job}"))
        assert [one.status_code for one in answers] == [503] * 4
        assert all(one.headers["Retry-After"] for one in answers)
        assert [one.name for one in (away / "uploads").iterdir()] == [f"{job}.json"], "the upload did not stay"


def _answers(web: httpx.Client) -> bool:
    with contextlib.suppress(httpx.TransportError):
        return web.get("/docs").status_code == 200
    return False
