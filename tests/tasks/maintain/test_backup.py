"""Backup and restore on real tables: what comes back, what is refused, what a second backup copies, what is kept."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from infra import lake_upkeep as upkeep
from infra import limits
from infra.backup_store import BackupStore, Damaged
from infra.errors import LockLost, UsageError
from infra.lake import Lake
from infra.locks import one_at_a_time
from infra.settings import Settings
from tasks.collection import recover
from tasks.maintain import backup, drill, health, manifest, restore, stored_backups, verification, weekly
from tests.tasks.maintain import small

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small.fill_once(tmp_path_factory.mktemp("filled"))


@pytest.fixture
def home(settings: Settings, filled: Path) -> Path:
    small.again(filled, Path(settings.root))
    return Path(settings.root)


def test_what_was_backed_up_comes_back_after_the_lake_is_lost(settings: Settings, home: Path) -> None:
    before = small.content(Lake(settings.root))
    made = backup.backup(settings)
    assert made["status"] == "completed"
    assert made["drill"]["problem"] == ""
    assert (made["documents"], made["chunks"]) == (6, 24)
    shutil.rmtree(home / "lake")
    result = restore.restore(settings, "latest")
    assert result["verified"] is True
    assert (result["documents"], result["chunks"]) == (6, 24)
    lake = Lake(settings.root)
    assert small.content(lake) == before
    assert lake.matching("documents.chunks", ["ricavi"], 5, ["chunk_id"]).num_rows == 5
    small.add(lake, "documents", "/new.txt")  # and it can be written


def test_a_restore_undoes_later_changes_and_keeps_what_it_replaced(settings: Settings, home: Path) -> None:
    lake = Lake(settings.root)
    before = small.content(lake)
    backup.backup(settings)
    small.add(lake, "documents", "/later.txt")
    small.add(lake, "later", "/other.txt")
    changed = small.content(lake)
    result = restore.restore(settings, "latest")
    assert small.content(Lake(settings.root)) == before
    shutil.copytree(result["replaced"] + "/lake", home / "seen" / "lake")
    assert small.content(Lake(str(home / "seen"))) == changed
    assert not recover.work_folder(settings).exists()


def test_one_collection_is_restored_and_the_others_stay(settings: Settings, home: Path) -> None:
    lake = small.fill(home, "other", documents=2)
    before = small.content(lake)
    backup.backup(settings)
    small.add(lake, "documents", "/later.txt")
    small.add(lake, "other", "/later.txt")
    restore.restore(settings, "latest", collection="documents")
    after = small.content(Lake(settings.root))
    assert after["documents.chunks"] == before["documents.chunks"]
    assert len(after["other.documents"]) == 3
    with pytest.raises(UsageError, match="has no collection nothing"):
        restore.restore(settings, "latest", collection="nothing")


def test_a_second_backup_copies_next_to_nothing(settings: Settings, home: Path) -> None:
    first = backup.backup(settings)
    second = backup.backup(settings)
    assert second["copied_bytes"] == 0
    assert second["bytes"] == first["bytes"]
    small.add(Lake(settings.root), "documents", "/later.txt")
    third = backup.backup(settings)
    assert 0 < third["copied_bytes"] < third["bytes"]


def test_one_flipped_byte_anywhere_is_refused_and_named(settings: Settings, home: Path) -> None:
    made = backup.backup(settings)
    before = small.content(Lake(settings.root))
    files = [path for path in (home / "backups").rglob("*") if path.is_file() and path.name != verification.RECORD]
    assert len(files) > 10
    for path in files:
        whole = path.read_bytes()
        spot = len(whole) // 2
        path.write_bytes(whole[:spot] + bytes([whole[spot] ^ 1]) + whole[spot + 1 :])
        with pytest.raises(Damaged) as refused:
            restore.restore(settings, made["id"])
        assert path.name in str(refused.value)
        path.write_bytes(whole)
    assert small.content(Lake(settings.root)) == before
    assert not recover.work_folder(settings).exists()
    restore.restore(settings, made["id"])


def test_a_missing_file_is_refused_and_named(settings: Settings, home: Path) -> None:
    backup.backup(settings)
    blob = next(path for path in (home / "backups" / "data").rglob("*") if path.is_file())
    blob.unlink()
    with pytest.raises(Damaged, match=blob.name):
        restore.restore(settings, "latest")


@pytest.mark.parametrize(
    "path",
    ["../outside", "lake/../../outside", "/etc/passwd", "lake/x.lance/../../../o", "other/x", "models", "lake/a/b"],
)
def test_a_path_that_leaves_the_folder_is_refused(settings: Settings, home: Path, path: str) -> None:
    made = backup.backup(settings)
    store = BackupStore(stored_backups.destination(settings))
    whole = stored_backups.read(store, made["id"])
    evil = manifest.File(path, whole.files[0].size, whole.files[0].sha256)
    forged = manifest.Manifest(
        **{name: getattr(whole, name) for name in whole.__dataclass_fields__} | {"files": (evil,)}
    )
    store.write_manifest(made["id"], manifest.encode(forged))
    with pytest.raises(UsageError, match="nothing was restored"):
        restore.restore(settings, made["id"])
    assert not (home.parent / "outside").exists()


def test_the_drill_finds_a_damaged_blob_and_the_next_backup_mends_it(settings: Settings, home: Path) -> None:
    made = backup.backup(settings)
    blob = max((home / "backups" / "data").rglob("*"), key=lambda path: path.stat().st_size if path.is_file() else 0)
    blob.write_bytes(bytes(len(blob.read_bytes())))
    again = backup.backup(settings)
    assert again["status"] == "failed"
    assert blob.name in again["drill"]["problem"]
    third = backup.backup(settings)
    assert third["status"] == "completed"
    restore.restore(settings, made["id"])  # the blob is whole again for the first one too


# ---- what a drill verifies -------------------------------------------------------------------------------------------


def _made(sizes: dict[str, int]) -> manifest.Manifest:
    files = tuple(manifest.File(f"lake/c.chunks.lance/data/{blob}", size, blob) for blob, size in sizes.items())
    return manifest.Manifest("20261120-010000-a1b2", "2026-11-20T01:00:00+00:00", "0", 0, 0, (), files, {})


NUMBERS = limits.Drill(share=0.1, least_bytes=100, whole_days=30)
NIGHT = datetime(2026, 11, 20, 1, tzinfo=UTC)


def test_in_turn_every_file_is_verified_whatever_comes_and_goes() -> None:
    """A tenth of the bytes a night: all that stays is read within ten nights and those that what is new adds; at once what is new."""
    sizes = {hashlib.sha256(str(number).encode()).hexdigest(): 100 for number in range(100)}
    stays = set(sizes)
    record = verification.Record(last_at="x", whole_at=NIGHT.isoformat())
    seen: set[str] = set()
    for night in range(12):
        new = hashlib.sha256(f"new {night}".encode()).hexdigest()
        sizes[new] = 100
        chosen = verification.turn(record, _made(sizes), {new}, NUMBERS, NIGHT + timedelta(days=night))
        assert (new in chosen.blobs, chosen.whole, len(chosen.blobs) <= 13) == (True, False, True)
        seen |= chosen.blobs
        record = chosen.record
        del sizes[new if night % 2 else min(set(sizes) - stays)]
    assert seen >= stays
    assert record.whole == NIGHT


def test_all_of_it_is_verified_each_month_and_after_a_drill_that_found_something_and_while_it_is_small() -> None:
    made = _made({"a": 600, "b": 500})
    known = verification.Record(last_at="x", whole_at=NIGHT.isoformat())

    def whole(record: verification.Record, days: float, numbers: limits.Drill = NUMBERS) -> bool:
        return verification.turn(record, made, set(), numbers, NIGHT + timedelta(days=days)).whole

    assert whole(verification.Record(), 0)
    assert not whole(known, 29)
    assert whole(known, 30)
    assert whole(replace(known, problem="a blob"), 1)
    assert whole(known, 1, limits.Drill(share=0.1, least_bytes=1_100, whole_days=30))
    assert not known.late(NUMBERS, NIGHT + timedelta(days=60))
    assert known.late(NUMBERS, NIGHT + timedelta(days=61))
    assert not verification.Record().late(NUMBERS)
    assert whole(replace(known, whole_at="2090-01-01T00:00:00+00:00"), 1)


def test_a_record_that_cannot_be_read_has_all_verified(tmp_path: Path) -> None:
    store = BackupStore(str(tmp_path))
    for content in (
        b"",
        b"[]",
        b'{"whole_at": "yesterday", "last_at": "x"}',
        b'{"whole_at": "2026-01-01", "last_at": "x"}',
    ):
        (tmp_path / verification.RECORD).write_bytes(content)
        assert verification.read(store) == verification.Record()


@pytest.fixture
def sampled(settings: Settings, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The numbers of a large backup, so that a small one is verified in turns too."""
    numbers = limits.load()
    small_share = limits.Drill(share=0.0001, least_bytes=0, whole_days=30)
    monkeypatch.setattr(limits, "load", lambda: numbers.model_copy(update={"drill": small_share}))


@pytest.mark.usefixtures("sampled")
def test_a_night_verifies_what_is_new_and_some_of_the_rest_and_compares_every_table(settings: Settings) -> None:
    first = backup.backup(settings)["drill"]
    assert (first["whole"], first["files"], first["bytes"]) == (True, first["of_files"], first["of_bytes"])
    small.add(Lake(settings.root), "documents", "/new.txt")
    second = backup.backup(settings)
    done = second["drill"]
    assert not done["whole"]
    assert second["copied_files"] <= done["files"] <= second["copied_files"] + 1 < done["of_files"]
    assert (done["tables"], done["problem"]) == (done["of_tables"], "")
    state, said = health.backup(settings)
    assert state == "ok"
    assert (
        f"verified {done['files']} of {done['of_files']} files, all of them last on {datetime.now(UTC):%Y-%m-%d}"
        in said
    )
    assert any("The latest drill verified" in note for note in weekly.gather(settings).notes)


@pytest.mark.usefixtures("sampled")
def test_a_rotten_blob_is_found_in_its_turn_or_when_it_lacks_bytes_at_once(settings: Settings, home: Path) -> None:
    backup.backup(settings)
    blobs = sorted(path for path in (home / "backups" / "data").rglob("*") if path.is_file())
    blobs[-1].write_bytes(bytes(blobs[-1].stat().st_size))
    nights = [backup.backup(settings)["drill"] for _ in range(2)]
    while not nights[-1]["problem"]:
        assert len(nights) <= len(blobs)
        nights.append(backup.backup(settings)["drill"])
    assert blobs[-1].name in nights[-1]["problem"]
    state, said = health.backup(settings)
    assert (state, blobs[-1].name in said) == ("degraded", True)
    assert any(blobs[-1].name in need for need in weekly.gather(settings).needs)
    assert backup.backup(settings)["drill"]["whole"]
    assert health.backup(settings)[0] == "ok"


@pytest.mark.usefixtures("sampled")
def test_a_blob_that_is_missing_or_short_is_found_by_any_drill(settings: Settings, home: Path) -> None:
    made = backup.backup(settings)["id"]
    lake, store = upkeep.FrugalLake(settings.root), BackupStore(stored_backups.destination(settings))
    whole = stored_backups.read(store, made)
    last = max(file.sha256 for file in whole.files)
    Path(store.blob_path(last)).write_bytes(b"short")
    found = [drill.drill(settings, lake, store, whole, set()) for _ in range(2)]
    assert [one.problem.rsplit(") ")[-1] for one in found] == ["has another size", "is missing"]  # it was set aside
    assert all(last in one.problem for one in found)


def test_a_backup_without_its_manifest_is_not_listed_and_is_swept(settings: Settings, home: Path) -> None:
    made = backup.backup(settings)
    store = BackupStore(stored_backups.destination(settings))
    (home / "backups" / made["id"] / "manifest.json").unlink()
    assert store.backups() == []
    (home / "backups" / "mine").mkdir()
    (home / "backups" / "mine" / "notes.txt").write_text("keep me")
    store.sweep()
    assert sorted(path.name for path in (home / "backups").iterdir()) == ["data", "drill.json", "mine"]


def test_a_pinned_version_outlives_a_cleanup_of_versions(settings: Settings, home: Path) -> None:
    lake = Lake(settings.root)
    with backup.pinned(settings, lake, "20261120-020000-aaaa") as pins:
        pin = next(one for one in pins if one.name == "documents.chunks")
        small.add(lake, "documents", "/later.txt")
        upkeep.remove_versions(lake, pin.name, timedelta(0))
        assert upkeep.count_at(lake, pin.name, pin.version) == 24
        assert upkeep.tags(lake, pin.name)
    assert upkeep.tags(lake, "documents.chunks") == {}


def test_what_a_killed_swap_left_is_finished_by_whoever_comes_next(settings: Settings, home: Path) -> None:
    before = small.content(Lake(settings.root))
    made = backup.backup(settings)
    small.add(Lake(settings.root), "documents", "/later.txt")
    store = BackupStore(stored_backups.destination(settings))
    whole = stored_backups.read(store, made["id"])
    restore.lay_out(settings, store, whole, restore.chosen(whole, None), None)
    plan = json.loads((recover.work_folder(settings) / "plan.json").read_text())
    item = next(iter(plan["coming"]))
    recover._bring(settings, recover.work_folder(settings), item, plan["coming"][item], plan["replaced"])
    assert recover.interrupted(settings)
    assert recover.recover_if_free(settings) == "a restore that had been interrupted was finished"
    assert small.content(Lake(settings.root)) == before


def test_two_restores_within_a_second_keep_what_each_replaced(
    settings: Settings, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backup.backup(settings)
    monkeypatch.setattr(stored_backups, "stamp", lambda: "20261120-020000")
    places = {restore.restore(settings, "latest")["replaced"] for _ in range(2)}
    assert len(places) == 2
    assert all(len(list(Path(place).rglob("*.manifest"))) > 0 for place in places)


def test_a_restore_that_lost_its_lane_changes_nothing_and_leaves_what_lies_there(
    settings: Settings, home: Path, redis_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another restore may be at work in the same folder by then, and a folder that is taken away is no damage of the backup."""
    import redis

    shared = settings.model_copy(update={"redis_url": SecretStr(redis_server)})
    backup.backup(settings)
    small.add(Lake(settings.root), "documents", "/later.txt")
    before = small.content(Lake(settings.root))
    real, others = restore._check_tables, recover.work_folder(settings) / "new" / "lake" / "of-another"

    def lose(made: manifest.Manifest, laid_out: Lake) -> None:
        real(made, laid_out)
        redis.Redis.from_url(redis_server).delete(f"faldone:lock:job:{recover.LANE}")
        shutil.rmtree(others.parent)
        others.mkdir(parents=True)
        real(made, laid_out)

    monkeypatch.setattr(restore, "_check_tables", lose)
    with pytest.raises(LockLost), one_at_a_time(shared, recover.LANE):
        restore.restore(shared, "latest")
    assert others.is_dir()
    assert not recover.interrupted(settings)
    assert small.content(Lake(settings.root)) == before


def test_what_was_only_laid_out_is_removed(settings: Settings, home: Path) -> None:
    before = small.content(Lake(settings.root))
    (recover.work_folder(settings) / "new" / "lake").mkdir(parents=True)
    assert "removed" in recover.recover(settings)
    assert small.content(Lake(settings.root)) == before


def test_retention_keeps_days_weeks_months_and_everything_of_two_days() -> None:
    now = datetime(2026, 11, 20, 12, tzinfo=UTC)
    hours = [now - timedelta(hours=12 * n) for n in range(2 * 400)]
    ids = sorted(f"{moment:%Y%m%d-%H%M%S}-aaaa" for moment in hours)
    kept = stored_backups.kept(ids, now)
    assert len({one[:8] for one in kept if one >= "20261114"}) == 7
    assert len({one[:6] for one in kept}) == 12
    assert len([one for one in kept if one >= "20261118-12"]) == 5  # all of two days
    assert 20 < len(kept) < 30
    assert max(ids) in kept


def test_two_years_of_nightly_backups_end_with_7_days_4_weeks_and_12_months() -> None:
    """Each night what is past its retention goes before the next is made, as `backup` does it."""
    there: list[str] = []
    for night in range(2 * 365):
        now = datetime(2025, 1, 1, 1, tzinfo=UTC) + timedelta(days=night)
        there = sorted(stored_backups.kept([*there, f"{now:%Y%m%d-%H%M%S}-aaaa"], now))
        assert len(there) <= 7 + 4 + 12
    last = date(2026, 12, 31)  # a Thursday
    days = [last - timedelta(days=back) for back in range(7)]
    sundays = [last - timedelta(days=4 + 7 * back) for back in range(3)]  # the last of the three weeks before this one
    months = [date(2026, month, 1) - timedelta(days=1) for month in range(2, 13)]
    assert [one[:8] for one in there] == sorted({f"{day:%Y%m%d}" for day in [*days, *sundays, *months]})


def test_old_backups_and_their_blobs_go(settings: Settings, home: Path) -> None:
    made = backup.backup(settings)
    store = BackupStore(stored_backups.destination(settings))
    whole = stored_backups.read(store, made["id"])
    spare = home / "spare"
    spare.write_text("only in the old one")
    digest, size, _ = store.put(str(spare), store.blobs())
    values = {name: getattr(whole, name) for name in whole.__dataclass_fields__}
    for old in ("20260101-020000-aaaa", "20260101-030000-aaaa"):
        files = (
            (*whole.files, manifest.File("models/x/spare", size, digest))
            if old.endswith("020000-aaaa")
            else whole.files
        )
        store.write_manifest(old, manifest.encode(manifest.Manifest(**values | {"id": old, "files": files})))
    assert stored_backups.retain(store, dry_run=True) == (["20260101-020000-aaaa"], size)
    assert stored_backups.preview(settings)["removed"] == ["20260101-020000-aaaa"]
    assert digest in store.blobs()
    assert [row["id"] for row in stored_backups.listing(settings)["backups"]] == store.backups()[::-1]
    stored_backups.retain(store)
    assert store.backups() == ["20260101-030000-aaaa", made["id"]]
    assert digest not in store.blobs()
    restore.restore(settings, "latest")


def test_secrets_are_not_in_a_backup(settings: Settings, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FALDONE_SMTP_URL", "smtp://me:hunter2@mail.example/?to=a@b.it&from=a@b.it")
    backup.backup(Settings())
    assert not [p for p in (home / "backups").rglob("*") if p.is_file() and b"hunter2" in p.read_bytes()]


def test_the_list_of_backups_tells_what_each_holds_and_which_is_damaged(settings: Settings, home: Path) -> None:
    made = backup.backup(settings)
    (row,) = stored_backups.listing(settings)["backups"]
    assert {name: row[name] for name in ("id", "path", "bytes", "documents", "chunks", "collections", "problem")} == {
        **{name: made[name] for name in ("id", "path", "bytes", "documents", "chunks")},
        "collections": ["documents"],
        "problem": "",
    }
    manifest_file = Path(made["path"]) / "manifest.json"
    manifest_file.write_bytes(manifest_file.read_bytes().replace(b"documents", b"document$", 1))
    assert "checksum differs" in stored_backups.listing(settings)["backups"][0]["problem"]


def test_no_such_backup_says_which_there_are(settings: Settings, home: Path) -> None:
    with pytest.raises(UsageError, match="there is no backup in"):
        restore.restore(settings, "latest")
    made = backup.backup(settings)
    with pytest.raises(UsageError, match=made["id"]):
        restore.restore(settings, "20200101-000000-aaaa")
    with pytest.raises(UsageError, match="give the id"):
        restore.restore(settings, "yesterday")
