"""The door to text generation: a prompt in, a model's own words out.

For sequence-to-sequence models (T5, BART, …) and causal ones, by local folder or Hugging Face id, weights as
safetensors only and no code from the model's folder. Greedy, so that the same document gives the same words.
"""

from __future__ import annotations

import json
import threading
from functools import lru_cache
from pathlib import Path
from typing import Any

from infra.errors import UsageError, first_line
from infra.models import best_device, best_dtype, model_folder
from infra.settings import Settings

DEFAULT_WINDOW = 1024  # tokens, for models that do not say


class Generator:
    """A text-generation model. Build it with `load_generator`.

    Attributes:
        seq2seq: whether the model turns one text into another, rather than going on from it.
        window: tokens that it reads (and, if causal, writes) at a time.
    """

    def __init__(self, folder: Path, name: str, device: str) -> None:
        from transformers import AutoConfig, AutoTokenizer
        from transformers.utils import logging

        logging.disable_progress_bar()
        self.name = name
        config = AutoConfig.from_pretrained(str(folder), local_files_only=True, trust_remote_code=False)
        self.seq2seq = bool(config.is_encoder_decoder)
        self.window = _window(folder)
        self._tokenizer: Any = AutoTokenizer.from_pretrained(
            str(folder), local_files_only=True, trust_remote_code=False
        )
        self._device = best_device(device)
        self._model = self._load(folder)
        self._lock = threading.Lock()

    def _load(self, folder: Path) -> Any:
        from transformers import AutoModelForCausalLM, AutoModelForSeq2SeqLM

        kind: Any = AutoModelForSeq2SeqLM if self.seq2seq else AutoModelForCausalLM
        try:
            model, told = kind.from_pretrained(
                str(folder),
                local_files_only=True,
                use_safetensors=True,
                trust_remote_code=False,
                dtype=best_dtype(self._device),
                output_loading_info=True,
            )
        except ValueError as error:
            raise UsageError(f"model {self.name} cannot generate text: {first_line(error)}") from error
        if lacking := sorted(told["missing_keys"]):  # of an encoder, say: random weights would write random words
            raise UsageError(f"model {self.name} cannot generate text: its files lack {lacking[0]}")
        return model.to(self._device).eval()

    def count_tokens(self, text: str) -> int:
        """Return tokens of a text, without special ones."""
        return len(self._tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"])

    def chat(self, instruction: str) -> str:
        """Return the instruction in the model's own chat form where it has one, else as it is."""
        if self._tokenizer.chat_template is None:
            return instruction
        messages = [{"role": "user", "content": instruction}]
        return str(self._tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True))

    def generate(self, prompt: str, most: int) -> str:
        """Return at most `most` new tokens, as text.

        Raises:
            ValueError: the prompt (and, for a causal model, the answer) does not fit the window.
        """
        import torch

        inputs = self._tokenizer(prompt, return_tensors="pt", verbose=False)
        length = int(inputs["input_ids"].shape[1])
        if length + (0 if self.seq2seq else most) > self.window:
            raise ValueError(f"a prompt of {length} tokens does not fit {self.name}, which reads {self.window}")
        given = {name: inputs[name].to(self._device) for name in ("input_ids", "attention_mask")}
        pad = self._tokenizer.pad_token_id if self._tokenizer.pad_token_id is not None else self._tokenizer.eos_token_id
        with self._lock, torch.inference_mode():
            out = self._model.generate(
                **given, max_new_tokens=most, do_sample=False, num_beams=1, no_repeat_ngram_size=4, pad_token_id=pad
            )
        tokens = out[0] if self.seq2seq else out[0][length:]
        return " ".join(self._tokenizer.decode(tokens, skip_special_tokens=True).split())


def _window(folder: Path) -> int:
    config = json.loads((folder / "config.json").read_text())
    for name in ("max_position_embeddings", "n_positions"):
        if isinstance(config.get(name), int):
            return int(config[name])
    return DEFAULT_WINDOW  # T5 and its kin have relative positions and no limit of their own


def load_generator(settings: Settings, model: str) -> Generator:
    """Return a generator by local folder or Hugging Face id, loaded once a process.

    Raises:
        UsageError: it is not there, has no safetensors weights, or cannot generate text.
    """
    return _load_generator(model, settings.device)


@lru_cache(maxsize=1)
def _load_generator(model: str, device: str) -> Generator:
    return Generator(model_folder(model), model, device)
