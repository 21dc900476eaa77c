"""Benchmarks of training: quality on labelled files, and speed beside the transformers Trainer.

    python benchmarks/train.py quality FILE… --seeds 0 1 2 --modes head full --out results.jsonl
    python benchmarks/train.py table results.jsonl
    python benchmarks/train.py speed FILE --texts 3000 --epochs 3
    python benchmarks/train.py trainer FILE --texts 480 --batch 16     (needs accelerate: pip install accelerate)
    python benchmarks/train.py utilisation --hidden 768 --layers 12    (random weights; for a GPU)

The linear baseline is TF-IDF (words and pairs) with logistic regression of scikit-learn, its C chosen on the same
validation texts, then fitted on the same training and validation texts and judged on the same test texts as ours.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from infra.settings import Settings, load
from tasks.classifiers.spec import Metrics, TrainSpec
from tasks.train import fitting, work_folder


def quality(args: argparse.Namespace) -> None:
    """One JSON line for each file, mode and seed."""
    for path in args.files:
        for seed in args.seeds:
            for mode in args.modes:
                with tempfile.TemporaryDirectory() as home:
                    row = _one(load().model_copy(update={"home": home}), path, mode, seed, args)
                line = json.dumps({"data": Path(path).stem, "mode": mode, "seed": seed} | row)
                print(line, flush=True)
                with Path(args.out).open("a") as out:
                    out.write(line + "\n")


def _one(settings: Settings, path: str, mode: str, seed: int, args: argparse.Namespace) -> dict[str, Any]:
    begin = time.perf_counter()
    asked: Any = "head" if mode == "linear" else mode
    spec = TrainSpec(path, "bench", asked, args.base, epochs=args.epochs, seed=seed)
    prepared = work_folder.prepare(settings, spec)
    splits = work_folder.split(spec, prepared)
    if mode == "linear":
        metrics = _linear(prepared)
    else:
        fitting.fit(settings, spec, prepared)
        metrics = fitting.evaluate(settings, prepared)
    seconds = round(time.perf_counter() - begin, 1)
    return {"accuracy": metrics.accuracy, "f1_macro": metrics.f1_macro, "seconds": seconds, **splits}


def _linear(prepared: Any) -> Metrics:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    from tasks.classifiers.measure import measure

    train, validation, test = (work_folder.part(prepared, name) for name in work_folder.SPLITS)

    def fitted(c: float, weight: str | None, texts: list[str], targets: Any) -> Any:
        grams = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
        return make_pipeline(grams, LogisticRegression(C=c, max_iter=500, class_weight=weight)).fit(texts, targets)

    def score(choice: tuple[float, str | None]) -> float:
        model = fitted(*choice, train.texts, train.targets)
        return measure(model.predict_proba(validation.texts), validation.targets, prepared.labels).f1_macro

    best = max(((c, w) for c in (1.0, 10.0, 100.0) for w in (None, "balanced")), key=score)
    model = fitted(*best, train.texts + validation.texts, [*train.targets, *validation.targets])
    return measure(model.predict_proba(test.texts), test.targets, prepared.labels)


def table(args: argparse.Namespace) -> None:
    """A Markdown table of results: mean ± standard deviation over the seeds."""
    groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for line in Path(args.results).read_text().splitlines():
        row = json.loads(line)
        groups.setdefault((row["data"], row["mode"]), []).append(row)
    print("| data | train / validation / test | mode | seeds | macro-F1 | accuracy | s |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for (data, mode), rows in sorted(groups.items()):
        first = rows[0]
        sizes = f"{first['train']} / {first['validation']} / {first['test']}"
        seeds = " ".join(str(row["seed"]) for row in rows)
        figures = " | ".join(_spread([row[name] for row in rows]) for name in ("f1_macro", "accuracy"))
        print(
            f"| {data} | {sizes} | {mode} | {seeds} | {figures} | {statistics.mean(r['seconds'] for r in rows):.0f} |"
        )


def _spread(values: list[float]) -> str:
    mean = f"{statistics.mean(values):.3f}"
    return f"{mean} ± {statistics.stdev(values):.3f}" if len(values) > 1 else mean


def _texts(path: str, count: int) -> tuple[list[str], list[int], list[str]]:
    """`count` texts of a file, over again where it has fewer, with the indices of their labels."""
    from tasks.train.data import read_labelled

    labelled = read_labelled(path, "text", "label")
    names = sorted(set(labelled.labels))
    rows = [i % len(labelled.texts) for i in range(count)]
    return [labelled.texts[i] for i in rows], [names.index(labelled.labels[i]) for i in rows], names


def speed(args: argparse.Namespace) -> None:
    """Texts a second of the mode full, as one JSON line."""
    with tempfile.TemporaryDirectory() as home:
        print(json.dumps(_ours(args, Path(home))), flush=True)


def _ours(args: argparse.Namespace, folder: Path) -> dict[str, Any]:
    import numpy as np

    from infra.models import best_device, model_folder
    from tasks.classifiers.network import tokenise
    from tasks.train import full

    base = model_folder("bundled")
    texts, targets, names = _texts(args.file, args.texts)
    tokens = tokenise(base, texts, 256)
    plan = full.Plan(
        base=base,
        checkpoints=folder / "checkpoints",
        labels=tuple(names),
        train=tokens,
        train_targets=np.array(targets),
        validation=tokens[:100],
        validation_targets=np.array(targets[:100]),
        epochs=args.epochs,
        batch_size=args.batch,
        seed=0,
        learning_rate=0.0,
        device=best_device("auto"),
    )
    (folder / "model").mkdir()
    begin = time.perf_counter()
    fitted = full.fit(plan, folder / "model")
    wall = time.perf_counter() - begin
    step_seconds = sum(e.seconds for e in fitted.epochs)
    done = args.texts * len(fitted.epochs)
    return {
        "what": "ours",
        "texts": args.texts,
        "epochs": len(fitted.epochs),
        "batch": args.batch,
        "seconds": round(wall, 1),
        "texts_per_second": round(done / step_seconds, 2),
        "tokens_per_text": round(sum(map(len, tokens)) / len(tokens), 1),
    }


def trainer(args: argparse.Namespace) -> None:
    """Ours and the transformers Trainer with its defaults, in turns, on the same model, texts and batch size."""
    ours, theirs = [], []
    for _ in range(args.rounds):
        with tempfile.TemporaryDirectory() as folder:
            ours.append(_ours(args, Path(folder))["texts_per_second"])
        with tempfile.TemporaryDirectory() as folder:
            theirs.append(_trainer(args, folder))
    ratios = [a / b for a, b in zip(ours, theirs, strict=True)]
    print(json.dumps({"ours": ours, "trainer": theirs, "ratio": [round(r, 2) for r in ratios], "batch": args.batch}))


def _trainer(args: argparse.Namespace, folder: str) -> float:
    from transformers import (
        AutoModelForSequenceClassification,
        AutoTokenizer,
        DataCollatorWithPadding,
        Trainer,
        TrainingArguments,
    )

    from infra.models import model_folder

    base = str(model_folder("bundled"))
    tokenizer = AutoTokenizer.from_pretrained(base)
    texts, targets, names = _texts(args.file, args.texts)
    encoded = tokenizer(texts, truncation=True, max_length=256)
    rows = [
        {"input_ids": i, "attention_mask": [1] * len(i), "labels": t}
        for i, t in zip(encoded["input_ids"], targets, strict=True)
    ]
    model = AutoModelForSequenceClassification.from_pretrained(base, num_labels=len(names))
    options = TrainingArguments(
        folder,
        per_device_train_batch_size=args.batch,
        num_train_epochs=args.epochs,
        report_to=[],
        save_strategy="no",
        logging_strategy="no",
        disable_tqdm=True,
    )
    result = Trainer(model, options, train_dataset=rows, data_collator=DataCollatorWithPadding(tokenizer)).train()
    return round(float(result.metrics["train_samples_per_second"]), 2)


def utilisation(args: argparse.Namespace) -> None:
    """Texts a second and model FLOP utilisation of a BERT with random weights.

    6 FLOPs a parameter and token, plus 12·layers·hidden·width for attention (Chowdhery et al. 2022, appendix B).
    """
    import numpy as np
    import torch
    from transformers import BertConfig, BertModel

    from infra.models import best_device
    from tasks.classifiers.network import Network, micro_batches, padded, precision  # noqa: F401
    from tasks.train import full

    device = best_device("auto")
    config = BertConfig(
        hidden_size=args.hidden,
        num_hidden_layers=args.layers,
        num_attention_heads=args.hidden // 64,
        intermediate_size=4 * args.hidden,
    )
    torch.manual_seed(0)
    network = Network(BertModel(config, add_pooling_layer=False), 3).to(device).train()
    optimiser = full._optimiser(network, 3e-5, device)
    random = np.random.default_rng(0)
    ids = torch.from_numpy(random.integers(1000, 30000, (args.batch, args.width))).to(device)
    mask, targets = torch.ones_like(ids), torch.zeros(args.batch, dtype=torch.int64, device=device)
    begin = 0.0
    for step in range(args.steps + 5):
        if step == 5:
            _wait(device)
            begin = time.perf_counter()
        with precision(device):
            loss = torch.nn.functional.cross_entropy(network(ids, mask), targets)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
    _wait(device)
    seconds = time.perf_counter() - begin
    used = sum(p.numel() for n, p in network.named_parameters() if "embeddings" not in n)
    flops = (6 * used + 12 * args.layers * args.hidden * args.width) * args.width * args.batch * args.steps
    out = {
        "device": device,
        "texts_per_second": round(args.batch * args.steps / seconds, 1),
        "tflops": round(flops / seconds / 1e12, 2),
    }
    if args.peak:
        out["utilisation"] = round(flops / seconds / 1e12 / args.peak, 3)
    print(json.dumps(out))


def _wait(device: str) -> None:
    import torch

    if device == "cuda":
        torch.cuda.synchronize()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(required=True)
    one = verbs.add_parser("quality")
    one.add_argument("files", nargs="+")
    one.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    one.add_argument(
        "--modes", nargs="+", default=["linear", "head", "full"], choices=["linear", "head", "full", "auto"]
    )
    one.add_argument("--base", default="auto")
    one.add_argument("--epochs", type=int, default=0)
    one.add_argument("--out", default="train-results.jsonl")
    one.set_defaults(run=quality)
    two = verbs.add_parser("table")
    two.add_argument("results")
    two.set_defaults(run=table)
    for name, run, texts, epochs in (("speed", speed, 3000, 3), ("trainer", trainer, 480, 1)):
        verb = verbs.add_parser(name)
        verb.add_argument("file")
        verb.add_argument("--texts", type=int, default=texts)
        verb.add_argument("--epochs", type=int, default=epochs)
        verb.add_argument("--batch", type=int, default=16)
        verb.add_argument("--rounds", type=int, default=2)
        verb.set_defaults(run=run)
    last = verbs.add_parser("utilisation")
    for name, default in (("hidden", 768), ("layers", 12), ("batch", 64), ("width", 128), ("steps", 20)):
        last.add_argument(f"--{name}", type=int, default=default)
    last.add_argument("--peak", type=float, default=0.0, help="the device's peak in TFLOP/s")
    last.set_defaults(run=utilisation)
    args = parser.parse_args()
    args.run(args)


if __name__ == "__main__":
    main()
