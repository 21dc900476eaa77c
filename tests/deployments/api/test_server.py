"""What is mended in Prefect's server, and which names it answers to."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest
import sqlalchemy as sa
from prefect.server.database.configurations import AioSqliteConfiguration
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from deployments.api.embedded import answers, template
from deployments.api.server import StartsAlone, alone, guarded, lock_at_the_beginning, settings
from deployments.state import Platform, Process, write_json
from infra import limits
from infra.machine import free_port

pytestmark = pytest.mark.slow


def collide(configuration: type[AioSqliteConfiguration], file: Path) -> list[str]:
    """Two transactions that read, and then write; returns what went wrong."""

    async def run() -> list[str]:
        database = configuration(f"sqlite+aiosqlite:///{file}", timeout=5)
        engine = await database.engine()
        async with engine.begin() as connection:
            await connection.execute(sa.text("CREATE TABLE t (n INTEGER)"))
        both_have_read = asyncio.Barrier(2)

        async def transaction() -> None:
            session = await database.session(engine)
            async with session, database.begin_transaction(session):
                await session.execute(sa.text("SELECT count(*) FROM t"))
                with contextlib.suppress(TimeoutError, asyncio.BrokenBarrierError):  # the other one waits for its turn
                    await asyncio.wait_for(both_have_read.wait(), 1)
                await session.execute(sa.text("INSERT INTO t VALUES (1)"))

        results = await asyncio.gather(transaction(), transaction(), return_exceptions=True)
        await engine.dispose()
        return [str(one) for one in results if one is not None]

    return asyncio.run(run())


def copied() -> type[AioSqliteConfiguration]:
    """A class of its own, so that Prefect's stays as it is."""
    return type("Configuration", (AioSqliteConfiguration,), {})


def test_two_writers_that_first_read_wait_for_each_other(tmp_path: Path) -> None:
    configuration = copied()
    lock_at_the_beginning(configuration)
    assert collide(configuration, tmp_path / "p.db") == []


def test_the_patch_is_still_needed(tmp_path: Path) -> None:
    """When this fails, Prefect's own transactions no longer collide: `lock_at_the_beginning` can go."""
    assert any("database is locked" in one for one in collide(copied(), tmp_path / "p.db"))


def test_a_session_of_the_writer_s_own_does_not_wait_for_it(tmp_path: Path) -> None:
    configuration = copied()
    lock_at_the_beginning(configuration)

    async def run() -> int:
        database = configuration(f"sqlite+aiosqlite:///{tmp_path / 'p.db'}", timeout=2)
        engine = await database.engine()
        async with engine.begin() as connection:
            await connection.execute(sa.text("CREATE TABLE t (n INTEGER)"))
        outer, inner = await database.session(engine), await database.session(engine)
        async with outer, database.begin_transaction(outer):
            async with inner, database.begin_transaction(inner):
                count: Any = (await inner.execute(sa.text("SELECT count(*) FROM t"))).scalar()
            await outer.execute(sa.text("INSERT INTO t VALUES (1)"))
        await engine.dispose()
        return int(count)

    assert asyncio.run(asyncio.wait_for(run(), 20)) == 0


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:4200", 200),
        ("localhost", 200),
        ("evil.example", 400),
        ("127.0.0.1.evil.example:4200", 400),
        ("", 400),
    ],
)
def test_only_requests_for_its_own_names_are_answered(host: str, status: int) -> None:
    app = Starlette(routes=[Route("/", lambda request: PlainTextResponse("here"))])
    client = TestClient(guarded(app, "127.0.0.1,localhost"))
    assert client.get("/", headers={"Host": host}).status_code == status


@pytest.fixture
def postgres() -> Iterator[str]:
    """The address of a real PostgreSQL on a free port; it refuses to run as root."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if not programs:
        pytest.fail("PostgreSQL is not installed: bash infra/system-packages.sh test")
    user: dict[str, Any] = {"user": "nobody", "group": "nogroup"} if os.getuid() == 0 else {}
    with tempfile.TemporaryDirectory() as made:
        data = Path(made) / "data"
        data.mkdir()
        for folder in (Path(made), data):
            folder.chmod(0o700)
            if user:
                shutil.chown(folder, user["user"], user["group"])
        command = [programs[-1] / "initdb", "-D", data, "-U", "faldone", "--auth=trust", "--no-sync"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=made, **user)
        port = str(free_port())
        command = [programs[-1] / "postgres", "-D", data, "-p", port, "-k", made, "-h", "127.0.0.1", "-F"]
        server = subprocess.Popen(command, stderr=subprocess.DEVNULL, cwd=made, **user)
        try:
            yield f"postgresql+asyncpg://faldone@127.0.0.1:{port}/postgres"
        finally:
            server.send_signal(signal.SIGINT)
            server.wait(20)


def test_two_servers_on_one_database_start_one_after_the_other(postgres: str) -> None:
    starting: list[str] = []
    seen: list[list[str]] = []

    async def server(name: str) -> None:
        async def app(scope: Any, receive: Any, send: Any) -> None:
            starting.append(name)
            seen.append(list(starting))
            await asyncio.sleep(0.3)
            own = await asyncpg.connect(postgres.replace("+asyncpg", ""))
            await own.execute(f"CREATE TABLE {name} (n INTEGER)")
            await own.execute(
                f"CREATE INDEX CONCURRENTLY ON {name} (n)"
            )  # waits for every statement that holds a snapshot
            await own.close()
            starting.remove(name)
            await send({"type": "lifespan.startup.complete"})
            await asyncio.sleep(0.3)  # serves

        async def send(message: Any) -> None:
            pass

        await StartsAlone(app, postgres)({"type": "lifespan"}, None, send)

    async def both() -> None:
        for _ in range(100):
            with contextlib.suppress(OSError, asyncpg.PostgresError):
                await (await asyncpg.connect(postgres.replace("+asyncpg", ""))).close()
                break
            await asyncio.sleep(0.1)
        await asyncio.wait_for(asyncio.gather(server("a"), server("b"), server("c")), 60)

    asyncio.run(both())
    assert sorted(seen) == [["a"], ["b"], ["c"]]


@pytest.mark.parametrize("why", ["away", "refused", "no encryption", "an odd password", "an odder one"])
def test_a_server_without_its_database_ends_and_says_why(why: str, postgres: str, tmp_path: Path) -> None:
    """It used to serve all the same, answer 503 for ever and say nothing."""
    port = free_port() if why == "away" else urlsplit(postgres).port
    for _ in range(100):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", urlsplit(postgres).port)):
            break
        time.sleep(0.1)
    password = {"an odd password": "a-secret/#2", "an odder one": "p@s:a-secret"}.get(why, "a-secret")
    database = f"postgresql+asyncpg://nobody:{password}@127.0.0.1:{port}/postgres"
    if why == "no encryption":
        database += "?ssl=require&prepared_statement_cache_size=0"  # as SQLAlchemy spells them
    environment = os.environ | {"PREFECT_SERVER_DATABASE_CONNECTION_URL": database, "PREFECT_HOME": str(tmp_path)}
    command = [sys.executable, "-m", "deployments.api.server", "--no-services", "--port", str(free_port())]
    done = subprocess.run(command, env=environment, timeout=600, capture_output=True, text=True)
    assert done.returncode, done.stderr
    where = "PREFECT_SERVER_DATABASE_CONNECTION_URL cannot be read: "
    assert (where if why == "an odder one" else f"PostgreSQL at 127.0.0.1:{port} cannot be used: ") in done.stderr
    if why == "no encryption":
        assert "SSL" in done.stderr
    assert "a-secret" not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


SERVE = """
from deployments import state
from deployments.api import server
state.GONE = server.WATCH = 0.5
server.main()
"""
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); time.sleep(900)"


@pytest.mark.timeout(900)  # of which a busy machine takes most to make the database where there is no template of it
def test_a_server_without_a_daemon_ends_with_its_folder_and_takes_the_others_along(tmp_path: Path) -> None:
    """A daemon that was killed leaves them running for the next one; Redis refuses to end where it cannot save."""
    folder, port = tmp_path / "platform", free_port()
    folder.mkdir()
    if template().is_file():
        shutil.copyfile(template(), tmp_path / "p.db")
    environment = os.environ | {"PREFECT_SERVER_DATABASE_CONNECTION_URL": f"sqlite+aiosqlite:///{tmp_path}/p.db"}
    serve = [sys.executable, "-c", SERVE, "--no-services", "--host", "127.0.0.1", "--port", str(port)]
    parts = {
        "redis": subprocess.Popen([sys.executable, "-c", STUBBORN], stdout=subprocess.PIPE),
        "daemon": subprocess.Popen([sys.executable, "-c", "import time; time.sleep(900)"]),
        "server": subprocess.Popen([*serve, "--folder", str(folder)], env=environment),
    }
    for process in parts.values():
        threading.Thread(target=process.wait, daemon=True).start()  # else it stays a zombie until somebody asks
    try:
        assert parts["redis"].stdout is not None and parts["redis"].stdout.readline()
        url = f"http://127.0.0.1:{port}/api"
        processes = {name: Process.of(process.pid) for name, process in parts.items()}
        write_json(folder / "platform.json", asdict(Platform(url, url, url, "127.0.0.1", port, processes=processes)))
        assert answers(url, patience=600)
        shutil.rmtree(folder)
        (folder / "prefect" / "storage").mkdir(parents=True)  # as Prefect in a job that stores a result
        time.sleep(2)
        assert [one.poll() for one in parts.values()] == [None] * 3, "its daemon ends them in order"
        parts["daemon"].kill()
        assert parts["redis"].wait(30) == -signal.SIGKILL
        parts["server"].wait(30)
    finally:
        for process in parts.values():
            process.kill()


def test_a_second_server_on_the_same_database_is_refused(tmp_path: Path) -> None:
    file = f"{tmp_path}/prefect.db"
    first = alone(file)
    with pytest.raises(SystemExit, match="another server works on"):
        alone(file)
    first.release()
    alone(file).release()


CONFIGURED = """
import json
from deployments.api import server
server.configure()
from prefect.settings import get_current_settings
now = get_current_settings()
services = now.server.services
seconds = [services.late_runs.after_seconds.total_seconds(), services.db_vacuum.retention_period.total_seconds()]
print(json.dumps([list(now.to_environment_variables(exclude_unset=True)), *seconds]))

import zoneinfo
from prefect.server.schemas.schedules import CronSchedule
assert zoneinfo.TZPATH == (), "every schedule that is read would open each of the system's time zones"
CronSchedule(cron="0 2 * * *", timezone="Europe/Rome")
"""


def test_prefect_takes_every_setting_of_a_server_unless_the_environment_has_one(tmp_path: Path) -> None:
    ours = settings(limits.load())
    own = "PREFECT_SERVER_SERVICES_LATE_RUNS_AFTER_SECONDS"
    given = os.environ | {own: "7.0", "PREFECT_HOME": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", CONFIGURED], env=given, check=True, stdout=subprocess.PIPE)
    taken, late, kept = json.loads(done.stdout)
    assert set(ours) <= set(taken), "Prefect knows no setting of this name, and would say nothing"
    assert (late, kept) == (7, limits.load().retention.runs_days * 24 * 3600)
