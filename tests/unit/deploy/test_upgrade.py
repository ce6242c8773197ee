"""The upgrade of one kind of process: nothing stops before as many new ones are healthy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from deploy import upgrade
from deploy.compose import ComposeError

KIND = "messaging-worker"


@dataclass
class Engine:
    """Docker with the containers of one kind: each one's state by its id. New ones get the states of `becoming`."""

    there: dict[str, str]
    becoming: list[str] = field(default_factory=list)
    up_raises: BaseException | None = None
    stop_raises: BaseException | None = None
    did: list[str] = field(default_factory=list)

    def compose(self, *words: str) -> str:
        if words[0] == "logs":
            self.did.append("logs")
            return ""
        assert words[0] == "up"
        wanted = int(words[words.index("--scale") + 1].split("=")[1])
        for number, state in zip(range(wanted - len(self.there)), self.becoming, strict=False):
            self.there[f"new-{number}"] = state
        if self.up_raises:
            raise self.up_raises
        return ""

    def containers(self, *services: str) -> list[dict[str, Any]]:
        assert services == (KIND,)
        return [{"ID": each, "State": state} for each, state in self.there.items()]

    def healthy(self, container: str) -> bool:
        return self.there[container] == "healthy"

    def docker(self, *words: str) -> str:
        if words[0] == "stop" and self.stop_raises:
            raise self.stop_raises
        for each in words[1:]:
            if words[0] == "rm":
                self.there.pop(each, None)
            elif each in self.there:
                self.there[each] = "exited"
        self.did.append(words[0])
        return ""


Given = Callable[..., Engine]


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> Given:
    """An engine in the place of Docker's."""

    def place(*args: Any, **more: Any) -> Engine:
        engine = Engine(*args, **more)
        for name in ("compose", "containers", "healthy", "docker"):
            monkeypatch.setattr(upgrade, name, getattr(engine, name))
        return engine

    return place


def test_new_ones_take_the_place_of_as_many_old_ones(given: Given) -> None:
    engine = given({"a": "healthy", "b": "healthy"}, ["healthy"] * 2)
    assert upgrade.replace(KIND, 1) == 2
    assert engine.there == {"new-0": "healthy", "new-1": "healthy"}
    assert engine.did == ["stop", "stop", "rm"], "what has begun is let end"


def test_one_that_is_just_being_started_again_counts(given: Given) -> None:
    engine = given({"a": "healthy", "b": "restarting"}, ["healthy"] * 2)
    assert upgrade.replace(KIND, 1) == 2
    assert list(engine.there) == ["new-0", "new-1"]


def test_where_none_is_left_one_is_made(given: Given) -> None:
    engine = given({}, ["healthy"])
    upgrade.replace(KIND, 1)
    assert engine.there == {"new-0": "healthy"}


@pytest.mark.parametrize(
    "becoming",
    [[], ["healthy"], ["healthy", "restarting"], ["healthy", "exited"], ["starting", "starting"]],
    ids=lambda states: ",".join(states) or "none",
)
def test_a_version_that_does_not_start_is_taken_away_and_the_old_one_stays(given: Given, becoming: list[str]) -> None:
    engine = given({"a": "healthy", "b": "restarting"}, becoming)
    with pytest.raises(ComposeError, match="did not happen"):
        upgrade.replace(KIND, 0)
    assert engine.there == {"a": "healthy", "b": "restarting"}
    assert "stop" not in engine.did
    assert engine.did[0] == "logs", "why they did not start is shown before they are gone"


@pytest.mark.parametrize("raised", [ComposeError("no such image"), KeyboardInterrupt()], ids=repr)
def test_what_ends_the_start_of_the_new_ones_leaves_none_of_them(given: Given, raised: BaseException) -> None:
    """The next upgrade would take them for old ones, and double them."""
    engine = given({"a": "healthy"}, ["healthy"], up_raises=raised)
    with pytest.raises(type(raised)):
        upgrade.replace(KIND, 1)
    assert engine.there == {"a": "healthy"}


def test_what_ends_the_stopping_of_the_old_ones_leaves_none_of_those(given: Given) -> None:
    engine = given({"a": "healthy", "b": "healthy"}, ["healthy"] * 2, stop_raises=KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        upgrade.replace(KIND, 1)
    assert list(engine.there) == ["new-0", "new-1"]
