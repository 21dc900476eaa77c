"""A backup's manifest is input from outside: whatever stands in it is read as it was written or refused by name."""

from __future__ import annotations

import copy
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.backup_store import Damaged
from infra.errors import UsageError
from tasks.maintain.manifest import File, Manifest, Pinned, decode, encode

ID = "20261120-010000-a1b2"
DIGEST = "ab" * 32
WHOLE = Manifest(
    ID,
    "2026-11-20T01:00:00+00:00",
    "0.1.0",
    3,
    12,
    (Pinned("documents.chunks", 4, 12), Pinned("documents.documents", 2, 3)),
    (File("lake/documents.chunks.lance/data/a.lance", 5, DIGEST), File("models/x/2026/classifier.json", 0, DIGEST)),
    {"embedding_model": "auto"},
)


def signed(body: object) -> bytes:
    line = json.dumps(body, ensure_ascii=False).encode("utf-8", "surrogatepass")
    return json.dumps({"sha256": hashlib.sha256(line).hexdigest()}).encode() + b"\n" + line + b"\n"


BODY: dict[str, Any] = json.loads(encode(WHOLE).split(b"\n")[1])


def places(node: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a JSON value."""
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    return [path, *(place for key, value in items for place in places(value, (*path, key)))]


PATHS = ["..", "../x", "/etc/passwd", "lake/../../x", "lake\\..\\x", "lake/a.lance/\n", "models/./x", "lake/x"]
NAMES = ["", "a\0b", "AB" * 32, "ab" * 31, "documents.chunks\n", "\ud800"]
HOSTILE = st.sampled_from([*PATHS, *NAMES, None, True, -1, 1e400, 2**70, [], {}, [[]], ["x"], {"a": 1}])


@settings(max_examples=200)
@given(st.sampled_from(places(BODY)), HOSTILE, st.booleans())
def test_any_forged_entry_is_read_safely_or_refused(place: tuple[Any, ...], value: Any, absent: bool) -> None:
    body = copy.deepcopy(BODY)
    if place:
        *above, last = place
        node: Any = body
        for key in above:
            node = node[key]
        if absent and isinstance(node, dict):
            del node[last]
        else:
            node[last] = value
    else:
        body = value
    try:
        made = decode(signed(body), ID, "there")
    except (Damaged, UsageError) as error:
        assert str(error).startswith("there: ")
        return
    root = Path("/data")
    assert all((root / file.path).resolve().is_relative_to(root) for file in made.files)
    assert all("/" not in table.name and table.rows >= 0 for table in made.tables)
    assert (made.id, all(file.size >= 0 for file in made.files)) == (ID, True)


@given(st.integers(0, len(encode(WHOLE)) - 1), st.integers(1, 255))
def test_a_flipped_byte_is_damage(place: int, change: int) -> None:
    content = bytearray(encode(WHOLE))
    content[place] ^= change
    with pytest.raises((Damaged, UsageError)):
        decode(bytes(content), ID, "there")


@given(st.integers(0, len(encode(WHOLE)) - 1))
def test_a_manifest_that_breaks_off_is_damage(length: int) -> None:
    with pytest.raises(Damaged):
        decode(encode(WHOLE)[:length], ID, "there")


@pytest.mark.parametrize(
    ("body", "error", "words"),
    [
        (BODY | {"format": 2, "release": "9.0"}, UsageError, "made by another release of Faldone .9.0., format 2"),
        (BODY | {"id": "20261121-010000-a1b2"}, Damaged, "the manifest of backup 20261121-010000-a1b2"),
        (BODY | {"files": [BODY["files"][0]] * 2}, UsageError, "is not sound"),
        (BODY | {"tables": [{"name": "../x", "version": 1, "rows": 1}]}, UsageError, "not the name of a table"),
        ([BODY], Damaged, "not a manifest"),
    ],
)
def test_what_is_wrong_is_named(body: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        decode(signed(body), ID, "there")


def test_a_manifest_is_read_as_it_was_written() -> None:
    assert decode(encode(WHOLE), ID, "there") == WHOLE
    with pytest.raises(Damaged):
        decode(signed(json.loads("[" * 900 + "]" * 900)), ID, "there")
