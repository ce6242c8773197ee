"""`.env` says to our programs what it says to docker compose."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy import compose as calls
from deploy.env_file import ROOT, misspelt, read_env
from deploy.make_secrets import host_of

# Each as compose reads it: tried with `docker compose config`.
LINES = {
    "PLAIN=a.yml:b.yml": "a.yml:b.yml",
    'QUOTED="a.yml:b.yml"': "a.yml:b.yml",
    "SINGLE='x y'": "x y",
    "COMMENTED=443 # for all": "443",
    'BOTH="a # b" # c': "a # b",
    "HASH=a#b": "a#b",
    "  export SPACED = 1 ": "1",
    "EMPTY=": "",
    'QUOTE_WITHIN=it"s': 'it"s',
    "TWICE=a=b": "a=b",
}


@pytest.mark.parametrize(("line", "value"), LINES.items())
def test_a_value_is_what_compose_takes_it_for(tmp_path: Path, line: str, value: str) -> None:
    path = tmp_path / ".env"
    path.write_text(f"# COMMENT=1\n\n{line}\n")
    assert list(read_env(path).values()) == [value]
    assert list(read_env(path)) == [line.split("=", maxsplit=1)[0].replace("export", "").strip()]


def test_a_file_that_is_not_there_says_nothing(tmp_path: Path) -> None:
    assert read_env(tmp_path / ".env") == {}


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("SYNCRONOUS_STANDBY", "SYNCHRONOUS_STANDBY"),
        ("MESSAGING_API_REPLICA", "MESSAGING_API_REPLICAS"),
        ("messaging_api_replicas", "MESSAGING_API_REPLICAS"),
        ("CONCORD_BASEURL", "CONCORD_BASE_URL"),
    ],
)
def test_a_name_that_is_misspelt_is_named_with_the_one_that_is_meant(name: str, meant: str) -> None:
    assert list(misspelt([name], ROOT / ".env.example")) == [(name, meant)]


def test_names_of_the_example_and_an_operators_own_are_no_mistakes() -> None:
    lines = (ROOT / ".env.example").read_text(encoding="utf-8").splitlines()
    names = [line.lstrip("#").split("=")[0] for line in lines if "=" in line and " " not in line.split("=")[0]]
    assert len(names) > 20
    assert list(misspelt([*names, "BACKUP_BUCKET", "COMPOSE_PROJECT_NAME"], ROOT / ".env.example")) == []


def test_a_quoted_origin_gives_its_host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CONCORD_BASE_URL", raising=False)
    (tmp_path / ".env").write_text('CONCORD_BASE_URL="https://concord.example:8443" # ours\n')
    assert host_of(tmp_path / ".secrets") == "concord.example"


class Called:
    """In place of the call of a program: what it was given."""

    def __init__(self) -> None:
        self.environment: dict[str, str] = {}

    def __call__(self, _line: list[str], environment: dict[str, str], _stdin: object) -> str:
        self.environment = environment
        return ""


@pytest.fixture
def called(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Called:
    """A repository's folder with a quoted list in `.env`."""
    monkeypatch.delenv("COMPOSE_FILE", raising=False)
    monkeypatch.setattr(calls, "ROOT", tmp_path)
    (tmp_path / "docker-compose.yml").touch()
    (tmp_path / ".env").write_text('COMPOSE_FILE="docker-compose.yml:mine.yml"\n')
    made = Called()
    monkeypatch.setattr(calls, "_run", made)
    return made


def test_compose_finds_its_files_by_itself(called: Called) -> None:
    calls.compose("ps")
    assert "COMPOSE_FILE" not in called.environment


def test_a_further_file_comes_after_the_deployments_own(called: Called) -> None:
    calls.compose("ps", also=("more.yml",))
    assert called.environment["COMPOSE_FILE"] == "docker-compose.yml:mine.yml:more.yml"


def test_a_further_file_comes_after_those_that_compose_takes_untold(called: Called, tmp_path: Path) -> None:
    (tmp_path / ".env").unlink()
    (tmp_path / "docker-compose.override.yml").touch()
    calls.compose("ps", also=("more.yml",))
    assert called.environment["COMPOSE_FILE"] == "docker-compose.yml:docker-compose.override.yml:more.yml"
