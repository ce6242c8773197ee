"""Questions that may never be answered, for whoever must answer in time all the same.

Owns the threads in which they are asked. Refuses to ask again while a thread still waits for an answer: a database that
swallows packets would else take one more thread, and one more connection, each time somebody looks.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, wait
from typing import Generic, TypeVar

Answer = TypeVar("Answer")


class Question(Generic[Answer]):
    """One question, which is asked in a thread beside. Thread-safe."""

    def __init__(self, ask: Callable[[], Answer]) -> None:
        self._ask = ask
        self._lock = threading.Lock()
        self._asked: Future[Answer] | None = None

    def begin(self) -> Future[Answer]:
        """Ask, or wait with whoever has asked already."""
        with self._lock:
            if self._asked is None or self._asked.done():
                asked: Future[Answer] = Future()
                threading.Thread(target=self._answer, args=(asked,), name="question", daemon=True).start()
                self._asked = asked  # only now: a thread that could not start would leave it open for ever
            return self._asked

    def _answer(self, asked: Future[Answer]) -> None:
        try:
            asked.set_result(self._ask())
        except BaseException as error:  # whoever waits raises it
            asked.set_exception(error)


def answers(questions: Sequence[Question[Answer]], seconds: float) -> list[Answer | None]:
    """What each is answered, within so many seconds for all together; None where nobody has answered by then.

    Raises what a question raised.
    """
    asked = [question.begin() for question in questions]
    wait(asked, seconds)
    return [each.result() if each.done() else None for each in asked]
