"""A suspension is acknowledged when no letter can be released to or from the suspended any more, and not before."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from services.chassis.barrier import Barrier
from services.directory import standing
from services.directory.app import create_app
from tests.unit.directory.house import House, Person
from tests.unit.directory.test_teams_behind_the_barrier import Follower


@pytest.fixture
def place(house: House, monkeypatch: pytest.MonkeyPatch) -> House:
    """A directory with the barrier that a deployment has, which is asked once."""
    monkeypatch.setattr(standing, "MAX_WAIT_SECONDS", 0.0)
    house.deps = replace(house.deps, barrier=Barrier(house.deps.feed, house.clock))
    house.app = create_app(house.deps)
    return house


@pytest.fixture
def admin(place: House) -> Person:
    return place.administrator()


@pytest.fixture
def person(place: House, admin: Person) -> Person:
    return place.practitioner(admin)


@pytest.fixture
def gate(place: House, person: Person) -> Iterator[Follower]:
    """An enforcement point that knows everybody, and has a lease of now."""
    made = Follower(place.deps)
    made.ask()
    made.apply()
    yield made
    place.deps.feed.forget(made.id)


def suspend(admin: Person, person: Person) -> tuple[int, str]:
    """The answer to the suspension, or to asking again."""
    answer = admin.request("POST", f"/v1/practitioners/{person.id}/suspension")
    return answer.status_code, answer.get_json()["status"]


def test_it_is_being_done_while_a_gate_has_not_applied_it(admin: Person, person: Person, gate: Follower) -> None:
    assert suspend(admin, person) == (202, "suspending")
    gate.ask()
    assert suspend(admin, person) == (202, "suspending"), "to have heard of it is not to refuse by it"
    gate.apply()
    assert suspend(admin, person) == (200, "suspended")


def test_each_gate_counts(place: House, admin: Person, person: Person, gate: Follower) -> None:
    other = Follower(place.deps)
    other.ask()
    other.apply()
    assert suspend(admin, person) == (202, "suspending")
    gate.apply()
    assert suspend(admin, person) == (202, "suspending")
    other.apply()
    assert suspend(admin, person) == (200, "suspended")


def test_meanwhile_nobody_signs_in_as_the_suspended(admin: Person, person: Person, gate: Follower) -> None:
    """The directory itself refuses at once; what it cannot know is whether a gate elsewhere does."""
    assert suspend(admin, person) == (202, "suspending")
    assert person.ask_token().status_code == 401


def test_a_second_suspension_after_a_reinstatement_waits_anew(
    place: House, admin: Person, person: Person, gate: Follower
) -> None:
    suspend(admin, person)
    gate.apply()
    assert suspend(admin, person) == (200, "suspended")
    assert admin.request("DELETE", f"/v1/practitioners/{person.id}/suspension").status_code == 200
    assert suspend(admin, person) == (202, "suspending")
    gate.apply()
    assert suspend(admin, person) == (200, "suspended")
