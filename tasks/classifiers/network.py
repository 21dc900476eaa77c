"""The network of the mode `full`: a transformers encoder, the mean of its last layer, one linear layer.

The same shape for every base model: mean pooling is what sentence encoders were trained for, and it does as well as the
first token for plain BERT. This module imports torch when it is imported, so import it inside functions only.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from infra.encoder import pack
from infra.errors import UsageError, first_line
from infra.models import best_dtype
from tasks.classifiers.measure import Scores, softmax

Lengths = npt.NDArray[np.int64]

CPU_TOKENS = 8_192  # padded tokens of one forward pass: activations of a small encoder stay near 1 GB
GPU_TOKENS = 65_536
TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.txt")


class Network(torch.nn.Module):
    """Token ids [batch, width] and mask (1 for a token, 0 for padding) → logits float32 [batch, labels]."""

    def __init__(self, encoder: torch.nn.Module, labels: int) -> None:
        super().__init__()
        self.encoder = encoder
        config: Any = encoder.config
        self.hidden: int = config.hidden_size
        self.dropout = torch.nn.Dropout(0.1)
        self.linear = torch.nn.Linear(self.hidden, labels)
        torch.nn.init.normal_(self.linear.weight, std=0.02)
        torch.nn.init.zeros_(self.linear.bias)

    def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        # without padding the mask is left out: torch then takes its faster attention
        whole = bool(mask.all())
        hidden = self.encoder(ids, attention_mask=None if whole else mask).last_hidden_state.float()
        weight = mask.unsqueeze(-1).float()
        pooled = (hidden * weight).sum(1) / weight.sum(1)
        with torch.autocast(ids.device.type, enabled=False):  # 1e4 multiplications: exactness is free here
            logits: torch.Tensor = self.linear(self.dropout(pooled))
        return logits


def new_network(folder: Path, labels: int) -> Network:
    """Return a network over a base model's folder, with a fresh linear layer drawn from torch's current seed."""
    from transformers import AutoModel
    from transformers.utils import logging

    logging.disable_progress_bar()
    level = logging.get_verbosity()
    logging.set_verbosity_error()  # it warns of a pooler that the files lack and that is never called
    try:
        encoder = AutoModel.from_pretrained(
            str(folder), local_files_only=True, use_safetensors=True, trust_remote_code=False, dtype=torch.float32
        )
    except (OSError, ValueError) as error:
        raise UsageError(f"base model {folder}: {first_line(error)}") from error
    finally:
        logging.set_verbosity(level)
    for name, parameter in encoder.named_parameters():
        if name.startswith("pooler."):
            parameter.requires_grad_(False)  # our pooling is the mean
    return Network(encoder, labels)


def save_network(network: Network, base: Path, folder: Path) -> None:
    """Write the encoder (transformers layout, safetensors), its tokenizer and linear.safetensors."""
    from safetensors.torch import save_file

    encoder: Any = network.encoder
    encoder.save_pretrained(str(folder), safe_serialization=True)
    save_file(
        {k: v.detach().cpu().contiguous() for k, v in network.linear.state_dict().items()},
        folder / "linear.safetensors",
    )
    for name in TOKENIZER_FILES:
        if (base / name).is_file():
            shutil.copyfile(base / name, folder / name)


def load_network(folder: Path, labels: int) -> Network:
    """Return a network as `save_network` wrote it, ready to predict."""
    from safetensors.torch import load_file

    network = new_network(folder, labels)
    network.linear.load_state_dict(load_file(folder / "linear.safetensors"))
    return network.eval()


def tokenise(folder: Path, texts: Sequence[str], most: int) -> list[list[int]]:
    """Return token ids of each text with the model's special tokens; what is beyond `most` tokens is cut off."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(most)
    return [encoding.ids for encoding in tokenizer.encode_batch(list(texts))]


def padded(tokens: Sequence[Sequence[int]], pad: int, device: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Return ids and mask, int64 [len(tokens), longest], padded on the right."""
    width = max(len(ids) for ids in tokens)
    ids = torch.full((len(tokens), width), pad, dtype=torch.int64)
    mask = torch.zeros((len(tokens), width), dtype=torch.int64)
    for row, one in enumerate(tokens):
        ids[row, : len(one)] = torch.tensor(one)
        mask[row, : len(one)] = 1
    return ids.to(device), mask.to(device)


def precision(device: str) -> AbstractContextManager[Any]:
    """Return autocast to bfloat16 where the hardware multiplies it: half of the time, the same figures; weights stay float32.

    float16 would need a scaled loss, so a GPU without bfloat16 trains in float32.
    """
    return torch.autocast(device, torch.bfloat16, enabled=best_dtype(device) == torch.bfloat16)


def logits_of(
    network: Callable[[torch.Tensor, torch.Tensor], torch.Tensor],
    tokens: Sequence[Sequence[int]],
    pad: int,
    device: str,
    labels: int,
) -> npt.NDArray[np.float32]:
    """Return logits float32 [len(tokens), labels], sorted by length and packed by token budget inside, in the order given."""
    out = np.empty((len(tokens), labels), np.float32)
    lengths = np.fromiter((len(ids) for ids in tokens), np.int64, len(tokens))
    with torch.inference_mode():
        for batch in pack(lengths, token_budget(device)):
            ids, mask = padded([tokens[i] for i in batch], pad, device)
            with precision(device):
                out[batch] = network(ids, mask).float().cpu().numpy()
    return out


def probabilities(
    network: Callable[[torch.Tensor, torch.Tensor], torch.Tensor],
    tokens: Sequence[Sequence[int]],
    pad: int,
    device: str,
    labels: int,
) -> Scores:
    return softmax(logits_of(network, tokens, pad, device, labels))


def token_budget(device: str) -> int:
    return GPU_TOKENS if device == "cuda" else CPU_TOKENS


def training_batches(lengths: Lengths, size: int, seed: int, epoch: int) -> list[npt.NDArray[np.int64]]:
    """Return batches of `size` texts of near-equal length, in random order; a function of seed and epoch alone.

    Lengths are jittered by a tenth before sorting, so that neighbours change from epoch to epoch; sorted batches have
    some 2 % of padding where shuffled ones have 40 %.
    """
    random = np.random.default_rng((seed, epoch))
    order = np.argsort(lengths * random.uniform(0.9, 1.1, len(lengths)), kind="stable")
    batches = [order[start : start + size] for start in range(0, len(order), size)]
    random.shuffle(batches)
    return batches


def micro_batches(batch: npt.NDArray[np.int64], lengths: Lengths, device: str) -> Iterator[npt.NDArray[np.int64]]:
    """Yield parts of a batch within the token budget; their gradients add up."""
    for part in pack(lengths[batch], token_budget(device)):
        yield batch[part]
