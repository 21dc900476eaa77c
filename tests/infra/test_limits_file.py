"""The numbers of `limits.yaml`, and the order of the queues."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra import limits
from infra.errors import UsageError


def test_every_high_queue_comes_before_every_normal_one_and_these_before_the_low_ones() -> None:
    numbers = limits.load()
    for pool in numbers.pools:
        order = limits.priorities(numbers, pool)
        kinds = sum(numbers.pool_of(queue) == pool for queue in numbers.queues)
        assert sorted(order.values()) == list(range(1, 3 * kinds + 1))
        level = {name: limits.split_queue(name)[1] for name in order}
        ordered = [level[name] for name in sorted(order, key=order.__getitem__)]
        assert ordered == ["high"] * kinds + ["normal"] * kinds + ["low"] * kinds


def test_maintenance_and_messages_have_slots_that_no_long_job_takes() -> None:
    numbers = limits.load()
    apart = {queue for queue in numbers.queues if numbers.pool_of(queue) == numbers.maintenance_pool}
    assert apart == {"looks", "maintenance", "notify"}
    slots = sum(numbers.queues[queue].slots for queue in apart)
    assert numbers.pools[numbers.maintenance_pool] == slots, "none waits for another's"
    assert numbers.pools[numbers.pool.name] >= 2


def test_a_queue_s_name_says_its_priority_and_can_be_read_back() -> None:
    for priority in limits.PRIORITIES:
        assert limits.split_queue(limits.queue_name("indexing", priority)) == ("indexing", priority)


def test_the_soft_limit_is_below_the_hard_one_as_the_file_comes() -> None:
    for name, queue in limits.load().queues.items():
        assert (queue.soft, queue.hard) == ((240, 300) if name in {"notify", "looks"} else (3000, 3600))


def test_a_wrong_number_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "limits.yaml"
    file.write_text(limits.path().read_text().replace("soft: 3000", "soft: -1", 1))
    monkeypatch.setenv("FALDONE_LIMITS_FILE", str(file))
    with pytest.raises(UsageError, match=r"queues\.maintenance\.soft"):
        limits.load()
    monkeypatch.setenv("FALDONE_LIMITS_FILE", str(tmp_path / "none.yaml"))
    with pytest.raises(UsageError, match=r"none\.yaml"):
        limits.load()
