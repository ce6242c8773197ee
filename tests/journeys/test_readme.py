"""The README shows what `make demo` prints, and names commands that exist."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer
from concord.cli import app as client

from services import __main__ as server
from tests.journeys.world import GATE_DEADLINE_SECONDS

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|pt_[a-z2-7]{26}|\b\d{5}( \d{5}){11}\b")
_NUMBER = re.compile(r"\d+(\.\d+)?")


def _stable(text: str) -> list[str]:
    """Lines without what differs from run to run: ids, tokens, fingerprints, sizes, seconds."""
    return [_NUMBER.sub("N", _ID.sub("ID", line)).strip() for line in text.splitlines() if line.strip()]


def _blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def test_the_readme_shows_the_demos_own_output() -> None:
    # On a machine that does other things besides, a decision may take longer than its usual half second.
    unhurried = os.environ | {"CONCORD_GATE_DEADLINE_SECONDS": str(GATE_DEADLINE_SECONDS)}
    line = [sys.executable, "-m", "demo"]
    done = subprocess.run(line, cwd=ROOT, env=unhurried, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "✗" not in done.stdout
    assert _stable(_blocks("text")[0]) == _stable(done.stdout)


def _tree(program: str) -> Any:
    return typer.main.get_command({"concord": client.app, "concord-server": server.app}[program])


def _command(line: str) -> tuple[Any, list[str]]:
    """The command that a line names, and the words after it."""
    program, *words = line.split()
    command = _tree(program)
    while words and hasattr(command, "commands") and words[0] in command.commands:
        command = command.commands[words.pop(0)]
    return command, words


def _lines() -> list[str]:
    return [
        line for line in "\n".join(_blocks("sh")).splitlines() if line.split()[:1] in (["concord"], ["concord-server"])
    ]


@pytest.mark.parametrize("line", _lines())
def test_a_command_in_the_readme_exists_with_its_options(line: str) -> None:
    command, words = _command(line)
    assert not hasattr(command, "commands"), f"{line}: {command.name} is a group of commands"
    known = {name for option in command.params for name in option.opts}
    assert {word for word in words if re.fullmatch(r"--?[a-z][a-z-]*", word)} <= known | {"--help"}, line


def test_there_are_commands_in_the_readme() -> None:
    assert len(_lines()) > 20


def test_a_command_that_is_not_there_would_be_missed() -> None:
    assert hasattr(_command("concord consent abolish")[0], "commands")
