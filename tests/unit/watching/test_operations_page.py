"""docs/operations.md, held against what there is: commands, targets, containers, links."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer
import yaml

from services.__main__ import app

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs" / "operations.md").read_text()
# In code only: "make room" is no target.
CODE = "\n".join(re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL) + re.findall(r"`([^`\n]+)`", PAGE))
COMPOSED = {
    name
    for path in [ROOT / "docker-compose.yml", *(ROOT / "deploy").glob("compose.*.yml")]
    for name in yaml.safe_load(path.read_text())["services"]
}
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
MADE = set(re.findall(r"\bmake ([a-z-]+)", CODE))
_OPTIONS = r"(?:--?[a-z-]+ (?:[0-9]+ )?)*"
NAMED = set(re.findall(rf"docker compose (?:exec|logs|restart) {_OPTIONS}([a-z][a-z0-9-]*)", CODE))
COMMANDS = set(re.findall(r"concord-server ((?:[a-z-]+ ?){1,3})", CODE))
OPERATORS = {"up", "down", "logs", "ps", "doctor", "backup", "restore", "upgrade", "promote", "secrets", "sbom"}


@pytest.mark.parametrize("target", sorted(MADE))
def test_a_target_exists(target: str) -> None:
    assert target in TARGETS


@pytest.mark.parametrize("words", sorted(COMMANDS))
def test_a_command_exists(words: str) -> None:
    """Down to where its arguments begin."""
    command = typer.main.get_command(app)
    for word in words.split():
        if not hasattr(command, "commands"):
            return
        assert word in command.commands, f"concord-server {words}"
        command = command.commands[word]


@pytest.mark.parametrize("service", sorted(NAMED))
def test_a_container_exists(service: str) -> None:
    assert service in COMPOSED


@pytest.mark.parametrize("anchor", sorted(set(re.findall(r"\(#([a-z0-9-]+)\)", PAGE))))
def test_a_link_within_the_page_leads_somewhere(anchor: str) -> None:
    headings = re.findall(r"^#+ (.+)$", PAGE, re.MULTILINE)
    assert anchor in {re.sub(r"[^a-z0-9 -]", "", each.lower()).replace(" ", "-") for each in headings}


def test_every_operators_target_is_on_the_page() -> None:
    """What `make help` offers an operator is explained."""
    assert OPERATORS | {"reload-certificate", "rotate-passwords"} <= MADE & TARGETS


def test_nothing_on_the_page_removes_every_volume() -> None:
    """The databases and the archive are volumes like the rest."""
    assert not re.search(r"\bdown\b[^\n`]* (-[a-z]*v|--volumes)\b", PAGE)
