"""The bundled encoder: engines and precisions, packing, limits, and what is refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra import models
from infra.bert import is_plain_bert
from infra.encoder import Encoder, load_encoder, pack
from infra.errors import UsageError
from infra.models import model_folder
from infra.settings import Settings

TEXTS = [
    "fattura",
    "The board approved the annual report. " * 12,
    "I ricavi delle vendite sono cresciuti del 4,5 %.",
    "€ 1.234",
]


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return load_encoder(Settings(embedding_model="bundled"))


@pytest.mark.slow
def test_every_engine_gives_the_same_unit_vectors_in_the_order_given(encoder: Encoder, tmp_path: Path) -> None:
    texts = [*TEXTS, "", *TEXTS[:2], "one two", "three four"]
    exact = Encoder(not_plain(encoder.folder, tmp_path), "theirs", device="cpu", precision="float32").encode(texts)
    for precision, cosine in (("float32", 0.99999), ("bfloat16", 0.999), ("int8", 0.98)):
        vectors = Encoder(encoder.folder, "ours", precision=precision).encode(texts)
        assert exact.shape == vectors.shape == (len(texts), 384)
        assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-3)
        assert ((exact * vectors).sum(1) > cosine).all(), precision


def test_a_vector_does_not_depend_on_the_texts_beside_it(encoder: Encoder) -> None:
    alone = np.stack([encoder.encode([text])[0] for text in TEXTS])
    assert np.allclose(encoder.encode([*TEXTS, *(f"{text} {text}" for text in TEXTS)])[:4], alone, atol=2e-3)


def test_what_the_graph_does_not_compute_is_left_to_transformers(encoder: Encoder) -> None:
    config = json.loads((encoder.folder / "config.json").read_text())
    assert is_plain_bert(encoder.folder, config)
    others: list[dict[str, object]] = [
        {"model_type": "roberta"},
        {"hidden_act": "gelu_new"},
        {"position_embedding_type": "relative_key"},
        {"torch_dtype": "bfloat16"},
        {"dtype": "bfloat16"},
    ]
    assert not any(is_plain_bert(encoder.folder, config | other) for other in others)


@pytest.mark.slow
def test_pooling_by_the_first_token(encoder: Encoder, tmp_path: Path) -> None:
    theirs = not_plain(encoder.folder, tmp_path / "theirs")
    ours = tmp_path / "ours"
    shutil.copytree(encoder.folder, ours)
    for folder in (theirs, ours):
        (folder / "1_Pooling" / "config.json").write_text(json.dumps({"pooling_mode_mean_tokens": False}))
    exact = Encoder(theirs, "theirs", device="cpu", precision="float32").encode(TEXTS)
    assert np.allclose(Encoder(ours, "ours", precision="float32").encode(TEXTS), exact, atol=1e-4)
    assert not np.allclose(encoder.encode(TEXTS), exact, atol=0.05)


def not_plain(folder: Path, into: Path) -> Path:
    """The same model with a word in its configuration for which it is left to transformers ("gelu_python" is "gelu")."""
    for file in folder.rglob("*"):
        if file.is_file():
            (into / file.relative_to(folder)).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, into / file.relative_to(folder))
    config = json.loads((folder / "config.json").read_text()) | {"hidden_act": "gelu_python"}
    (into / "config.json").write_text(json.dumps(config))
    return into


@pytest.mark.slow
def test_who_stops_listening_stops_the_work_and_others_go_on(encoder: Encoder) -> None:
    heavy = Encoder(encoder.folder, "heavy", device="cpu")
    heavy.warm()

    def stop(_: int) -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        heavy.encode(TEXTS * 100, stop)
    assert np.allclose(heavy.encode(TEXTS), heavy.encode(TEXTS * 2)[:4], atol=1e-2)


def test_a_meaning_is_nearer_than_another(encoder: Encoder) -> None:
    profit, income, dog = encoder.encode(["net profit of the company", "the firm's earnings", "a dog in the garden"])
    assert profit @ income > profit @ dog + 0.2


def test_a_text_that_is_too_long_is_refused_and_a_query_is_cut(encoder: Encoder) -> None:
    with pytest.raises(ValueError, match="reads 256"):
        encoder.encode(["word " * 300])
    assert encoder.encode_query("word " * 300).shape == (384,)


def test_progress_counts_every_text_once(encoder: Encoder) -> None:
    seen: list[int] = []
    encoder.encode(TEXTS * 5, seen.append)
    assert sum(seen) == 20


@given(st.lists(st.integers(1, 256), max_size=80), st.integers(1, 1024))
def test_packing_keeps_every_text_once_and_the_budget(lengths: list[int], budget: int) -> None:
    array = np.array(lengths, np.int64)
    batches = list(pack(array, budget))
    assert sorted(int(i) for batch in batches for i in batch) == list(range(len(lengths)))
    for batch in batches:
        assert len(batch) == 1 or array[batch].max() * len(batch) <= budget


def test_a_model_without_safetensors_is_refused(tmp_path: Path) -> None:
    for name in ("config.json", "tokenizer.json", "pytorch_model.bin"):
        (tmp_path / name).write_text("{}")
    with pytest.raises(UsageError, match="safetensors"):
        model_folder(str(tmp_path))


@pytest.mark.slow
def test_a_device_that_is_not_there_is_named() -> None:
    with pytest.raises(UsageError, match="FALDONE_DEVICE: cuda"):
        Encoder(model_folder("bundled"), "x", device="cuda").warm()


def test_a_fingerprint_is_of_all_that_counts_and_not_of_the_place(encoder: Encoder, tmp_path: Path) -> None:
    from safetensors.numpy import load_file, save_file

    here, there = tmp_path / "here", tmp_path / "there"
    shutil.copytree(encoder.folder, here)
    same = Encoder(here, "here").fingerprint
    assert same == encoder.fingerprint
    shutil.copytree(here, there)
    assert Encoder(there, "there").fingerprint == same
    assert Encoder(there, "there", passage_prefix="passage: ").fingerprint != same

    weights = load_file(there / "model.safetensors")
    last = max(name for name in weights if "layer.5" in name and name.endswith("weight"))
    weights[last] = weights[last] + 0.01  # far behind the first MiB
    save_file(weights, there / "model.safetensors", metadata={"format": "pt"})
    seen = {same, Encoder(there, "there").fingerprint}
    for name in ("tokenizer.json", "1_Pooling/config.json", "sentence_bert_config.json"):
        path = here / name
        path.parent.mkdir(exist_ok=True)
        before = path.read_bytes() if path.exists() else b"{}"
        path.write_bytes(before + b"\n")
        seen.add(Encoder(here, "here").fingerprint)
    assert len(seen) == 5


def test_large_files_are_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    models._known_digests.cache_clear()
    path = tmp_path / "weights"
    path.write_bytes(b"x" * (2 << 20))
    first = models.digest(path)
    models._known_digests.cache_clear()  # as in another process
    monkeypatch.setattr(models.hashlib, "file_digest", None)
    assert models.digest(path) == first
    models._known_digests.cache_clear()
