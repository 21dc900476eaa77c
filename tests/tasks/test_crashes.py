"""Kill every operation before each of its writes, one after another: what disagrees is named by audit and healed by the next run.

The points are not sampled: an operation is run once to list them, and then killed at each. After the kill people may put back what they
had changed, with its old date: the undo of an edit and the disk that comes back are what an index is fooled by.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from ground import C, Office, analyse, derived_agree, disagreeing, killing, truth, without_change_times
from tasks.collection import catalogue, ledger
from tasks.collection.chunks import CHUNKS
from tasks.maintain import audit, backup, optimise, restore

pytestmark = pytest.mark.slow

STAMP = 1_700_000_000_000_000_000  # ns
TEXTS = {
    "a.txt": "Il canone del capannone di Treviso è di diecimila euro al mese.",
    "b.txt": "La fornitura di lana per la stagione invernale è confermata.",
    "m.eml": "Prima nota\nSeconda nota",
    "vuoto.pdf": "",
}


@dataclass(frozen=True)
class Operation:
    """What people change, what then runs and is killed, and what they change after the kill."""

    change: Callable[[Office], object]
    run: Callable[[Office], object]
    after: Callable[[Office], object] = lambda office: None


def original(office: Office, *names: str) -> None:
    for name in names or tuple(TEXTS):
        office.write(name, TEXTS[name], STAMP)


def edit(office: Office) -> None:
    office.write("a.txt", "Il canone del capannone di Treviso è di NOVANTAMILA euro al mese.")


def fewer(office: Office) -> None:
    office.write("m.eml", "Una nota sola, e un'altra")


def remove(*names: str) -> Callable[[Office], None]:
    return lambda office: [(office.folder / name).unlink() for name in names] and None


def drop(office: Office) -> None:
    catalogue.drop_documents(office.settings, office.lake, C, ["b.txt", "m.eml"])


def damage(office: Office) -> None:
    """What a disk may do: a chunk of one document and all elements of another are lost, and rows of a third belong to nobody."""
    ids = {Path(row["path"]).name: row["document_id"] for row in ledger.read(office.lake, C).to_pylist()}
    office.lake.delete(CHUNKS.name(C), {"document_id": ids["a.txt"]})
    office.lake.delete("c.parsed", {"document_id": ids["b.txt"]})


def repair(office: Office) -> None:
    audit.audit_collection(office.settings, C)


def make_backup(office: Office) -> None:
    backup.backup(office.settings, run_drill=False)


def bring_back(office: Office) -> None:
    restore.restore(office.settings, "latest")


def forget(office: Office) -> None:
    catalogue.drop_collection(office.settings, office.lake, C)


OPERATIONS = {
    "a first run": Operation(forget, Office.index),
    "a new document that vanishes": Operation(
        lambda office: office.write("c.txt", "Un documento nuovo."), Office.index, remove("c.txt")
    ),
    "an edit that is undone": Operation(edit, Office.index, lambda office: original(office, "a.txt")),
    "a mail that loses a file and gets it back": Operation(
        fewer, Office.index, lambda office: original(office, "m.eml")
    ),
    "a prune, and the disk is back": Operation(
        remove("b.txt", "m.eml"), Office.index, lambda office: original(office, "b.txt", "m.eml")
    ),
    "documents dropped": Operation(lambda office: None, drop),
    "another encoder": Operation(lambda office: None, lambda office: office.index(reencode=True, prefix="text: ")),
    "analyses": Operation(lambda office: None, analyse),
    "an analysed document edited": Operation(lambda office: (analyse(office), edit(office)), Office.index),
    "an audit that repairs": Operation(damage, repair),
    "optimise": Operation(edit, lambda office: (office.index(), optimise.optimise(office.settings))),
    "a backup": Operation(lambda office: None, make_backup),
    "a restore": Operation(lambda office: (make_backup(office), edit(office), office.index()), bring_back),
    "a collection dropped": Operation(lambda office: None, forget),
}


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Office:
    made = Office(tmp_path_factory.mktemp("office"))
    original(made)
    made.index()
    made.save("base")
    return made


@pytest.fixture(autouse=True)
def _harder(monkeypatch: pytest.MonkeyPatch) -> None:
    without_change_times(monkeypatch)


def clean(office: Office) -> dict[str, tuple[str, tuple[str, ...]]]:
    """What one run over an empty collection makes of the folder as it is now."""
    catalogue.drop_collection(office.settings, office.lake, C)
    office.index()
    return truth(office.lake)


def check(office: Office, contents: dict[str, tuple[str, ...]], prefix: str = "") -> None:
    """After a kill and whatever people did: audit names what disagrees, one run heals it, and its answers are those of a clean run."""
    wrong = disagreeing(office.lake, contents)
    named = {finding.document_id for finding in audit.look(office.settings, office.lake, C).findings}
    assert wrong <= named
    office.index(reencode=bool(prefix), prefix=prefix)
    healed = truth(office.lake)
    assert {path: content for path, (content, _) in healed.items()} == _hashes(office)
    assert not disagreeing(office.lake, contents | dict(healed.values()))
    assert not audit.look(office.settings.model_copy(), office.lake, C).findings
    assert derived_agree(office.lake)
    assert office.lake.has_index(CHUNKS.name(C), "terms")


def _hashes(office: Office) -> dict[str, str]:
    """The content hash of each text and mail that lies in the folder, and of each attachment that a mail has."""
    import hashlib

    found = {}
    for path in office.folder.iterdir():
        if path.suffix == ".pdf":
            continue
        data = path.read_bytes()
        found[str(path)] = hashlib.blake2b(data, digest_size=16).hexdigest()
        if path.suffix == ".eml":
            import email
            import email.policy

            message = email.message_from_bytes(data, policy=email.policy.default)
            for part in message.iter_attachments():
                content = part.get_payload(decode=True)
                assert isinstance(content, bytes)
                found[f"{path}!/{part.get_filename()}"] = hashlib.blake2b(content, digest_size=16).hexdigest()
    return found


def _chosen(points: list[str]) -> list[int]:
    """Every point with FALDONE_TEST_LONG; else of those of one kind in a row the first and the last."""
    if os.environ.get("FALDONE_TEST_LONG"):
        return list(range(len(points)))
    verbs = [point.split()[0] for point in points]
    return [
        at
        for at, verb in enumerate(verbs)
        if verb not in verbs[max(0, at - 1) : at] or verb not in verbs[at + 1 : at + 2]
    ]


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_kill_before_any_write_is_named_by_audit_and_healed_by_the_next_run(
    office: Office, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    operation = OPERATIONS[name]
    prefix = "text: " if name == "another encoder" else ""
    office.back_to("base")
    contents = dict(truth(office.lake).values())
    operation.change(office)
    contents |= dict(truth(office.lake).values())
    office.save("changed")
    with killing() as seen:
        operation.run(office)
    contents |= dict(truth(office.lake).values())
    points = list(seen.points)
    assert points
    print(f"{name}: {', '.join(points)}")
    for at in _chosen(points):
        office.back_to("changed")
        with killing(at) as killer:
            operation.run(office)
        assert killer.dead, points[at]
        operation.after(office)
        if name == "an audit that repairs":
            repair(office)  # what a disk lost is not for an index run to find
        try:
            check(office, contents, prefix)
        except BaseException as error:
            error.add_note(f"killed before {at + 1} of {len(points)}: {points[at]}; all: {points}")
            raise
