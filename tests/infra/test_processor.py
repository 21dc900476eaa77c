"""Deadlines in processor time: work counts, waiting for one's turn does not, and who does nothing is found all the same."""

import subprocess
import sys
import time

import psutil
import pytest

from infra.processor import Deadline, Use, _use_by_psutil, run, use_of

WORK = "import sys,time\nwhile time.process_time() < float(sys.argv[1]): pass\n"


@pytest.mark.slow
def test_programs_count_also_after_their_end() -> None:
    code = f"import subprocess, sys, time; subprocess.run([sys.executable, '-c', {WORK!r}, '1']); print(flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()  # the program has ended
        use = use_of(process.pid)
        process.kill()
    assert use.seconds >= 0.9
    assert use.processes == 1


@pytest.mark.slow
def test_a_stopped_process_is_not_to_blame() -> None:
    """As one whose machine gives it no turn: it has had no time, and the far line is far."""
    with subprocess.Popen([sys.executable, "-c", WORK, "60"]) as process:
        time.sleep(0.3)
        process.send_signal(19)  # SIGSTOP
        deadline = Deadline(process.pid, 0.5)
        time.sleep(1.2)
        assert deadline.passed() is None
        process.send_signal(18)  # SIGCONT
        until = time.monotonic() + 30
        while (stop := deadline.passed()) is None and time.monotonic() < until:
            time.sleep(0.1)
        process.kill()
    assert stop is not None
    assert "processor time" in stop.reason


def test_the_far_line_says_how_much_time_there_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Deadline, "FAR", 1.0)
    with subprocess.Popen([sys.executable, "-c", WORK, "60"]) as process:
        process.send_signal(19)
        deadline = Deadline(process.pid, 0.3)
        time.sleep(0.4)
        stop = deadline.passed()
        process.kill()
    assert stop is not None
    assert "by the clock, with 0.0 s of processor time" in stop.reason


@pytest.mark.slow
def test_a_program_with_input_and_a_deadline() -> None:
    slowly = "import sys, time; time.sleep(0.5); sys.stdout.buffer.write(sys.stdin.buffer.read())"
    done = run([sys.executable, "-c", slowly], b"x" * 3_000_000, 10)
    assert (done.returncode, len(done.stdout)) == (0, 3_000_000)
    with pytest.raises(TimeoutError, match=r"more than 0 s of processor time|more than 1 s of processor time"):
        run([sys.executable, "-c", WORK, "60"], b"", 0.6)
    with pytest.raises(TimeoutError, match="did nothing"):
        run(["sleep", "60"], b"", 0.5)
    assert run([sys.executable, "-c", "import os; print(os.environ['SAID'])"], b"", 10, SAID="so").stdout == b"so\n"


@pytest.mark.slow
def test_where_there_is_no_proc_the_second_reading_says_the_same() -> None:
    code = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {WORK!r}, '60']); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE) as process:
        until = time.monotonic() + 20
        while (both := (use_of(process.pid), _use_by_psutil(process.pid)))[
            0
        ].seconds < 0.3 and time.monotonic() < until:
            time.sleep(0.05)
        [child] = psutil.Process(process.pid).children()
        child.kill()
        process.kill()
    one, other = both
    assert other.seconds == pytest.approx(one.seconds, abs=0.3)
    assert (one.processes, one.waiting) == (other.processes, other.waiting) == (2, False)
    assert use_of(process.pid) == _use_by_psutil(process.pid) == Use(0.0, 0, False)


def test_programs_that_wait_for_nothing_that_comes_are_told_from_those_at_work() -> None:
    with subprocess.Popen(["sleep", "60"]) as process:
        time.sleep(0.1)
        assert [use(process.pid).waiting for use in (use_of, _use_by_psutil)] == [True, True]
        process.kill()
