"""The counters of a job: what moves while a long document is at work, and what is counted when it is done."""

from __future__ import annotations

import time

import pytest

from tasks.progress import Part, Progress, Status, cost, listening


def test_the_bar_moves_with_a_batch_at_work_and_documents_count_when_they_are_done() -> None:
    progress = Progress()
    progress.stage("index", 2, weight=cost(1000) + cost(3000))
    progress.begin("a", cost(3000))
    progress.part(Part("a", 0.5, 40, 12, "/in/long.pdf"))
    half = progress.status()
    assert (half.done, half.pages, half.chunks, half.current) == (0, 40, 12, "/in/long.pdf")
    assert half.percent == pytest.approx(100 * 0.5 * cost(3000) / (cost(1000) + cost(3000)))
    progress.add(1, 80, 30, weight=cost(3000), batch="a")
    progress.add(1, 1, 1, weight=cost(1000))
    done = progress.status()
    assert (done.done, done.pages, done.chunks, done.percent) == (2, 81, 31, 100.0)


def test_word_that_comes_late_or_from_a_batch_that_nobody_began_is_not_counted() -> None:
    progress = Progress()
    progress.stage("index", 2)
    progress.begin("a", 1.0)
    progress.add(1, 5, 5, batch="a")
    progress.part(Part("a", 0.9, 5, 4, "a.pdf"))
    progress.part(Part("b", 0.9, 5, 4, "b.pdf"))
    assert (progress.status().percent, progress.status().pages) == (50.0, 5)


def test_the_time_left_follows_the_work_and_not_the_number_of_documents() -> None:
    progress = Progress()
    progress.stage("index", 101, weight=100 * cost(0) + cost(2**20))
    for _ in range(100):
        progress.add(1, weight=cost(0))
    time.sleep(0.01)
    progress.add(0, weight=0.0)
    status = progress.status()
    assert status.eta_seconds is not None
    took = 100 / status.rate
    assert status.eta_seconds == pytest.approx(took * cost(2**20) / (100 * cost(0)), rel=0.01)


def test_long_documents_have_their_pace_in_pages() -> None:
    seen: list[Status] = []
    with listening(seen.append):
        progress = Progress()
        progress.stage("index", 3)
        progress.begin("a", 1.0)
        time.sleep(0.02)
        progress.part(Part("a", 0.25, 30, 0, "/in/long.pdf"))
    assert "pages/s" in seen[-1].line()
    assert seen[-1].eta_seconds == pytest.approx(30 * 2.75 / 0.25 / seen[-1].pages_rate, rel=0.01)
