"""What a command says of the address book and one's other devices, once it has done its work."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from concord.cli.aftercare import after
from concord.errors import UnreachableError


def _client(order: list[str], keep_book: Any = lambda: (), **devices: Any) -> Any:
    def handed() -> Any:
        order.append("book")
        return keep_book()

    given = {"keep_book": handed, "moved": [], "book_left_out": False} | devices
    return SimpleNamespace(
        transport=SimpleNamespace(signed_in=False),
        devices=SimpleNamespace(**given),
        backup=SimpleNamespace(keep=lambda: order.append("backup")),
        settings=SimpleNamespace(device=uuid4()),
    )


def _unreachable() -> Any:
    raise UnreachableError("https://concord.example", "nobody answers")


def test_the_book_is_handed_over_before_the_backup_is_stored(capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever stores the next one has it by then."""
    order: list[str] = []
    after(_client(order))
    assert order == ["book", "backup"]
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("keep_book", [_unreachable, lambda: (uuid4(),)])
def test_a_book_that_was_not_handed_over_is_told_and_fails_nothing(
    keep_book: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    order: list[str] = []
    after(_client(order, keep_book))
    assert order == ["book", "backup"]
    assert "could not be given the address book" in " ".join(capsys.readouterr().err.split())


def test_who_is_under_another_alias_now_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    after(_client([], moved=[("jaime", "jaime-k3xq")]))
    assert "who was jaime here is jaime-k3xq now" in " ".join(capsys.readouterr().err.split())


def test_a_book_that_did_not_fit_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    after(_client([], book_left_out=True))
    assert "concord patient remove" in " ".join(capsys.readouterr().err.split())
