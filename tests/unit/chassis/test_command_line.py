"""`concord-server` as it is typed: what it says, and how it ends."""

from __future__ import annotations

import socket
import sys
from pathlib import Path

import pytest

from services.__main__ import main


def typed(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    """Its exit status."""
    monkeypatch.setattr(sys, "argv", ["concord-server", *words])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("new-epoch", "messaging"), "messaging has no feed"),
        (("doctor", "mesaging"), "is one of: directory, consent, messaging"),
        (("retension", "show"), "No such command"),
        (("forget", "consent", "x"), "should be a valid UUID"),
        (("forget", "consent"), "Missing argument"),
        (("doctor", "consent", "--jsn"), "No such option"),
    ],
)
def test_a_wrong_command_is_told_with_what_helps(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], said: str
) -> None:
    assert typed(monkeypatch, *words) == 2
    error, hint = capsys.readouterr().err.splitlines()
    assert error.startswith("error: ")
    assert said in error
    assert hint.startswith("hint: see ")
    assert hint.endswith(" --help")


def test_a_command_that_could_not_do_its_work_ends_with_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert typed(monkeypatch, "forget", "consent", "11111111-1111-1111-1111-111111111111") == 1
    assert "hint: say --yes" in capsys.readouterr().err


def test_a_folder_in_which_nothing_has_run_is_told_and_not_made(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    folder = tmp_path / ".run"
    assert typed(monkeypatch, "directory", "add-organization", "Riverside", "--data", str(folder)) == 1
    said = capsys.readouterr().err
    assert "the embedded services have never run there" in said
    assert "hint: start them first: make run" in said
    assert not folder.exists()


def test_a_database_that_was_never_migrated_is_told_and_its_statement_is_not(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "port").write_text("8080")
    assert typed(monkeypatch, "directory", "add-organization", "Riverside", "--data", str(tmp_path)) == 1
    error, hint = capsys.readouterr().err.splitlines()
    assert error == "error: the database has not all tables of this version"
    assert "make run" in hint


def test_a_port_that_is_taken_is_told_before_anything_is_made(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        assert typed(monkeypatch, "local", "--data", str(tmp_path / ".run"), "--port", port) == 1
    said = capsys.readouterr().err
    assert f"error: port {port} of 127.0.0.1 is in use" in said
    assert "--port" in said
    assert not (tmp_path / ".run").exists()


def test_a_doctor_that_finds_something_ends_with_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("CONCORD_DATABASE_URL", raising=False)
    assert typed(monkeypatch, "doctor", "consent") == 1
    assert "WRONG  settings: missing or wrong: CONCORD_DATABASE_URL" in capsys.readouterr().out


def test_a_group_of_commands_shows_what_there_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    typed(monkeypatch, "dead-letters")
    assert "replay" in capsys.readouterr().out
