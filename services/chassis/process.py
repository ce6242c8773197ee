"""The threads and the signals of a process.

Owns the background loops of web processes and workers, and what their start leaves behind. Refuses to die quietly: a
loop that fails is logged by the type of its error and started again after a growing pause.
"""

from __future__ import annotations

import gc
import signal
import threading
import time
from collections.abc import Callable

from . import logs, metrics

Loop = Callable[[threading.Event], None]
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 30.0
STOP_SECONDS = 10.0


class Background:
    """Loops that run beside the main thread until `stop`. Make it after a fork, never before."""

    def __init__(self) -> None:
        self.stopping = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self, name: str, loop: Loop) -> None:
        """Run `loop(stop)` in a thread; it returns when the event is set."""
        thread = threading.Thread(target=self._keep, args=(name, loop), name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def every(self, name: str, seconds: float, work: Callable[[], object]) -> None:
        """Do `work` now and then again every so many seconds."""
        self.start(name, lambda stop: _repeat(stop, seconds, work))

    def alive(self) -> bool:
        """Whether every loop that was started still runs."""
        return all(thread.is_alive() for thread in self._threads)

    def stop(self) -> None:
        """Tell every loop to end, and wait a while for all of them together."""
        self.stopping.set()
        ends = time.monotonic() + STOP_SECONDS
        for thread in self._threads:
            thread.join(max(ends - time.monotonic(), 0.0))

    def _keep(self, name: str, loop: Loop) -> None:
        pause = FIRST_PAUSE_SECONDS
        while not self.stopping.is_set():
            started = time.monotonic()
            try:
                loop(self.stopping)
                return
            except Exception as error:  # whatever it was: the loop must go on
                metrics.LOOP_FAILURES.labels(name).inc()
                logs.logger("process").error(
                    "loop failed", loop=name, error=type(error).__name__, stack=logs.stack_of(error)
                )
            if time.monotonic() - started > LONGEST_PAUSE_SECONDS:
                pause = FIRST_PAUSE_SECONDS  # it ran well for a while: this is another trouble, not the last one still
            self.stopping.wait(pause)
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)


def started() -> None:
    """Call once, at the end of a start: the garbage collector passes over what is loaded by then, which stays for good.

    A full collection walks over every object that Python knows, and every request waits meanwhile: with some 140,000 of
    modules, schemas and mappings a hundred milliseconds and more, again and again under load.
    """
    gc.collect()
    gc.freeze()


def run_until_signalled(background: Background) -> None:
    """Wait for SIGTERM or SIGINT, then stop the loops."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: background.stopping.set())
    while not background.stopping.wait(1.0):
        pass
    background.stop()


def _repeat(stop: threading.Event, seconds: float, work: Callable[[], object]) -> None:
    while not stop.is_set():
        work()
        stop.wait(seconds)
