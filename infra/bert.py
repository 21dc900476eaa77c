"""BERT's forward pass in NumPy, for a query or a short document: importing torch and transformers takes 4 s of processor time.

Needs a folder with BERT's safetensors weights; `infra/encoder.py` decides when it is used.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Vectors = npt.NDArray[np.float32]


class NumpyBert:
    """BERT's forward pass in NumPy, float32, for a few short texts (Devlin et al. 2019, sections 3 and A.2)."""

    def __init__(self, folder: Path, config: dict[str, Any], mean: bool) -> None:
        from safetensors.numpy import load_file
        from threadpoolctl import threadpool_limits

        # a short text is done before a second thread has woken: 27 ms with one thread, 146 ms with two on a busy machine
        threadpool_limits(limits=1, user_api="blas")

        weights = {
            name.removeprefix("bert."): w.astype(np.float32)
            for name, w in load_file(folder / "model.safetensors").items()
        }
        self._w = weights
        self._heads: int = config["num_attention_heads"]
        self._layers: int = config["num_hidden_layers"]
        self._eps: float = config["layer_norm_eps"]
        self._mean = mean

    def __call__(self, ids: npt.NDArray[np.int64], mask: npt.NDArray[np.int64]) -> Vectors:
        w = self._w
        x = w["embeddings.word_embeddings.weight"][ids] + w["embeddings.position_embeddings.weight"][: ids.shape[1]]
        x = self._norm(x + w["embeddings.token_type_embeddings.weight"][0], "embeddings.LayerNorm")
        bias = np.where(mask[:, None, None, :], np.float32(0), np.float32(-1e9))
        for layer in range(self._layers):
            x = self._block(x, bias, f"encoder.layer.{layer}.")
        weight = mask[..., None].astype(np.float32)
        pooled = (x * weight).sum(1) / weight.sum(1) if self._mean else x[:, 0]
        unit: Vectors = pooled / np.linalg.norm(pooled, axis=1, keepdims=True)
        return unit

    def _block(self, x: Vectors, bias: Vectors, at: str) -> Vectors:
        batch, width, size = x.shape
        split = (batch, width, self._heads, size // self._heads)
        query, key, value = (
            self._linear(x, f"{at}attention.self.{part}").reshape(split).transpose(0, 2, 1, 3)
            for part in ("query", "key", "value")
        )
        scores = query @ key.transpose(0, 1, 3, 2) / np.float32(np.sqrt(split[3])) + bias
        scores = np.exp(scores - scores.max(-1, keepdims=True))
        attended = (scores / scores.sum(-1, keepdims=True)) @ value
        attended = attended.transpose(0, 2, 1, 3).reshape(batch, width, size)
        x = self._norm(x + self._linear(attended, f"{at}attention.output.dense"), f"{at}attention.output.LayerNorm")
        inner = _gelu(self._linear(x, f"{at}intermediate.dense"))
        return self._norm(x + self._linear(inner, f"{at}output.dense"), f"{at}output.LayerNorm")

    def _linear(self, x: Vectors, name: str) -> Vectors:
        result: Vectors = x @ self._w[f"{name}.weight"].T + self._w[f"{name}.bias"]
        return result

    def _norm(self, x: Vectors, name: str) -> Vectors:
        centred = x - x.mean(-1, keepdims=True)
        scaled = centred / np.sqrt((centred * centred).mean(-1, keepdims=True) + self._eps)
        result: Vectors = scaled * self._w[f"{name}.weight"] + self._w[f"{name}.bias"]
        return result


def _gelu(x: Vectors) -> Vectors:
    """x·Φ(x) with erf by Abramowitz & Stegun 7.1.26 (error below 1.5e-7): NumPy has none of its own."""
    z = np.abs(x) * np.float32(0.7071067811865476)
    t = 1 / (1 + np.float32(0.3275911) * z)
    poly = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))))
    erf = np.sign(x) * (1 - poly * np.exp(-z * z))
    result: Vectors = (0.5 * x * (1 + erf)).astype(np.float32)
    return result
