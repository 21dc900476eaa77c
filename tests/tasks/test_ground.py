"""Whatever people and runs do to an office, in any order and with kills in between, one more run makes of it what a clean run makes.

A state machine draws the steps. After each of them audit must name every document whose rows are not as the ledger claims; at the end one
plain run must leave tables that are those of a run over an empty collection, and a second one must find nothing to do. test_crashes.py
kills each operation before each of its writes; here the kills fall anywhere, and what follows is not what was foreseen.

FALDONE_TEST_LONG=N draws N sequences, of other steps each time, instead of the few that are always the same.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import lance
import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from ground import C, Office, analyse, contents_of, derived_agree, disagreeing, killing, without_change_times
from infra.errors import UsageError
from infra.lake import Lake
from tasks.collection import catalogue, facts, ledger, tables
from tasks.collection.chunks import CHUNKS, VECTOR
from tasks.collection.ledger import LEDGER
from tasks.index import run as index_run
from tasks.maintain import audit, backup, cleanup, optimise, restore
from tasks.records import ATTACHMENT

pytestmark = pytest.mark.slow

LONG = int(os.environ.get("FALDONE_TEST_LONG") or 0)
BIRTH = 1_700_000_000_000_000_000  # ns: dates of files count up from here
TEXTS = (
    "Il canone del capannone di Treviso è di diecimila euro al mese.",
    "Il canone del capannone di Treviso è di NOVANTAMILA euro al mese.",
    "The supply of wool for the winter season is confirmed by the buyer.",
    "",  # an empty file goes to quarantine
)
MAILS = ("Prima nota\nSeconda nota", "Seconda nota", "Terza nota\nPrima nota\nSeconda nota", "Seconda nota\nPrima nota")
FILES = ("a.txt", "b.txt", "d/c.txt", "m.eml", "n.eml")
ENCODERS = ("", "text: ")  # prefixes: each makes another encoder
EVERYTHING = "the collection"
LAST = 16  # writes of a run that is killed before one of them; the longest have some more

names = st.sampled_from(FILES)
versions = st.integers(0, 3)
kills = st.none() | st.integers(0, LAST)


class Ground(RuleBasedStateMachine):
    """People who change files and collections, and runs that end or do not."""

    top: Path  # of all sequences
    office: Office

    @classmethod
    def open(cls, top: Path) -> None:
        """Make the office with which each sequence begins."""
        cls.top, cls.office = top, Office(top / "office")
        for number, name in enumerate(FILES[:4]):
            text = MAILS[0] if name.endswith(".eml") else TEXTS[number % 3]
            cls.office.write(name, text, BIRTH + number)
        cls.office.write("z.txt", "Questo documento resta: una cartella vuota vale come disco staccato.", BIRTH)
        cls.office.index()
        cls.office.save("base")

    def __init__(self) -> None:
        super().__init__()
        self.office.back_to("base")
        self.date = BIRTH + 1000
        self.encoder = ENCODERS[0]
        self.damaged = False  # by the disk: only an audit finds that
        self.backed_up = False
        self.ran = False  # something that writes, since audit was last asked
        self.times = True  # the file system tells when an inode changed
        self.patch = pytest.MonkeyPatch()
        self.before: dict[str, tuple[bytes, int]] = {}  # what a file was before its last change
        self.contents: dict[str, tuple[str, ...]] = {}
        for name in (*FILES, "z.txt"):
            self._learn(name)

    @initialize(times=st.booleans())
    def mount(self, times: bool) -> None:
        self.times = times
        if not times:
            without_change_times(self.patch)

    # ---- people ------------------------------------------------------------------------------------------------------

    @rule(name=names, version=versions)
    def edit(self, name: str, version: int) -> None:
        self._edit(name, version)

    @rule(name=names)
    def revert(self, name: str) -> None:
        """Put back what a file was before its last change, with its date; also one that was deleted."""
        self._revert(name)

    @rule(name=names, other=names)
    def move(self, name: str, other: str) -> None:
        """Rename a file, over another one perhaps: it keeps its date."""
        source, target = self._path(name), self._path(other)
        if name == other or not source.exists() or source.suffix != target.suffix:
            return
        self._keep(name)
        self._keep(other)
        target.parent.mkdir(exist_ok=True)
        source.replace(target)
        self._learn(other)

    @precondition(lambda self: self.times)
    @rule(name=names)
    def counterfeit(self, name: str) -> None:
        """Put another text of equal size and date in the place of one."""
        path = self._path(name)
        if path.exists() and path.suffix == ".txt":
            self._keep(name)
            content, date = self.before[name]
            other = path.with_name("other")
            other.write_bytes(content.decode()[::-1].encode())
            os.utime(other, ns=(date, date))
            other.replace(path)
            self._learn(name)

    @rule(name=names)
    def delete(self, name: str) -> None:
        self._keep(name)
        self._path(name).unlink(missing_ok=True)

    @rule(which=st.integers(0, 3), kind=st.sampled_from(("chunks", "parsed", "documents")))
    def lose_rows(self, which: int, kind: str) -> None:
        """A disk loses rows of a document."""
        known = sorted(ledger.read(self.lake, C, ["document_id"])["document_id"].to_pylist())
        if known:
            tables.BY_KIND[kind].delete(self.lake, C, [known[which % len(known)]])
            self.damaged = self.ran = True

    # ---- runs --------------------------------------------------------------------------------------------------------

    @rule(at=kills, prune=st.booleans())
    def index(self, at: int | None, prune: bool) -> None:
        self._do(at, lambda: self._index(prune))

    @rule(where=st.sampled_from(("process", "commit", "prune")), at=kills, beside=kills, name=names, version=versions)
    def index_beside(self, where: str, at: int | None, beside: int | None, name: str, version: int) -> None:
        """Change a file in the middle of a run, and have another run whole there, or until it is killed."""

        def meanwhile() -> None:
            self._edit(name, version) if self._path(name).exists() else self._revert(name)
            self._do(beside, self._index)

        with between(where, meanwhile):
            self._do(at, self._index)

    @rule(at=kills)
    def retry(self, at: int | None) -> None:
        """Index again what is in quarantine, as `documents retry` does."""
        if LEDGER.exists(self.lake, C):
            files, _ = catalogue.quarantined_sources(self.lake, C, None)
            if files:
                self._do(at, lambda: self._index(False, files))

    @rule(name=names | st.just(EVERYTHING), at=kills)
    def drop(self, name: str, at: int | None) -> None:
        if name == EVERYTHING:
            self._do(at, lambda: catalogue.drop_collection(self.office.settings, self.lake, C))
        elif self._is_known(name):
            path = str(self._path(name))
            self._do(at, lambda: catalogue.drop_documents(self.office.settings, self.lake, C, [path]))

    @rule(encoder=st.sampled_from(ENCODERS), at=kills)
    def reencode(self, encoder: str, at: int | None) -> None:
        self.encoder = encoder
        self._do(at, lambda: self.office.index(reencode=True, prefix=encoder))

    @rule(at=kills)
    def analyse(self, at: int | None) -> None:
        if LEDGER.exists(self.lake, C):
            self._do(at, lambda: analyse(self.office))

    @rule(at=kills)
    def audit(self, at: int | None) -> None:
        self._do(at, lambda: audit.audit_collection(self.office.settings, C))

    @rule(at=kills)
    def clean_up(self, at: int | None) -> None:
        self._do(at, lambda: cleanup.cleanup(self.office.settings))

    @rule(at=kills)
    def optimise(self, at: int | None) -> None:
        self._do(at, lambda: optimise.optimise(self.office.settings, keep=timedelta(0)))

    @rule(at=kills)
    def back_up(self, at: int | None) -> None:
        self._do(at, lambda: backup.backup(self.office.settings, run_drill=False))
        self.backed_up |= at is None

    @precondition(lambda self: self.backed_up)
    @rule(at=kills)
    def restore(self, at: int | None) -> None:
        self._do(at, lambda: restore.restore(self.office.settings, "latest"))

    # ---- what must hold ----------------------------------------------------------------------------------------------

    @precondition(lambda self: self.ran)
    @invariant()
    def audit_names_what_disagrees(self) -> None:
        self.ran = False
        if (self.office.home / "restoring" / "plan.json").exists():
            return  # half a restore: whoever comes next finishes it first
        wrong = disagreeing(self.lake, self.contents)
        named = {finding.document_id for finding in audit.look(self.office.settings, self.lake, C).findings}
        assert wrong <= named, wrong - named

    def teardown(self) -> None:
        """Run once more: what is there must be what a clean run makes."""
        try:
            self._end()
        finally:
            self.patch.undo()

    def _end(self) -> None:
        if self.damaged:
            audit.audit_collection(self.office.settings, C)
        self._index()
        settings = self.office.with_prefix(self.encoder)
        there, clean = rows_of(self.lake), rows_of(self._clean())
        assert there == clean, [(kind, row) for kind in clean for row in there.get(kind, ()) if row not in clean[kind]]
        assert derived_agree(self.lake)
        assert not disagreeing(self.lake, self.contents)
        assert not audit.look(settings, self.lake, C).findings
        assert not self.lake.count(CHUNKS.name(C)) or self.lake.has_index(CHUNKS.name(C), "terms")
        again = self.office.index(prefix=self.encoder)["documents"]
        assert [again[name] for name in ("indexed", "updated", "removed")] == [0, 0, 0], again

    # ---- tools -------------------------------------------------------------------------------------------------------

    @property
    def lake(self) -> Lake:
        return self.office.lake

    def _path(self, name: str) -> Path:
        return self.office.folder / name

    def _is_known(self, name: str) -> bool:
        return bool(ledger.read(self.lake, C, ["path"], {"path": str(self._path(name))}).num_rows)

    def _do(self, at: int | None, work: Callable[[], object]) -> None:
        self.ran = True
        if at is None:
            work()
            return
        with killing(at):
            work()

    def _index(self, prune: bool = True, sources: list[str] | None = None) -> None:
        """Index, first encoding anew where the collection has still another encoder than the settings."""
        try:
            self.office.index(prune, prefix=self.encoder, sources=sources)
        except UsageError as error:
            assert "--reencode" in str(error)
            self.office.index(prune, reencode=True, prefix=self.encoder, sources=sources)

    def _clean(self) -> Lake:
        home = self.top / "clean"
        shutil.rmtree(home, ignore_errors=True)
        settings = self.office.with_prefix(self.encoder).model_copy(update={"home": str(home)})
        index_run.index(settings, [str(self.office.folder)], C)
        return Lake(settings.root)

    def _keep(self, name: str) -> None:
        path = self._path(name)
        if path.exists():
            self.before[name] = (path.read_bytes(), path.stat().st_mtime_ns)

    def _edit(self, name: str, version: int) -> None:
        self._keep(name)
        self.date += 1
        self.office.write(name, (MAILS if name.endswith(".eml") else TEXTS)[version], self.date)
        self._learn(name)

    def _revert(self, name: str) -> None:
        if name not in self.before:
            return
        content, date = self.before[name]
        self._keep(name)
        self._path(name).parent.mkdir(exist_ok=True)
        self._path(name).write_bytes(content)
        os.utime(self._path(name), ns=(date, date))
        self._learn(name)

    def _learn(self, name: str) -> None:
        path = self._path(name)
        if path.exists():
            self.contents |= contents_of(path.name, path.read_bytes(), self.office.settings)


@contextmanager
def between(where: str, meanwhile: Callable[[], None]) -> Iterator[None]:
    """Have the next index run do something else first when it comes to a step; only once, and only that run."""
    waiting = [meanwhile]

    def once(real: Callable[..., Any]) -> Callable[..., Any]:
        def step(*given: Any) -> Any:
            if waiting:
                waiting.pop()()
            return real(*given)

        return step

    with pytest.MonkeyPatch.context() as patch:
        if where == "commit":
            patch.setattr(index_run._Workload, "commit", once(index_run._Workload.commit))
        else:
            patch.setattr(index_run, "PLAIN", index_run.PLAIN._replace(**{where: once(getattr(index_run, where))}))
        yield


class Unit:
    """A unit vector; equal is what differs by no more than the batch in which int8 numbers were scaled (cosine 0.9998)."""

    def __init__(self, numbers: Any) -> None:
        self.numbers = np.asarray(numbers, np.float32)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Unit) and float(self.numbers @ other.numbers) > 0.999

    __hash__ = None  # type: ignore[assignment]


VARYING = {"seconds", "indexed_at", "attempts", "created_at"}


def rows_of(lake: Lake) -> dict[str, list[Any]]:
    """All that index runs write, without what a clock says."""
    found: dict[str, list[Any]] = {}
    for table in tables.TABLES:
        if not table.exists(lake, C) or table.kind in {"analyses", "figures", "metrics", "entities"}:
            continue
        rows = [_comparable(row) for row in lake.read(table.name(C)).to_pylist()]
        if rows:
            found[table.kind] = sorted(rows, key=lambda row: str(row[table.key]))
    return found


def _comparable(row: dict[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in row.items() if name not in VARYING}
    if row.get("parent_id"):
        del kept["stamp"]  # of its container when it was read; a container that was only touched is not read
        del kept["modified_at"]
    if VECTOR in row:
        kept[VECTOR] = Unit(row[VECTOR])
    return kept


@pytest.fixture(scope="module", autouse=True)
def ground() -> Iterator[None]:
    with tempfile.TemporaryDirectory(prefix="ground-") as top:
        Ground.open(Path(top))
        yield


def test_a_lost_ledger_row_of_any_document_comes_back_or_leaves_with_its_file() -> None:
    """Also of an attachment, which only its container brings back, and of a container that is gone with its attachments left."""
    every = ("chunks", "parsed", "documents")  # in this order nothing is left that knows of it
    for which in range(6):
        for kinds, deleted in ((("documents",), False), (("documents",), True), (every, False)):
            state = Ground()
            for kind in kinds:
                state.lose_rows(which, kind)
            if deleted:
                state.delete("m.eml")
            state.audit_names_what_disagrees()
            state.teardown()


def test_an_attachment_that_somebody_dropped_is_missed_by_no_audit() -> None:
    state = Ground()
    path = f"{state._path('m.eml')}{ATTACHMENT}nota0.txt"
    assert catalogue.drop_documents(state.office.settings, state.lake, C, [path]) == [path]
    assert not audit.look(state.office.settings, state.lake, C).findings
    assert not state._is_known("m.eml!/nota0.txt")
    (kept,) = ledger.read(state.lake, C, ["attachments"], {"path": str(state._path("m.eml"))}).to_pylist()
    assert kept["attachments"] == len(MAILS[0].split("\n")) - 1


def test_a_ledger_of_a_release_that_counted_no_attachments_is_audited_and_gains_the_count() -> None:
    state = Ground()
    lance.dataset(f"{state.lake.location}/{LEDGER.name(C)}.lance").drop_columns(["attachments"])
    assert not audit.look(state.office.settings, state.lake, C).findings
    catalogue.drop_documents(state.office.settings, state.lake, C, [f"{state._path('m.eml')}{ATTACHMENT}nota0.txt"])
    assert set(ledger.read(state.lake, C, ["attachments"])["attachments"].to_pylist()) == {None}
    state.edit("m.eml", 2)
    state.index(None, True)
    (mail,) = ledger.read(state.lake, C, ["attachments"], {"path": str(state._path("m.eml"))}).to_pylist()
    assert mail["attachments"] == len(MAILS[2].split("\n"))
    assert not audit.look(state.office.settings, state.lake, C).findings
    state.patch.undo()


def test_results_of_a_document_that_left_or_changed_meanwhile_are_not_kept() -> None:
    """An analysis that is committed after an index run removed or rewrote what it had read."""
    state = Ground()
    real = facts.stage

    def early(*given: Any) -> str:
        stem = real(*given)
        state.delete("b.txt")
        state.edit("a.txt", 2)
        state.index(None, True)
        return stem

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(facts, "stage", early)
        state.analyse(None)
    state.audit_names_what_disagrees()
    assert derived_agree(state.lake)
    assert not audit.look(state.office.settings, state.lake, C).findings
    state.teardown()


@pytest.mark.timeout(60 * LONG or 180)
def test_any_sequence_of_steps_and_kills_ends_as_one_clean_run() -> None:
    drawing = settings(
        max_examples=LONG or 8,
        stateful_step_count=20 if LONG else 12,
        derandomize=not LONG,
        phases=(Phase.generate,),  # a failure names its steps; to shrink them takes longer than to read them
        suppress_health_check=list(HealthCheck),
        deadline=None,
        database=None,
        print_blob=False,
    )
    run_state_machine_as_test(Ground, settings=drawing)
