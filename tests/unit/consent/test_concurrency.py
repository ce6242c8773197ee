"""Several people at one consent at once: one order, numbers without gaps, never active after revoked.

On PostgreSQL and real threads; SQLite has one writer by nature.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest

from services.chassis.problems import Problem
from services.consent import events, usecases
from tests.unit.consent.examples import COLLEAGUE, PHYSICIAN, PSYCHOLOGIST, TERMS
from tests.unit.consent.world import World, type_of

pytestmark = pytest.mark.real

ROUNDS = 12


def at_once(*steps: Callable[[], object]) -> list[object]:
    """Run the steps in threads that start together; what each returned, or the type of the problem it raised."""
    start = threading.Barrier(len(steps))

    def run(step: Callable[[], object]) -> object:
        start.wait()
        try:
            return step()
        except Problem as problem:
            return type_of(problem)

    with ThreadPoolExecutor(len(steps)) as pool:
        return [each.result(timeout=30) for each in [pool.submit(run, step) for step in steps]]


def told_of(world: World, consent: UUID) -> list[str]:
    """The types of the events about a consent, in the feed's order."""
    return [event.type for event in world.told() if event.data["consent"] == str(consent)]


def assert_gap_free(world: World) -> None:
    assert [event.sequence for event in world.told()] == list(range(1, len(world.told()) + 1))


def test_two_activations_at_once_are_one(real_world: World) -> None:
    for _ in range(ROUNDS):
        consent = real_world.ready()
        answers = at_once(*[lambda c=consent: real_world.activate(c) for _ in range(4)])  # type: ignore[misc]
        assert all(not isinstance(answer, str) for answer in answers)
        assert told_of(real_world, consent) == [events.ACTIVATED]
    assert_gap_free(real_world)


def test_a_revocation_during_an_activation_is_never_undone(real_world: World) -> None:
    """Whichever comes first: the consent ends revoked, and if it was ever told active, its revocation is told later."""
    for _ in range(ROUNDS):
        consent = real_world.ready()
        activated, revoked = at_once(
            lambda c=consent: real_world.activate(c),  # type: ignore[misc]
            lambda c=consent: real_world.revoke(c),  # type: ignore[misc]
        )
        assert isinstance(revoked, usecases.Revocation)
        assert activated == "consent-revoked" or not isinstance(activated, str)
        assert real_world.statuses(consent) == ["revoked"]
        assert told_of(real_world, consent) in ([], [events.ACTIVATED, events.REVOKED])
    assert_gap_free(real_world)


def test_an_acceptance_during_a_revocation_is_never_told_after_it(real_world: World) -> None:
    for _ in range(ROUNDS):
        consent = real_world.active()
        at_once(
            lambda c=consent: real_world.accept(c, member=COLLEAGUE),  # type: ignore[misc]
            lambda c=consent: real_world.accept(c, member=PSYCHOLOGIST),  # type: ignore[misc]
            lambda c=consent: real_world.revoke(c, PHYSICIAN),  # type: ignore[misc]
        )
        assert real_world.statuses(consent) == ["revoked"]
        told = told_of(real_world, consent)
        assert told[-1] == events.REVOKED
        assert told.count(events.REVOKED) == 1
    assert_gap_free(real_world)


def test_many_revocations_at_once_answer_the_same(real_world: World) -> None:
    consent = real_world.active()
    members = (PHYSICIAN, PSYCHOLOGIST, COLLEAGUE, PHYSICIAN)
    answers = at_once(*[lambda m=member: real_world.revoke(consent, m) for member in members])  # type: ignore[misc]
    assert len({answer.revoked_at for answer in answers}) == 1  # type: ignore[attr-defined]
    assert told_of(real_world, consent) == [events.ACTIVATED, events.REVOKED]


def test_two_drafts_of_a_next_version_at_once_are_one(real_world: World) -> None:
    consent = real_world.active()
    answers = at_once(
        *[lambda m=m: usecases.draft_version(real_world.all, m, consent, TERMS) for m in (PHYSICIAN, PSYCHOLOGIST)]  # type: ignore[misc]
    )
    assert [answer for answer in answers if isinstance(answer, str)] == ["draft-exists"]
    assert real_world.statuses(consent) == ["active", "draft"]


def test_a_supersession_during_a_revocation_never_leaves_a_version_in_force(real_world: World) -> None:
    for _ in range(ROUNDS):
        consent = real_world.active()
        usecases.draft_version(real_world.all, PHYSICIAN, consent, TERMS)
        real_world.attach(consent, 2)
        real_world.accept(consent, 2)
        at_once(
            lambda c=consent: real_world.activate(c, 2),  # type: ignore[misc]
            lambda c=consent: real_world.revoke(c),  # type: ignore[misc]
        )
        assert "active" not in real_world.statuses(consent)
        assert told_of(real_world, consent)[-1] == events.REVOKED
    assert_gap_free(real_world)


def test_different_consents_share_one_feed_without_gaps(real_world: World) -> None:
    consents = [real_world.ready() for _ in range(8)]

    def live(consent: UUID) -> None:
        real_world.activate(consent)
        real_world.accept(consent, member=PSYCHOLOGIST)
        real_world.revoke(consent)

    at_once(*[lambda c=consent: live(c) for consent in consents])  # type: ignore[misc]
    assert_gap_free(real_world)
    assert len(real_world.told()) == 3 * len(consents)
    assert all(told_of(real_world, each)[-1] == events.REVOKED for each in consents)
