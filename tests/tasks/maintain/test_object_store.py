"""Backup to and restore from an object store (a real S3 server of moto), also for a data folder that lies in one."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.lake import Lake
from infra.settings import Settings, load
from tasks.maintain import backup, restore
from tests.tasks.maintain import small

pytestmark = pytest.mark.slow


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A bucket on a server of its own; the clients find it by the environment."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    for name, value in {
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_REGION": "us-east-1",
        "AWS_ENDPOINT": url,
        "AWS_ENDPOINT_URL": url,
        "AWS_ALLOW_HTTP": "true",
        "NO_PROXY": "127.0.0.1",
    }.items():
        monkeypatch.setenv(name, value)
    import fsspec

    fsspec.filesystem("s3").clear_instance_cache()
    name = f"faldone-{uuid.uuid4().hex}"  # moto's buckets outlive its servers
    fsspec.filesystem("s3").mkdir(name)
    yield f"s3://{name}"
    server.stop()
    fsspec.filesystem("s3").clear_instance_cache()


def test_a_backup_lies_in_a_bucket(settings: Settings, bucket: str) -> None:
    home = Path(settings.root)
    before = small.content(small.fill(home, documents=2))
    made = backup.backup(settings, f"{bucket}/backups")
    assert made["drill"]["problem"] == ""
    assert backup.backup(settings, f"{bucket}/backups")["copied_bytes"] == 0
    shutil.rmtree(home / "lake")
    restore.restore(settings, made["path"])
    assert small.content(Lake(settings.root)) == before


def test_a_data_folder_in_a_bucket_is_restored(bucket: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FALDONE_HOME", f"{bucket}/home")
    monkeypatch.setenv("FALDONE_SINGLE_WRITER", "true")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    settings = load()
    lake = Lake(settings.root)
    small.add(lake, "documents", "/a.txt")
    before = small.content(lake)
    made = backup.backup(settings, str(tmp_path / "backups"))
    assert made["status"] == "completed"
    small.add(lake, "documents", "/later.txt")
    small.add(lake, "other", "/later.txt")
    restore.restore(settings, made["path"])
    assert small.content(Lake(settings.root)) == before
