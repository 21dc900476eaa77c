from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from infra import stop
from infra.errors import UsageError
from infra.settings import Settings
from tasks.classifiers.network import micro_batches, new_network, padded, training_batches
from tasks.classifiers.spec import EpochFigures, Fitted, Progress, TrainSpec
from tasks.train import checkpoint, fitting, full, work_folder

pytestmark = pytest.mark.slow


def _fit(settings: Settings, spec: TrainSpec, report: full.Report | None = None) -> tuple[Fitted, float]:
    prepared = work_folder.prepare(settings, spec)
    work_folder.split(spec, prepared)
    fitted = fitting.fit(settings, spec, prepared, report)
    return fitted, fitting.evaluate(settings, prepared).f1_macro


def _figures(fitted: Fitted) -> list[tuple[float, float, float]]:
    return [(e.loss, e.validation_loss, e.validation_f1_macro) for e in fitted.epochs]


@pytest.fixture
def spec(data: str, tiny_base: str) -> TrainSpec:
    return TrainSpec(data, "tiny", "full", tiny_base, epochs=3, batch_size=8, learning_rate=3e-3)


def test_it_learns_and_repeats_itself(settings: Settings, spec: TrainSpec, tmp_path: Path) -> None:
    told: list[Progress] = []
    spec = replace(spec, epochs=6, learning_rate=2e-3)
    first, score = _fit(settings, spec, told.append)
    again, score_again = _fit(settings.model_copy(update={"home": str(tmp_path / "other")}), spec)
    assert score > 0.8
    assert first.epochs[-1].loss < first.epochs[0].loss
    assert (_figures(first), score) == (_figures(again), score_again)
    assert len(told[-1].epochs) == len(first.epochs)
    assert told[0].total == told[-1].total == 6 * 126


def test_another_seed_gives_other_figures(settings: Settings, spec: TrainSpec) -> None:
    first, _ = _fit(settings, replace(spec, epochs=1))
    other, _ = _fit(settings, replace(spec, epochs=1, seed=1))
    assert _figures(first) != _figures(other)


def test_killed_after_epoch_two_it_finishes_with_epoch_three_only(
    settings: Settings, spec: TrainSpec, tmp_path: Path
) -> None:
    whole, score = _fit(settings.model_copy(update={"home": str(tmp_path / "whole")}), spec)
    script = textwrap.dedent(f"""
        import os, signal
        from infra.settings import Settings
        from tasks.train import fitting, work_folder
        from tasks.classifiers.spec import TrainSpec

        def kill(progress):
            if len(progress.epochs) == 2:
                os.kill(os.getpid(), signal.SIGKILL)

        settings = Settings(home={settings.home!r}, device="cpu")
        spec = TrainSpec({spec.data!r}, "tiny", "full", {spec.base!r}, epochs=3, batch_size=8, learning_rate=3e-3)
        prepared = work_folder.prepare(settings, spec)
        work_folder.split(spec, prepared)
        fitting.fit(settings, spec, prepared, kill)
    """)
    threads = os.environ | {"OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "")}
    threads = {k: v for k, v in threads.items() if v}
    root = Path(__file__).parents[3]
    killed = subprocess.run([sys.executable, "-c", script], cwd=root, env=threads, capture_output=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    trained: list[str] = []
    resumed, score_resumed = _fit(settings, spec, lambda p: trained.append(p.stage))
    assert resumed.resumed_from == 2
    assert set(trained) == {"epoch 3 of 3"}
    assert (_figures(resumed), score_resumed) == (_figures(whole), score)


def test_asked_to_stop_it_ends_after_the_epoch_and_goes_on_with_the_next(
    settings: Settings, spec: TrainSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, score = _fit(settings.model_copy(update={"home": str(tmp_path / "whole")}), spec)
    (tmp_path / "job").mkdir()
    monkeypatch.setenv(stop.FOLDER, str(tmp_path / "job"))
    with pytest.raises(stop.StopRequested, match="the soft limit"):
        _fit(settings, spec, lambda _: stop.request(tmp_path / "job", "the soft limit"))
    monkeypatch.delenv(stop.FOLDER)
    resumed, score_resumed = _fit(settings, spec)
    assert resumed.resumed_from == 1
    assert (_figures(resumed), score_resumed) == (_figures(whole), score)


def test_a_finished_fit_is_not_done_again(settings: Settings, spec: TrainSpec) -> None:
    first, _ = _fit(settings, replace(spec, epochs=1))
    stages: list[str] = []
    again, _ = _fit(settings, replace(spec, epochs=1), lambda p: stages.append(p.stage))
    assert again == first
    assert stages == []


def test_it_stops_when_validation_no_longer_improves(settings: Settings, spec: TrainSpec) -> None:
    fitted, _ = _fit(settings, replace(spec, epochs=12))
    assert len(fitted.epochs) < 12
    assert len(fitted.epochs) - fitted.best_epoch == full.PATIENCE


def test_a_half_written_checkpoint_does_not_count(tmp_path: Path, tiny_base: str) -> None:
    network = new_network(Path(tiny_base), 3)
    optimiser = full._optimiser(network, 1e-3, "cpu")
    figures = EpochFigures(1, 1.0, 1.0, 0.5, 0.5, 1.0, 1.0)
    checkpoint.save(tmp_path, network, optimiser, [figures], 1.0)
    (tmp_path / "epoch-0002.part").mkdir()
    found = checkpoint.last(tmp_path)
    assert found is not None
    assert found.folder.name == "epoch-0001"
    assert {p.suffix for p in found.folder.iterdir()} == {".safetensors", ".json"}


def test_only_the_last_and_the_best_checkpoint_stay(tmp_path: Path, tiny_base: str) -> None:
    network = new_network(Path(tiny_base), 3)
    optimiser = full._optimiser(network, 1e-3, "cpu")
    epochs: list[EpochFigures] = []
    for number, f1 in enumerate((0.5, 0.9, 0.7, 0.8), 1):
        epochs.append(EpochFigures(number, 1.0, 1.0, f1, f1, 1.0, 1.0))
        checkpoint.save(tmp_path, network, optimiser, epochs, 1.0)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["epoch-0002", "epoch-0004"]


def test_rate_rises_then_falls_to_nothing() -> None:
    factors = [full.rate_factor(step, 100) for step in range(100)]
    assert factors[:10] == [pytest.approx((i + 1) / 10) for i in range(10)]
    assert all(a > b for a, b in pairwise(factors[10:]))
    assert 0 < factors[-1] < 0.02
    assert full.derived_rate(768) == pytest.approx(full.derived_rate(384) / 4)


def test_batches_hold_every_text_once_and_pad_little() -> None:
    lengths = np.random.default_rng(0).integers(5, 120, 1000)
    batches = training_batches(lengths, 16, seed=0, epoch=1)
    assert sorted(np.concatenate(batches)) == list(range(1000))
    padding = sum(len(b) * lengths[b].max() for b in batches) / lengths.sum() - 1
    assert padding < 0.12
    assert not np.array_equal(batches[0], training_batches(lengths, 16, seed=0, epoch=2)[0])


def test_micro_batches_keep_to_the_token_budget() -> None:
    lengths = np.full(64, 512)
    parts = list(micro_batches(np.arange(64), lengths, "cpu"))
    assert len(parts) == 4
    assert sorted(np.concatenate(parts)) == list(range(64))


def test_padding_does_not_change_the_logits(tiny_base: str) -> None:
    import torch

    network = new_network(Path(tiny_base), 3).eval()
    short, long = [2, 5, 9, 3], [2, 5, 6, 7, 8, 9, 10, 3]
    with torch.inference_mode():
        alone = network(*padded([short], 0, "cpu"))
        together = network(*padded([short, long], 0, "cpu"))
    assert torch.allclose(alone[0], together[0], atol=1e-5)


def test_pickled_weights_are_refused(tmp_path: Path, data: str, tiny_base: str, settings: Settings) -> None:
    import torch

    for name in ("config.json", "tokenizer.json"):
        (tmp_path / name).write_bytes((Path(tiny_base) / name).read_bytes())
    torch.save({}, tmp_path / "pytorch_model.bin")
    with pytest.raises(UsageError, match="no safetensors weights"):
        work_folder.prepare(settings, TrainSpec(data, "tiny", "full", str(tmp_path)))


def test_threads_sleep_while_they_wait() -> None:
    code = "import os, infra; print(os.environ['OMP_WAIT_POLICY'])"
    environment = {k: v for k, v in os.environ.items() if k != "OMP_WAIT_POLICY"}
    root = Path(__file__).parents[3]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, env=environment, capture_output=True, text=True)
    assert done.stdout.strip() == "PASSIVE"
