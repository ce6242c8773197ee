"""Cursors say where a page ends; logs say little, on purpose."""

from __future__ import annotations

import json
import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.chassis import logs
from services.chassis.pages import decode_cursor, encode_cursor
from services.chassis.problems import Problem

PRINTABLE = st.text(st.characters(categories=["L", "N", "P"]), max_size=40)


@given(PRINTABLE, st.integers(-(2**63), 2**63))
def test_a_cursor_comes_back_as_it_went(name: str, number: int) -> None:
    assert decode_cursor(encode_cursor([name, number]), (str, int)) == [name, number]


@given(st.text(max_size=60))
def test_no_text_makes_a_cursor_fail_in_another_way(text: str) -> None:
    try:
        decode_cursor(text, (str, int))
    except Problem as problem:
        assert problem.more["field"] == "cursor"


@pytest.mark.parametrize("parts", [[], ["a"], [1, "a"], ["a", True], ["a", 1, 2], ["a\u0000", 1], ["a\ud800", 1]])
def test_a_cursor_of_another_list_is_refused(parts: list[str | int]) -> None:
    with pytest.raises(Problem, match="cursor"):
        decode_cursor(encode_cursor(parts), (str, int))


def lines(capfd: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in capfd.readouterr().err.splitlines()]


def test_only_listed_members_are_logged(capfd: pytest.CaptureFixture[str]) -> None:
    logs.logger("test").warning("sent", count=3, token="secret-token", body="a diagnosis")
    (line,) = lines(capfd)
    assert line["event"] == "sent"
    assert line["count"] == 3
    assert set(line) <= logs.ALLOWED


def test_the_line_of_a_library_is_logged_without_what_was_filled_in(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.root, "handlers", [])
    logs.configure("consent")
    logging.getLogger("httpx").warning("request %s failed", "http://x/?name=Quetzalcoatl")
    try:
        raise ValueError("Quetzalcoatl")
    except ValueError:
        logging.getLogger("library").exception("it broke")
    first, second = lines(capfd)
    assert first["event"] == "request %s failed"
    assert second["error"] == "ValueError"
    assert "Quetzalcoatl" not in json.dumps([first, second])


def test_a_stack_tells_where_and_not_what(capfd: pytest.CaptureFixture[str]) -> None:
    try:
        raise ValueError("Quetzalcoatl")
    except ValueError as error:
        frames = logs.stack_of(error)
    assert frames[-1].endswith("test_a_stack_tells_where_and_not_what")
    assert "Quetzalcoatl" not in "".join(frames)


def test_a_process_that_serves_nobody_tells_only_what_is_wrong(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    logs.logger("test").info("released")
    assert lines(capfd) == []
    monkeypatch.setattr(logging.root, "handlers", [])
    logs.configure("messaging")
    logs.logger("test").info("released")
    (line,) = lines(capfd)
    assert (line["event"], line["service"]) == ("released", "messaging")
