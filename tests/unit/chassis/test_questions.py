"""Questions that may never be answered: asked beside, once at a time, and again once there is an answer."""

from __future__ import annotations

import threading

import pytest

from services.chassis.questions import Question, answers

SECONDS = 30.0


def test_who_asks_while_another_waits_gets_the_same_answer() -> None:
    free, asked = threading.Event(), []
    question = Question(lambda: (asked.append(1), free.wait(SECONDS))[1])
    assert answers([question, question], 0.1) == [None, None]
    free.set()
    assert answers([question], SECONDS) == [True]
    assert len(asked) == 1
    assert answers([question], SECONDS) == [True]
    assert len(asked) == 2, "what was answered once is asked anew"


def test_an_error_is_raised_to_whoever_asked() -> None:
    question = Question(lambda: 1 // 0)
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            answers([question], SECONDS)


def test_a_thread_that_could_not_start_is_no_reason_never_to_ask_again(monkeypatch: pytest.MonkeyPatch) -> None:
    question = Question(lambda: True)
    with monkeypatch.context() as full:

        def refuse(_: threading.Thread) -> None:
            raise RuntimeError("can't start new thread")

        full.setattr(threading.Thread, "start", refuse)
        with pytest.raises(RuntimeError):
            answers([question], SECONDS)
    assert answers([question], SECONDS) == [True]
