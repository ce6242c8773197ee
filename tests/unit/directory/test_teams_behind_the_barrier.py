"""What ends is acknowledged when every enforcement point has applied it: with the barrier that a deployment has."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from uuid import UUID, uuid4

import pytest

from services.chassis.barrier import Barrier
from services.chassis.feed_messages import LeaseRequest
from services.directory import standing
from services.directory.deps import Deps
from services.directory.organizations import delegations, teams
from services.directory.standing import Stopped
from tests.unit.directory.delegating import given
from tests.unit.directory.house import House, Person


class Follower:
    """An enforcement point that applies when it is told to, and says so."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps
        self.id = uuid4()
        self.epoch: UUID | None = None
        self.heard = self.applied = 0

    def ask(self) -> None:
        """Report and take a lease; what the answer carries is applied later."""
        request = LeaseRequest(enforcement_point=self.id, epoch=self.epoch, applied=self.applied, time_bounded=False)
        answer = self._deps.feed.grant(request)
        self.epoch, self.heard = answer.epoch, answer.seq

    def apply(self) -> None:
        """Apply all that was told, and report it."""
        self.ask()
        self.applied = self.heard
        self.ask()


@pytest.fixture
def deps(kept_house: House, monkeypatch: pytest.MonkeyPatch) -> Deps:
    """The parts with a barrier that waits for its followers, and is asked once."""
    monkeypatch.setattr(standing, "MAX_WAIT_SECONDS", 0.0)
    return replace(kept_house.deps, barrier=Barrier(kept_house.deps.feed, kept_house.clock))


@pytest.fixture
def follower(deps: Deps, admin: Person) -> Iterator[Follower]:
    """One that has a lease of now."""
    made = Follower(deps)
    made.ask()
    made.apply()
    yield made
    deps.feed.forget(made.id)


@pytest.fixture
def admin(kept_house: House) -> Person:
    return kept_house.administrator()


@pytest.fixture
def person(kept_house: House, admin: Person) -> Person:
    return kept_house.practitioner(admin)


def removal(deps: Deps, admin: Person, person: Person) -> Callable[[], Stopped]:
    team = teams.create(deps, admin.caller(), "Intake", None).team.id
    teams.add_member(deps, admin.caller(), team, person.id)
    return lambda: teams.remove_member(deps, admin.caller(), team, person.id)


def closing(deps: Deps, admin: Person, person: Person) -> Callable[[], Stopped]:
    team = teams.create(deps, admin.caller(), "Intake", None).team.id
    teams.add_member(deps, admin.caller(), team, person.id)
    return lambda: teams.close(deps, admin.caller(), team)


def revocation(deps: Deps, admin: Person, person: Person) -> Callable[[], Stopped]:
    delegation = UUID(given(admin, person.id))
    return lambda: delegations.revoke(deps, admin.caller(), delegation)


@pytest.mark.parametrize("end", [removal, closing, revocation], ids=lambda end: end.__name__)
def test_an_end_holds_once_the_last_enforcement_point_has_applied_it(
    deps: Deps, follower: Follower, admin: Person, person: Person, end: Callable[..., Callable[[], Stopped]]
) -> None:
    again = end(deps, admin, person)
    follower.apply()
    assert again().effective_at is None
    follower.ask()
    assert again().effective_at is None, "hearing of it is not applying it"
    follower.apply()
    assert (stopped := again()).effective_at is not None
    assert again() == stopped
