"""The encoder: texts in, unit vectors out.

One encoder a process, with two engines: for BERTs on a processor a graph of our own that OpenVINO compiles (`infra/bert.py`), which takes
0.3 s to be ready; for every other model or device the model's own code in transformers. On a machine with a graphics card a handful of short
texts takes the first all the same, because importing torch costs seconds which a single query need not pay.

Needs a model folder in the transformers layout with `tokenizer.json` and safetensors weights. Pickled weights are refused.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor, as_completed
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from infra.bert import Bert, Ids, is_plain_bert, padded
from infra.bert import Vectors as Vectors
from infra.models import best_device, best_dtype, fingerprint, model_folder
from infra.settings import Settings

if TYPE_CHECKING:
    from tokenizers import Tokenizer

TOKENS_PER_BATCH = 4_096  # tokens of one forward pass of torch
TOKENS_PER_PASS = 1_024  # of our own on one thread: fits the caches of a core, and pads little; 4,096 took 10 % longer
GPU_TOKENS_PER_BATCH = 262_144
UNRELATED = {"bundled": (0.06, 0.06), "multilingual": (0.772, 0.022)}  # over 739 queries, 400 passages drawn for each
QUERIES_KEPT = 1_000
TEXTS_AT_ONCE = 256  # of one call of the tokenizer
FEW_TOKENS = 4_096  # below this the processor has ended before torch is imported for a graphics card


class Encoder:
    """A sentence encoder. Build it with `load_encoder`.

    Attributes:
        folder: the model's files.
        fingerprint: 16 hexadecimal digits of the model and what it is given, see `infra.models.fingerprint`.
        dimension: length of a vector.
        max_tokens: most tokens of one text, special tokens included; longer texts are refused by `encode`.
    """

    def __init__(
        self,
        folder: Path,
        name: str,
        query_prefix: str = "",
        passage_prefix: str = "",
        device: str = "auto",
        precision: str = "int8",
    ) -> None:
        self.folder = folder
        self.name = name
        prompts = _prompts(folder)
        self._query_prefix = query_prefix or prompts.get("query", "")
        self._passage_prefix = passage_prefix or prompts.get("passage", "") or prompts.get("document", "")
        self._device, self._precision = device, precision
        config = json.loads((folder / "config.json").read_text())
        self.dimension: int = config["hidden_size"]
        self.max_tokens = _max_tokens(folder, config)
        self._mean = _pools_by_mean(folder)
        self._bert = is_plain_bert(folder, config)
        self._config = config
        self.fingerprint = fingerprint(folder, "encoder", self._query_prefix, self._passage_prefix)
        self._queries: dict[str, npt.NDArray[np.float32]] = {}
        self._lock = threading.Lock()
        self._light: _Engine | None = None
        self._heavy: _Engine | None = None

    @property
    def tokenizer(self) -> Tokenizer:
        """Return the model's own tokenizer, which neither pads nor cuts."""
        return _tokenizer(str(self.folder))

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Return tokens of each text, special tokens not counted."""
        return [
            len(encoding.ids)
            for start in range(0, len(texts), TEXTS_AT_ONCE)
            for encoding in self.tokenizer.encode_batch_fast(
                list(texts[start : start + TEXTS_AT_ONCE]), add_special_tokens=False
            )
        ]

    @property
    def english_only(self) -> bool:
        """Say whether the model was trained on English alone; of a model that a site chose nothing is assumed."""
        return self.name == "bundled"

    @property
    def unrelated(self) -> tuple[float, float]:
        """Return mean and deviation of the cosine of a query and a passage that have nothing to do with each other."""
        return UNRELATED.get(self.name, (0.0, 1.0))

    @property
    def prefix_tokens(self) -> int:
        """Tokens that the passage prefix takes of each text's room."""
        return self.count_tokens([self._passage_prefix])[0] if self._passage_prefix else 0

    def encode(self, texts: Sequence[str], progress: Callable[[int], None] | None = None) -> Vectors:
        """Return unit vectors of passages, float32 [len(texts), dimension], in the order given.

        Args:
            texts: each at most `max_tokens` long with the model's special tokens and the passage prefix.
            progress: called with the number of texts done after each forward pass.

        Raises:
            ValueError: a text is longer than the model reads; nothing is ever cut silently.
        """
        return self._encode([self._passage_prefix + t for t in texts], progress)

    def encode_query(self, text: str) -> npt.NDArray[np.float32]:
        """Return the unit vector of a query, float32 [dimension]; a query longer than the model reads is cut at its end."""
        if text not in self._queries:
            if len(self._queries) >= QUERIES_KEPT:
                self._queries.clear()
            self._queries[text] = self._encode_query(text)
        return self._queries[text]

    def _encode_query(self, text: str) -> npt.NDArray[np.float32]:
        prefixed = self._query_prefix + text
        encoding = self.tokenizer.encode(prefixed)
        if len(encoding.ids) > self.max_tokens:
            end = encoding.offsets[self.max_tokens - 2][0]
            prefixed = prefixed[:end]
        result: npt.NDArray[np.float32] = self._encode([prefixed], None)[0]
        return result

    def _encode(self, texts: Sequence[str], progress: Callable[[int], None] | None) -> Vectors:
        out = np.empty((len(texts), self.dimension), np.float32)
        if not texts:
            return out
        tokens = self._tokens(texts)
        lengths = np.fromiter(map(len, tokens), np.int64, len(tokens))
        if lengths.max() > self.max_tokens:
            raise ValueError(f"a text has {lengths.max()} tokens, and {self.name} reads {self.max_tokens}")
        engine = self._engine(int(lengths.sum()))
        for batch, vectors in engine.run(tokens, list(pack(lengths, engine.budget))):
            out[batch] = vectors
            if progress:
                progress(len(batch))
        return out

    def _tokens(self, texts: Sequence[str]) -> list[Ids]:
        """Return token ids of each text, special tokens included; the tokenizer's own records take 50 times the room."""
        return [
            np.array(encoding.ids, np.int32)
            for start in range(0, len(texts), TEXTS_AT_ONCE)
            for encoding in self.tokenizer.encode_batch_fast(list(texts[start : start + TEXTS_AT_ONCE]))
        ]

    def _engine(self, tokens: int) -> _Engine:
        with self._lock:
            if self._bert and self._device in {"auto", "cpu"} and (tokens <= FEW_TOKENS or self._on_processor):
                self._light = self._light or self._load_light()
                return self._light
            self._heavy = self._heavy or self._load_heavy()
            return self._heavy

    @cached_property
    def _on_processor(self) -> bool:
        return best_device(self._device) == "cpu"

    def _load_light(self) -> _Engine:
        bert = Bert(self.folder, self._config, self._mean, self._precision)
        return _Engine(bert, ThreadPoolExecutor(bert.threads, "encoder"), TOKENS_PER_PASS)

    def _load_heavy(self) -> _Engine:
        device = best_device(self._device)
        budget = GPU_TOKENS_PER_BATCH if device == "cuda" else TOKENS_PER_BATCH
        # one batch at a time: torch uses every core that it is given
        forward = _Transformers(self.folder, device, self._mean, self._precision)
        return _Engine(forward, ThreadPoolExecutor(1, "encoder"), budget)

    def warm(self) -> None:
        """Make ready now what many texts take, so that the first batch does not wait for it."""
        for _ in self._engine(FEW_TOKENS + 1).run(self._tokens([""]), [np.zeros(1, np.int64)]):
            pass


class _Engine:
    """A forward pass (token ids of texts, longest first → unit vectors), the threads that it runs on, and the tokens of one pass."""

    def __init__(self, forward: Callable[[Sequence[Ids]], Vectors], threads: Executor, budget: int) -> None:
        self.budget = budget
        self._forward, self._threads = forward, threads

    def run(
        self, texts: Sequence[Ids], batches: Sequence[npt.NDArray[np.int64]]
    ) -> Iterator[tuple[npt.NDArray[np.int64], Vectors]]:
        """Yield each batch with its vectors, in any order; who stops listening stops the work."""
        if len(batches) == 1:
            yield batches[0], self._forward([texts[i] for i in batches[0]])
            return
        waiting = {self._threads.submit(self._forward, [texts[i] for i in batch]): batch for batch in batches}
        try:
            for done in as_completed(waiting):
                yield waiting[done], done.result()
        finally:
            for future in waiting:
                future.cancel()


def pack(lengths: npt.NDArray[np.int64], budget: int) -> Iterator[npt.NDArray[np.int64]]:
    """Yield indices of texts in batches of near-equal length, longest first, each within `budget` padded tokens."""
    order = np.argsort(-lengths, kind="stable")
    start = 0
    while start < len(order):
        size = max(1, budget // int(lengths[order[start]]))
        yield order[start : start + size]
        start += size


def load_encoder(settings: Settings) -> Encoder:
    """Return the encoder that the settings name, loaded once a process.

    Raises:
        UsageError: the model is not there, has no safetensors weights, or the bundled one is not the official file.
    """
    return _load(
        settings.embedding_model, settings.query_prefix, settings.passage_prefix, settings.device, settings.precision
    )


@lru_cache(maxsize=4)
def _load(model: str, query_prefix: str, passage_prefix: str, device: str, precision: str) -> Encoder:
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")
    return Encoder(model_folder(model), model, query_prefix, passage_prefix, device, precision)


@lru_cache(maxsize=4)
def _tokenizer(folder: str) -> Tokenizer:
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(Path(folder) / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


def _max_tokens(folder: Path, config: dict[str, Any]) -> int:
    sentence = folder / "sentence_bert_config.json"
    if sentence.is_file():
        limit = json.loads(sentence.read_text()).get("max_seq_length")
        if limit:
            return int(limit)
    # RoBERTa-like models count positions from the padding index + 1
    offset = config.get("pad_token_id", 0) + 1 if "roberta" in config.get("model_type", "") else 0
    return int(config.get("max_position_embeddings", 512)) - offset


def _prompts(folder: Path) -> dict[str, str]:
    """Return what the model itself wants before queries and passages, where its folder says so."""
    settings = folder / "config_sentence_transformers.json"
    if not settings.is_file():
        return {}
    prompts: dict[str, str] = json.loads(settings.read_text()).get("prompts") or {}
    return prompts


def _pools_by_mean(folder: Path) -> bool:
    pooling = folder / "1_Pooling" / "config.json"
    return not pooling.is_file() or bool(json.loads(pooling.read_text()).get("pooling_mode_mean_tokens", True))


class _Transformers:
    """The model's own code on a device."""

    def __init__(self, folder: Path, device: str, mean: bool, precision: str) -> None:
        import torch
        from transformers import AutoModel
        from transformers.utils import logging

        logging.disable_progress_bar()
        self._torch = torch
        self._device = device
        dtype = torch.float32 if precision == "float32" else best_dtype(device)
        model = AutoModel.from_pretrained(
            str(folder), local_files_only=True, use_safetensors=True, trust_remote_code=False, dtype=dtype
        )
        self._model = model.to(device).eval()
        self._mean = mean

    def __call__(self, texts: Sequence[Ids]) -> Vectors:
        ids, mask = padded(texts)
        torch = self._torch
        with torch.inference_mode():
            tokens = torch.from_numpy(ids).to(self._device)
            attention = torch.from_numpy(mask).to(self._device)
            # without padding the mask is left out, which lets torch take its faster attention
            hidden = self._model(tokens, attention_mask=None if mask.all() else attention).last_hidden_state.float()
            if self._mean:
                weight = attention.unsqueeze(-1).float()
                pooled = (hidden * weight).sum(1) / weight.sum(1)
            else:
                pooled = hidden[:, 0]
            unit = torch.nn.functional.normalize(pooled, dim=1)
            result: Vectors = unit.cpu().numpy()
            return result
