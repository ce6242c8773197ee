"""What the client tells its user to type can be typed: each command and option in its texts exists."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import concord
import pytest
import typer
from concord.cli.app import app

SOURCES = Path(concord.__file__).parent
# `concord`, words, then options and places: "concord recovery code --kit FILE.pdf".
COMMAND = re.compile(r"\bconcord((?: [a-z][a-z-]*)+)((?: (?:--?[a-z-]+|[A-Z]+(?:\.[a-z]+)?))*)")
ROOT = typer.main.get_command(app)


def texts(source: Path) -> Iterator[str]:
    """Every text in a module, as it is told; docstrings among them."""
    tree = ast.parse(source.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield "".join(str(part.value) for part in node.values if isinstance(part, ast.Constant))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield " ".join(node.value.split())


def unknown(text: str) -> Iterator[str]:
    """What cannot be typed of what a text says to type."""
    for found in COMMAND.finditer(text):
        command, words = ROOT, found[1].split()
        while words and words[0] in getattr(command, "commands", {}):
            command = command.commands[words.pop(0)]  # type: ignore[attr-defined]
        options = {option for each in command.params for option in each.opts}
        if command is ROOT or (words and hasattr(command, "commands")) or set(_options(found[2])) - options:
            yield found[0]


def _options(text: str) -> list[str]:
    return [word for word in text.split() if word.startswith("-")]


@pytest.mark.parametrize("said", ["concord patient burn", "concord recovery code --paper", "concord recover-cases"])
def test_a_text_that_says_something_else_is_noticed(said: str) -> None:
    assert list(unknown(f"Do it again: {said}"))


def test_what_a_person_is_told_to_type_exists() -> None:
    said = {
        (source.name, command)
        for source in sorted(SOURCES.rglob("*.py"))
        for text in texts(source)
        for command in unknown(text)
    }
    assert said == set()
