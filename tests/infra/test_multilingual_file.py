"""The wheel's file read by a second hand: a small model is written as the file's layout says, and comes out the same."""

from __future__ import annotations

import hashlib
import json
import struct
from pathlib import Path

import numpy as np
import pytest

from infra import multilingual
from infra.errors import UsageError

SIZE, LAYERS, INNER, POSITIONS = 32, 2, 48, 6
PIECES = ["<s>", "<pad>", "</s>", "<unk>", "▁casa", "株", "▁", "a", "γ", "ж", "ʼ", "▁mia", "한", "1", "."]
KEPT = [piece for piece in PIECES if piece not in {"株", "한"}]
SHAPES = {
    "emb.word": (len(PIECES), SIZE),
    "emb.pos": (POSITIONS, SIZE),
    "emb.type": (1, SIZE),
    "emb.ln.w": (SIZE,),
    "emb.ln.b": (SIZE,),
}
for layer in range(LAYERS):
    for name, (rows, columns) in {
        "q": (SIZE, SIZE),
        "k": (SIZE, SIZE),
        "v": (SIZE, SIZE),
        "ao": (SIZE, SIZE),
        "fi": (INNER, SIZE),
        "fo": (SIZE, INNER),
    }.items():
        SHAPES |= {f"l{layer}.{name}.w": (rows, columns), f"l{layer}.{name}.b": (rows,)}
    SHAPES |= {f"l{layer}.{norm}.{part}": (SIZE,) for norm in ("aln", "oln") for part in "wb"}


def packed(nibbles: np.ndarray, scales: np.ndarray) -> bytes:
    """Blocks of 32 values: a scale in float16, then the low nibbles of the first half and the high ones of the second."""
    low, high = nibbles[:, :16] + 8, nibbles[:, 16:] + 8
    return b"".join(
        s.tobytes() + (a | (b << 4)).astype(np.uint8).tobytes() for s, a, b in zip(scales, low, high, strict=True)
    )


def model_file() -> tuple[bytes, dict[str, np.ndarray]]:
    """A file in the wheel's layout, and the values of its tensors."""
    random = np.random.default_rng(7)
    values, stored = {}, []
    for name, shape in SHAPES.items():
        count = int(np.prod(shape))
        if len(shape) == 2:
            blocks = -(-count // 32)
            nibbles = random.integers(-8, 8, (blocks, 32))
            scales = random.uniform(0.01, 0.1, blocks).astype("<f2")
            values[name] = (nibbles * scales[:, None].astype(np.float32)).reshape(-1)[:count].reshape(shape)
            stored.append((name, 1, count, packed(nibbles, scales)))
        else:
            values[name] = random.normal(size=shape).astype("<f4")
            stored.append((name, 0, count, values[name].tobytes()))
    text = [piece.encode() for piece in PIECES]
    offsets = np.cumsum([0, *map(len, text)]).astype("<u4")
    head = b"E5S1\0\0\0\0" + struct.pack("<7i", SIZE, LAYERS, 4, INNER, len(PIECES), POSITIONS, 1)
    head += struct.pack("<fi", 1e-12, 32) + struct.pack("<5i", len(PIECES), 0, 2, 1, 3)
    head += struct.pack("<Q", sum(map(len, text))) + offsets.tobytes()
    head += np.linspace(-1, -9, len(PIECES)).astype("<f4").tobytes() + b"".join(text)
    head += struct.pack("<iI", 2, 5) + b"table" + struct.pack("<i", len(stored))
    place = len(head) + sum(2 + len(name) + 21 for name, *_ in stored)
    for name, kind, count, data in stored:
        head += struct.pack("<H", len(name)) + name.encode() + struct.pack("<BIQQ", kind, count, place, len(data))
        place += len(data)
    return head + b"".join(data for *_, data in stored), values


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    data, _ = model_file()
    file = tmp_path / "e5-small-q4.bin"
    file.write_bytes(data)
    monkeypatch.setattr(multilingual, "SHA256", hashlib.sha256(data).hexdigest())
    return file


@pytest.mark.slow
def test_transformers_reads_every_weight_as_it_was_stored(source: Path, tmp_path: Path) -> None:
    import torch
    from transformers import BertModel

    multilingual.convert(source, tmp_path / "models" / "small")
    model, told = BertModel.from_pretrained(
        tmp_path / "models" / "small", output_loading_info=True, torch_dtype=torch.float32
    )
    assert not told["unexpected_keys"]
    assert all("pooler" in key for key in told["missing_keys"])
    _, values = model_file()
    weights = {name: weight.numpy() for name, weight in model.state_dict().items()}
    kept = [PIECES.index(piece) for piece in KEPT]
    assert np.allclose(weights["embeddings.word_embeddings.weight"], values["emb.word"][kept], atol=1e-3)
    for ours, theirs in (
        ("emb.pos", "embeddings.position_embeddings.weight"),
        ("l1.fi.w", "encoder.layer.1.intermediate.dense.weight"),
        ("l1.fo.w", "encoder.layer.1.output.dense.weight"),
        ("l0.ao.b", "encoder.layer.0.attention.output.dense.bias"),
        ("l0.oln.w", "encoder.layer.0.output.LayerNorm.weight"),
    ):
        assert np.allclose(weights[theirs], values[ours], atol=2e-3), ours


def test_words_of_the_kept_scripts_keep_their_pieces(source: Path, tmp_path: Path) -> None:
    from tokenizers import Tokenizer

    multilingual.convert(source, tmp_path / "small")
    tokenizer = Tokenizer.from_file(str(tmp_path / "small" / "tokenizer.json"))
    assert sorted(tokenizer.get_vocab(), key=tokenizer.token_to_id) == KEPT
    assert tokenizer.encode("casa  mia 1.").tokens == ["<s>", "▁casa", "▁mia", "▁", "1", ".", "</s>"]
    assert tokenizer.token_to_id("<unk>") in tokenizer.encode("株").ids
    config = json.loads((tmp_path / "small" / "config.json").read_text())
    assert (config["vocab_size"], config["hidden_size"], config["num_hidden_layers"]) == (len(KEPT), SIZE, LAYERS)


def test_of_two_that_convert_at_once_the_first_stands(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "small"
    multilingual.convert(source, target)
    before = (target / "model.safetensors").stat().st_ino
    multilingual.convert(source, target)
    assert (target / "model.safetensors").stat().st_ino == before
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == ["small"], "nothing is left beside it"
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "other").touch()
    with pytest.raises(OSError, match="taken"):
        multilingual.convert(source, tmp_path / "taken")


def test_a_model_is_converted_once_into_the_cache_of_the_user(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(multilingual, "_source", lambda: source)
    folder = multilingual.folder()
    assert folder.parent == tmp_path / "cache" / "faldone" / "models"
    source.unlink()
    assert multilingual.folder() == folder


def test_what_is_no_such_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = b"GGUF" + bytes(64)
    (tmp_path / "x.bin").write_bytes(data)
    monkeypatch.setattr(multilingual, "SHA256", hashlib.sha256(data).hexdigest())
    with pytest.raises(UsageError, match="is not a model file"):
        multilingual.convert(tmp_path / "x.bin", tmp_path / "model")
    monkeypatch.setattr(multilingual, "PACKAGE", "no_such_wheel")
    assert not multilingual.installed()
    with pytest.raises(UsageError, match="needs the wheel no_such_wheel"):
        multilingual._source()
