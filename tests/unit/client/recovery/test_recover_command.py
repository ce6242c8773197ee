"""`concord recover`, typed by a person with the sheet in their hand."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from uuid import UUID

import pytest
from concord.cli import recover as commands
from concord.errors import RecoveryCodeError
from concord.recovery import Kit, new_code
from concord_formats.recovery_codes import grouped

ACCOUNT = UUID("a0c0ffee-0000-4000-8000-000000000001")
ADDRESS = "https://concord.example.org"


class Screen(io.StringIO):
    """Somebody sits before it."""

    def isatty(self) -> bool:
        """They do."""
        return True


class Answers:
    """What is typed at each question; `asked` are the questions, each with whether its answer is hidden."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *answers: str) -> None:
        self._answers: Iterator[str] = iter(answers)
        self.asked: list[tuple[str, bool]] = []
        monkeypatch.setattr(sys, "stdin", Screen())
        monkeypatch.setattr(commands.Prompt, "ask", self._ask)

    def _ask(self, question: str, *, password: bool = False) -> str:
        self.asked.append((question, password))
        return next(self._answers)


def slipped(code: str) -> str:
    """The same with one character wrong."""
    return ("1" if code[0] != "1" else "2") + code[1:]


def test_address_account_and_code_are_asked_and_the_code_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    code = new_code()
    answers = Answers(monkeypatch, ADDRESS + "/", f" {ACCOUNT} ", grouped(code).lower())
    assert commands._kit(None, None, None) == Kit(ADDRESS, ACCOUNT, code)
    assert [hidden for _, hidden in answers.asked] == [False, False, True]


def test_what_is_given_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    code = new_code()
    answers = Answers(monkeypatch, code)
    assert commands._kit(ADDRESS, ACCOUNT, None) == Kit(ADDRESS, ACCOUNT, code)
    assert len(answers.asked) == 1


def test_after_a_slip_the_code_is_asked_again_and_the_slip_not_repeated(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code = new_code()
    Answers(monkeypatch, slipped(code), code)
    assert commands._kit(ADDRESS, ACCOUNT, None).code == code
    told = capsys.readouterr().err
    assert "character of the code is wrong" in told and code[1:9] not in told


def test_who_slips_three_times_starts_over(monkeypatch: pytest.MonkeyPatch) -> None:
    code = new_code()
    answers = Answers(monkeypatch, *[slipped(code)] * 3, code)
    with pytest.raises(RecoveryCodeError):
        commands._kit(ADDRESS, ACCOUNT, None)
    assert len(answers.asked) == 3


@pytest.mark.parametrize("address", ["http://concord.example.org", "concord.example.org", "", "file:///etc/passwd"])
def test_an_address_in_the_clear_is_told_before_the_code_is_asked(
    monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    answers = Answers(monkeypatch, address)
    with pytest.raises(RecoveryCodeError):
        commands._kit(None, ACCOUNT, None)
    assert len(answers.asked) == 1


def test_what_is_no_account_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    Answers(monkeypatch, "Dr. Ana Whitfield")
    with pytest.raises(RecoveryCodeError) as told:
        commands._kit(ADDRESS, None, None)
    assert "Whitfield" not in f"{told.value} {told.value.hint}"
