"""BERT's forward pass (Devlin et al. 2019, sections 3 and A.2) on a processor, as a graph that OpenVINO compiles.

Why not the model's own code in torch: importing torch costs seconds of processor time, which a query or a one-page document need not pay,
and its 8-bit products measure activations by the tensor, which spoils the vectors (cosine 0.976 at the mean). OpenVINO measures them by
the token: the matrix products of `int8` take half the time of bfloat16's, and the vectors stay near the exact ones (cosine 0.997).

Needs a model folder in the transformers layout with safetensors weights. `infra/encoder.py` decides when this pass is used.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from infra.machine import cores

STEP = 8  # tokens: texts are padded to a multiple of it, because code is compiled for each length that occurs
SHAPES = 64  # of which compiled code is kept
MASKED = -1e9  # a score that softmax takes for zero
Ids = npt.NDArray[np.int32]
Vectors = npt.NDArray[np.float32]
Node = Any  # a node of OpenVINO's graph


def is_plain_bert(folder: Path, config: dict[str, Any]) -> bool:
    """Say whether the pass here computes what the model's own code would."""
    return (
        config.get("model_type") == "bert"
        and config.get("position_embedding_type", "absolute") == "absolute"
        and config.get("hidden_act") == "gelu"
        # NumPy, which reads the weights, has no bfloat16
        and "bfloat16" not in {config.get("dtype"), config.get("torch_dtype")}
        and (folder / "model.safetensors").is_file()
    )


class Bert:
    """Token ids in, unit vectors out. Safe to call from several threads, of which `threads` compute side by side.

    Args:
        precision: of the matrix products. `int8`: weights by output, activations by token; `bfloat16` where the processor multiplies
            it, else float32; `float32`.
    """

    def __init__(self, folder: Path, config: dict[str, Any], mean: bool, precision: str) -> None:
        self._folder, self._config = folder, config
        self._mean, self._precision = mean, precision
        self.threads = _given_threads()
        self._lock = threading.Lock()
        self._own = threading.local()

    @cached_property
    def _compiled(self) -> Any:
        import openvino

        settings: dict[str, Any] = {
            "NUM_STREAMS": self.threads,  # passes side by side, each on one thread: none waits for another within a layer
            "INFERENCE_NUM_THREADS": self.threads,
            "ENABLE_CPU_PINNING": False,  # else every process takes the same cores
            "CPU_RUNTIME_CACHE_CAPACITY": SHAPES,
        }
        if self._precision == "int8":
            settings["DYNAMIC_QUANTIZATION_GROUP_SIZE"] = self._config["hidden_size"]
        if self._precision == "float32":
            settings["INFERENCE_PRECISION_HINT"] = "f32"
        graph = _Graph(self._folder, self._config, self._precision == "int8").build(self._mean)
        return openvino.Core().compile_model(graph, "CPU", settings)

    def __call__(self, texts: Sequence[Ids]) -> Vectors:
        """Return unit vectors, float32 [len(texts), dimension], of token ids [length of the text]."""
        ids, mask = padded(texts, STEP)
        places = np.arange(ids.shape[1], dtype=np.int32)
        result = self._request.infer([ids.astype(np.int32), mask.astype(np.float32), places])
        vectors: Vectors = result[0].copy()  # the request's own memory is written again by the next text
        return vectors

    @property
    def _request(self) -> Any:
        """This thread's own: one of them serves one call at a time."""
        if not hasattr(self._own, "request"):
            with self._lock:
                self._own.request = self._compiled.create_infer_request()
        return self._own.request


def _given_threads() -> int:
    """Return one a core, unless whoever started this process (Dask's nanny, say) gave it less in OMP_NUM_THREADS."""
    given = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0].strip()
    return int(given) if given.isdecimal() and int(given) else cores()


class _Graph:
    """Builds the graph: ids int32 [texts, length], mask float32 of that shape (1 a token, 0 padding), places int32 [length]."""

    def __init__(self, folder: Path, config: dict[str, Any], int8: bool) -> None:
        from openvino import opset13
        from safetensors.numpy import load_file

        self._op = opset13
        self._int8 = int8
        stored = {name.removeprefix("bert."): w for name, w in load_file(folder / "model.safetensors").items()}
        self._words = stored.pop("embeddings.word_embeddings.weight")
        self._weights = {name: weight.astype(np.float32) for name, weight in stored.items()}
        self._heads: int = config["num_attention_heads"]
        self._layers: int = config["num_hidden_layers"]
        self._size: int = config["hidden_size"]
        self._eps: float = config["layer_norm_eps"]

    def build(self, mean: bool) -> Any:
        """Return the model: its one result are unit vectors [texts, size], of the mean of all tokens or of the first."""
        from openvino import Model

        op = self._op
        ids = op.parameter([-1, -1], np.int32)
        mask = op.parameter([-1, -1], np.float32)
        places = op.parameter([-1], np.int32)
        hidden = self._hidden(ids, mask, places)
        vectors = self._mean(hidden, mask) if mean else op.gather(hidden, self._list(0), op.constant(1))
        flat = op.reshape(vectors, self._list(0, self._size), special_zero=True)
        return Model([op.normalize_l2(flat, self._list(1), 1e-12, "max")], [ids, mask, places])

    def _hidden(self, ids: Node, mask: Node, places: Node) -> Node:
        """Return what the last layer says of each token, [texts, length, size]."""
        op = self._op
        table = self._weights["embeddings.position_embeddings.weight"]
        table = table + self._weights["embeddings.token_type_embeddings.weight"][0]
        # the table of words stays as stored: in float32 it would take most of a multilingual model's memory
        words = op.gather(op.constant(self._words), ids, op.constant(0))
        words = op.convert(words, "f32")
        x = self._norm(op.add(words, op.gather(op.constant(table), places, op.constant(0))), "embeddings.LayerNorm")
        hidden_ones = op.multiply(op.subtract(op.constant(np.float32(1)), mask), op.constant(np.float32(MASKED)))
        scores = op.unsqueeze(hidden_ones, self._list(1, 2))
        for layer in range(self._layers):
            x = self._block(x, scores, f"encoder.layer.{layer}.")
        return x

    def _block(self, x: Node, mask: Node, at: str) -> Node:
        op = self._op
        query, key, value = (self._split(self._linear(x, f"{at}attention.self.{p}")) for p in ("query", "key", "value"))
        attended = op.scaled_dot_product_attention(query, key, value, mask, causal=False)
        attended = op.reshape(op.transpose(attended, self._list(0, 2, 1, 3)), self._list(0, 0, -1), special_zero=True)
        x = op.add(x, self._linear(attended, f"{at}attention.output.dense"))
        x = self._norm(x, f"{at}attention.output.LayerNorm")
        inner = op.gelu(self._linear(x, f"{at}intermediate.dense"), "erf")
        return self._norm(op.add(x, self._linear(inner, f"{at}output.dense")), f"{at}output.LayerNorm")

    def _split(self, x: Node) -> Node:
        """Reshape [texts, length, size] to [texts, heads, length, size of a head]."""
        parts = self._op.reshape(x, self._list(0, 0, self._heads, -1), special_zero=True)
        return self._op.transpose(parts, self._list(0, 2, 1, 3))

    def _linear(self, x: Node, name: str) -> Node:
        op = self._op
        weight = self._weights[f"{name}.weight"]
        if self._int8:  # symmetric, a scale for each output: the pattern that OpenVINO knows as compressed weights
            scale = np.maximum(np.abs(weight).max(axis=1, keepdims=True), 1e-12) / np.float32(127)
            rounded = op.convert(op.constant(np.round(weight / scale).astype(np.int8)), "f32")
            constant = op.multiply(rounded, op.constant(scale.astype(np.float32)))
        else:
            constant = op.constant(weight)
        product = op.matmul(x, constant, transpose_a=False, transpose_b=True)
        return op.add(product, op.constant(self._weights[f"{name}.bias"]))

    def _norm(self, x: Node, name: str) -> Node:
        op = self._op
        unit = op.mvn(x, self._list(-1), normalize_variance=True, eps=self._eps, eps_mode="inside_sqrt")
        scaled = op.multiply(unit, op.constant(self._weights[f"{name}.weight"]))
        return op.add(scaled, op.constant(self._weights[f"{name}.bias"]))

    def _mean(self, hidden: Node, mask: Node) -> Node:
        op = self._op
        ones = op.unsqueeze(mask, self._list(1))
        return op.divide(op.matmul(ones, hidden, False, False), op.reduce_sum(ones, self._list(2), keep_dims=True))

    def _list(self, *numbers: int) -> Node:
        return self._op.constant(np.array(numbers, np.int64))


def padded(texts: Sequence[Ids], step: int = 1) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return token ids and mask, int64 [len(texts), longest rounded up to a multiple of `step`], padded with 0 on the right."""
    width = -(-max(map(len, texts)) // step) * step
    ids = np.zeros((len(texts), width), np.int64)
    mask = np.zeros((len(texts), width), np.int64)
    for row, text in enumerate(texts):
        ids[row, : len(text)] = text
        mask[row, : len(text)] = 1
    return ids, mask
