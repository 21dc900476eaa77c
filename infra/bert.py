"""BERT's forward pass (Devlin et al. 2019, sections 3 and A.2), twice: in NumPy for a query or a short document, because importing
torch takes seconds, and in torch for everything else on a processor, without padding and with oneDNN's fused layers.

Both take texts as token ids, longest first, and give unit vectors. `infra/encoder.py` decides which is used.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from torch import Tensor

TOKENS = 512  # tokens of a forward pass are a multiple of it
Ids = npt.NDArray[np.int32]
Vectors = npt.NDArray[np.float32]


def is_plain_bert(folder: Path, config: dict[str, Any]) -> bool:
    """Whether the two passes here compute what the model's own code would."""
    return (
        config.get("model_type") == "bert"
        and config.get("position_embedding_type", "absolute") == "absolute"
        and config.get("hidden_act") == "gelu"
        and (folder / "model.safetensors").is_file()
    )


class NumpyBert:
    """In NumPy, float32 and one thread, for a few short texts."""

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

    def __call__(self, texts: Sequence[Ids]) -> Vectors:
        """Unit vectors, float32 [len(texts), dimension], of token ids [length of the text]."""
        ids, mask = padded(texts)
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


def padded(texts: Sequence[Ids]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Token ids and mask, int64 [len(texts), longest], padded with 0 on the right."""
    width = max(map(len, texts))
    ids = np.zeros((len(texts), width), np.int64)
    mask = np.zeros((len(texts), width), np.int64)
    for row, text in enumerate(texts):
        ids[row, : len(text)] = text
        mask[row, : len(text)] = 1
    return ids, mask


def _gelu(x: Vectors) -> Vectors:
    """x·Φ(x) with erf by Abramowitz & Stegun 7.1.26 (error below 1.5e-7): NumPy has none of its own."""
    z = np.abs(x) * np.float32(0.7071067811865476)
    t = 1 / (1 + np.float32(0.3275911) * z)
    poly = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))))
    erf = np.sign(x) * (1 - poly * np.exp(-z * z))
    result: Vectors = (0.5 * x * (1 + erf)).astype(np.float32)
    return result


class TorchBert:
    """In torch on a processor, for many texts: they lie end to end, so that nothing is computed for padding.

    Safe to call from several threads. Where oneDNN multiplies bfloat16, its linear layers are used with weights laid out
    once and with bias and GELU inside: the layers of torch copy the bias before each product and pass over the result again.
    """

    def __init__(self, folder: Path, config: dict[str, Any], mean: bool, dtype: Any) -> None:
        import torch
        from safetensors.torch import load_file

        self._torch = torch
        self._heads: int = config["num_attention_heads"]
        self._eps: float = config["layer_norm_eps"]
        self._mean = mean
        self._fused = dtype == torch.bfloat16 and hasattr(torch.ops.mkldnn, "_linear_pointwise")
        weights = {
            name.removeprefix("bert."): w.to(dtype) for name, w in load_file(folder / "model.safetensors").items()
        }
        with torch.inference_mode():
            self._words = weights["embeddings.word_embeddings.weight"]
            types = weights["embeddings.token_type_embeddings.weight"][0]
            self._places = weights["embeddings.position_embeddings.weight"] + types
            self._first_norm = _pair(weights, "embeddings.LayerNorm")
            self._layers = [self._layer(weights, f"encoder.layer.{n}.") for n in range(config["num_hidden_layers"])]

    def _layer(self, weights: dict[str, Tensor], at: str) -> dict[str, Any]:
        parts = [_pair(weights, f"{at}attention.self.{part}") for part in ("query", "key", "value")]
        attention = tuple(self._torch.cat(part) for part in zip(*parts, strict=True))
        linear = {
            "attention": attention,
            "attended": _pair(weights, f"{at}attention.output.dense"),
            "inner": _pair(weights, f"{at}intermediate.dense"),
            "outer": _pair(weights, f"{at}output.dense"),
        }
        if self._fused:
            lay_out = self._torch.ops.mkldnn._reorder_linear_weight
            linear = {name: (lay_out(weight), bias) for name, (weight, bias) in linear.items()}
        norms = {
            "norm": _pair(weights, f"{at}attention.output.LayerNorm"),
            "last": _pair(weights, f"{at}output.LayerNorm"),
        }
        return linear | norms

    def __call__(self, texts: Sequence[Ids]) -> Vectors:
        """Unit vectors, float32 [len(texts), dimension], of token ids [length of the text]; neighbours of one length go together."""
        torch = self._torch
        groups = list(_equal_lengths(texts))
        with torch.inference_mode():
            ids = torch.from_numpy(_rounded_up(np.concatenate(texts)))
            places = torch.from_numpy(_rounded_up(np.concatenate([np.arange(len(text)) for text in texts])))
            x = self._norm(self._words[ids] + self._places[places], self._first_norm)
            for layer in self._layers:
                x = self._block(x, layer, groups)
            pooled = torch.cat([self._pool(x[start:end].view(-1, length, x.shape[1])) for start, end, length in groups])
            unit: Vectors = torch.nn.functional.normalize(pooled, dim=1).numpy()
        return unit

    def _block(self, x: Tensor, layer: dict[str, Any], groups: list[tuple[int, int, int]]) -> Tensor:
        """One layer: x is [tokens, size]."""
        parts = self._linear(x, layer["attention"])
        attended = self._torch.zeros_like(x)
        for start, end, length in groups:
            attended[start:end] = self._attend(parts[start:end], length)
        x = self._norm(x + self._linear(attended, layer["attended"]), layer["norm"])
        inner = self._linear(x, layer["inner"], "gelu")
        return self._norm(x + self._linear(inner, layer["outer"]), layer["last"])

    def _attend(self, parts: Tensor, length: int) -> Tensor:
        """Queries, keys and values of texts of one length, [tokens, 3 size], to what each token attends to, [tokens, size]."""
        split = parts.view(-1, length, 3, self._heads, parts.shape[1] // (3 * self._heads))
        query, key, value = split.permute(2, 0, 3, 1, 4)
        attended = self._torch.nn.functional.scaled_dot_product_attention(query, key, value)
        return attended.transpose(1, 2).reshape(len(parts), -1)

    def _linear(self, x: Tensor, weights: tuple[Tensor, Tensor], then: str = "none") -> Tensor:
        if self._fused:
            fused: Tensor = self._torch.ops.mkldnn._linear_pointwise(
                x, *weights, then, [], "none" if then == "gelu" else ""
            )
            return fused
        y = self._torch.nn.functional.linear(x, *weights)
        return self._torch.nn.functional.gelu(y) if then == "gelu" else y

    def _norm(self, x: Tensor, weights: tuple[Tensor, Tensor]) -> Tensor:
        return self._torch.nn.functional.layer_norm(x, x.shape[1:], *weights, self._eps)

    def _pool(self, x: Tensor) -> Tensor:
        return x.float().mean(1) if self._mean else x[:, 0].float()


def _pair(weights: dict[str, Tensor], name: str) -> tuple[Tensor, Tensor]:
    return weights[f"{name}.weight"], weights[f"{name}.bias"]


def _rounded_up(tokens: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """With zeros after the last text up to a full number of TOKENS: oneDNN compiles code for each count, and keeps it."""
    return np.pad(tokens, (0, -len(tokens) % TOKENS))


def _equal_lengths(texts: Sequence[Ids]) -> Iterator[tuple[int, int, int]]:
    """Runs of neighbours of one length: their first token, the one after their last, and the length."""
    start = 0
    for length, run in groupby(map(len, texts)):
        end = start + length * sum(1 for _ in run)
        yield start, end, length
        start = end
