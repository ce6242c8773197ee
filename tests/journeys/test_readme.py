"""The README shows what `make demo` prints, and names commands that exist."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.journeys.world import GATE_DEADLINE_SECONDS

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|pt_[a-z2-7]{26}|\b\d{5}( \d{5}){11}\b")
_NUMBER = re.compile(r"\d+(\.\d+)?")
_COMMAND = re.compile(r"^(concord(?:-server)?)((?: [a-z][a-z-]*)+)", re.MULTILINE)


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


@pytest.mark.parametrize("command", sorted({"".join(found) for found in _COMMAND.findall("\n".join(_blocks("sh")))}))
def test_a_command_in_the_readme_exists(command: str) -> None:
    """Each is asked for its help; a command that is not there answers with status 2."""
    program, *words = command.split()
    module = {"concord": "concord.cli", "concord-server": "services"}[program]
    line = [sys.executable, "-c", f"from {module}{'.__main__' if module == 'services' else ''} import main; main()"]
    while words:
        done = subprocess.run([*line, *words, "--help"], cwd=ROOT, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return
        words.pop()  # the last word may be an argument, such as an alias
    pytest.fail(f"no such command: {command}")


def test_every_option_in_the_readme_exists() -> None:
    for line in "\n".join(_blocks("sh")).splitlines():
        if not line.startswith("concord"):
            continue
        program, *words = line.split()
        names = [word for word in words if re.fullmatch(r"[a-z][a-z-]*", word)][:2]
        options = {word for word in words if word.startswith("--")}
        assert options <= _options(program, names), line


def _options(program: str, names: list[str]) -> set[str]:
    module = "concord.cli" if program == "concord" else "services.__main__"
    found: set[str] = set()
    for count in range(len(names) + 1):
        line = [sys.executable, "-c", f"from {module} import main; main()", *names[:count], "--help"]
        done = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            found |= set(re.findall(r"--[a-z][a-z-]*", done.stdout))
    return found
