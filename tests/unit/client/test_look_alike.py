"""An administrator who has made sure that two names that look alike are two people says so, and only then."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast
from uuid import uuid4

import pytest
from concord.administration import Administration
from concord.api import DirectoryApi
from concord.cli import admin as commands
from concord.colleagues import Colleagues
from concord.errors import ServiceError
from concord.own_keys import OwnKeys
from concord.transport import Transport
from typer.testing import CliRunner

from tests.unit.client.people import Clinician

Run = Callable[..., Any]


@dataclass
class Directory:
    """Has somebody whose name looks like every other."""

    sent: list[dict[str, Any]] = field(default_factory=list)

    def json(self, method: str, path: str, *, json: dict[str, Any]) -> Any:
        """One invitation."""
        assert (method, path) == ("POST", "/directory/v1/invitations")
        self.sent.append(json)
        if not json.get("look_alike"):
            raise ServiceError(409, "name-looks-alike", "Nobody can tell the two.", practitioner=str(uuid4()))
        return {"practitioner": str(uuid4()), "code": "concord-invitation:x", "expires_at": "2026-12-05T00:00:00Z"}


@pytest.fixture
def directory() -> Directory:
    return Directory()


@pytest.fixture
def run(directory: Directory, ana: Clinician, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Types `concord admin invite …`, as Ana."""
    people = cast(Colleagues, SimpleNamespace(me=ana.id, organization=uuid4()))
    administration = Administration(DirectoryApi(cast(Transport, directory)), people, OwnKeys(ana.keyring, None))

    @contextmanager
    def unlock(*_: object) -> Iterator[Any]:
        yield SimpleNamespace(administration=administration)

    monkeypatch.setattr(commands, "unlock", unlock)

    def running(*words: str) -> Any:
        done = CliRunner().invoke(
            commands.app, ["invite", "--name", "Jose Garcia", "--checked", "known-in-person", *words]
        )
        if done.exception and not isinstance(done.exception, SystemExit):
            raise done.exception
        return done

    return running


def test_it_is_not_said_by_itself_and_the_refusal_says_how(run: Run, directory: Directory) -> None:
    with pytest.raises(ServiceError) as refused:
        run()
    assert "concord admin invite --look-alike" in refused.value.hint
    assert "look_alike" not in directory.sent[0]


def test_it_is_said_when_it_is_said(run: Run, directory: Directory) -> None:
    assert run("--look-alike").stdout.strip() == "concord-invitation:x"
    assert directory.sent[0]["look_alike"] is True
