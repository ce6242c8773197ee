"""Loops that run beside the main thread: a failure ends none of them, a signal ends all."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from services.chassis import process
from services.chassis.process import Background
from tests.unit.chassis.plumbing import until

ROOT = Path(__file__).resolve().parents[3]


class NotedWaits(threading.Event):
    """Notes how long it was asked to wait, and does not."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[float | None] = []

    def wait(self, timeout: float | None = None) -> bool:
        """Return at once."""
        self.asked.append(timeout)
        return self.is_set()


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "FIRST_PAUSE_SECONDS", 0.02)


def test_a_loop_runs_in_a_thread_of_its_name_until_it_is_told_to_stop() -> None:
    background = Background()
    names: list[str] = []

    def loop(stop: threading.Event) -> None:
        names.append(threading.current_thread().name)
        stop.wait()

    background.start("consent relay", loop)
    until(lambda: names)
    background.stop()
    assert names == ["consent relay"]
    assert "consent relay" not in {thread.name for thread in threading.enumerate()}


def test_a_loop_that_fails_is_started_again_and_logged_without_its_message(capsys: pytest.CaptureFixture[str]) -> None:
    background = Background()
    runs: list[int] = []

    def loop(stop: threading.Event) -> None:
        runs.append(1)
        if len(runs) < 3:
            raise ValueError("Erika Mustermann")
        stop.wait()

    background.start("fragile", loop)
    until(lambda: len(runs) == 3)
    background.stop()
    logged = capsys.readouterr().err
    assert logged.count("ValueError") == 2
    assert "fragile" in logged
    assert "Erika" not in logged


def test_the_pause_grows_with_each_failure_and_begins_small_again_after_a_good_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Otherwise a loop that fails once a day would soon wait the longest pause each time."""
    now = [0.0]  # a clock that only the loop moves: a machine that stalls is no good time
    monkeypatch.setattr(process, "time", SimpleNamespace(monotonic=lambda: now[0]))
    background = Background()
    background.stopping = pauses = NotedWaits()
    runs: list[int] = []

    def loop(stop: threading.Event) -> None:
        runs.append(1)
        if len(runs) == 14:
            now[0] += process.LONGEST_PAUSE_SECONDS + 1.0  # it runs well for longer than the longest pause
        if len(runs) < 16:
            raise OSError

    background.start("fragile", loop)
    until(lambda: not background.alive())
    assert pauses.asked[:2] == pytest.approx([0.02, 0.04])
    assert pauses.asked[9:13] == pytest.approx([10.24, 20.48, 30.0, 30.0]), "bounded"
    assert pauses.asked[13:] == pytest.approx([0.02, 0.04]), "small again"


def test_a_loop_that_fails_ends_within_its_pause_when_told_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "FIRST_PAUSE_SECONDS", 60.0)
    background = Background()
    failed = threading.Event()

    def loop(_: threading.Event) -> None:
        failed.set()
        raise OSError

    background.start("fragile", loop)
    assert failed.wait(30)
    started = time.monotonic()
    background.stop()
    assert time.monotonic() - started < 8.0, "within its pause, and before the wait for it is given up"


def test_work_is_repeated_also_after_it_failed() -> None:
    background = Background()
    done: list[int] = []

    def work() -> None:
        done.append(1)
        if len(done) == 2:
            raise ValueError

    background.every("sweep", 0.01, work)
    until(lambda: len(done) >= 4)
    background.stop()


def test_loops_that_do_not_end_are_waited_for_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker has nine: one after the other they would outlast the time that it is given to stop."""
    monkeypatch.setattr(process, "STOP_SECONDS", 0.5)
    background, free = Background(), threading.Event()
    for number in range(20):
        background.start(f"stuck {number}", lambda _: free.wait())
    started = time.monotonic()
    background.stop()
    assert time.monotonic() - started < 5.0
    free.set()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_a_worker_and_its_loops_come_to_their_end(number: signal.Signals) -> None:
    program = """
import signal, time
from services.chassis.process import Background, run_until_signalled
before = signal.getsignal(signal.SIGINT)
background = Background()
def loop(stop):
    while signal.getsignal(signal.SIGINT) is before:  # it is set last, right after the start
        time.sleep(0.01)
    print("running", flush=True)
    stop.wait()
    print("ended", flush=True)
background.start("loop", loop)
run_until_signalled(background)
print("done", flush=True)
"""
    with subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE, text=True) as worker:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "running\n"
        worker.send_signal(number)
        assert worker.stdout.read() == "ended\ndone\n"
        assert worker.wait(60) == 0
