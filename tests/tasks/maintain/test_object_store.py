"""Backup to and restore from an object store (a real S3 server of moto), also for a data folder that lies in one."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infra import lake_upkeep as upkeep
from infra.backup_store import BackupStore
from infra.errors import TransientError
from infra.lake import Lake
from infra.settings import Settings, load
from tasks.maintain import backup, restore
from tests.tasks.maintain import small

pytestmark = pytest.mark.slow


@pytest.fixture
def server() -> Iterator[Any]:
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def bucket(server: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A bucket on a server of its own; the clients find it by the environment."""
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


class KeepsFolders:
    """A database in a bucket whose server, as SeaweedFS does, goes on listing the folders of what is gone."""

    def __init__(self, database: Any, bucket: str) -> None:
        self._database, self._bucket = database, bucket.removeprefix("s3://")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._database, name)

    def drop_table(self, name: str) -> None:
        import fsspec

        self._database.drop_table(name)
        for part in ("", "_versions/", "data/", "data/part/"):
            key = f"home/lake/{name}.lance/{part}"
            fsspec.filesystem("s3").call_s3("put_object", Bucket=self._bucket, Key=key)


def test_a_dropped_collection_is_gone_also_where_a_store_keeps_empty_folders(
    bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was listed for ever, and every backup after it failed."""
    lake = Lake(f"{bucket}/home")
    small.add(lake, "documents", "/a.txt")
    small.add(lake, "documents-2", "/a.txt")
    monkeypatch.setattr(lake, "_db", KeepsFolders(lake._db, bucket))
    for name in [name for name in lake.names() if name.startswith("documents.")]:
        lake.drop(name)
        lake.drop(name)
    assert {name.partition(".")[0] for name in lake.names()} == {"documents-2"}
    assert (
        backup.backup(Settings(home=f"{bucket}/home", single_writer=True), f"{bucket}/backups")["status"] == "completed"
    )
    assert lake.count("documents-2.documents") == 1


def test_a_store_that_is_away_says_nothing_of_what_it_holds(
    server: Any, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every door says that the store is away: an audit that took that for a damaged table went back to an older version."""
    monkeypatch.setenv("OBJECT_STORE_CLIENT_MAX_RETRIES", "0")
    lake = Lake(f"{bucket}/home")
    small.add(lake, "documents", "/a.txt")
    name = "documents.chunks"
    table, store = lake.table(name), BackupStore(f"{bucket}/backups")
    monkeypatch.setattr(Lake, "_open", lambda *_: table)  # opened before the store went away, as in a job at work
    server.stop()
    for call in (
        lambda: lake.read(name),
        lambda: upkeep.unreadable(lake, name),
        store.blobs,
    ):
        with pytest.raises(TransientError, match=f"^{bucket}/.*(does not answer|cannot be reached)"):
            call()


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
