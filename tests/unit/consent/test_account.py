"""The account of disclosures: each event of messaging once, whatever the bus repeats."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from pydantic import ValidationError

from services.chassis.event import Event
from services.chassis.problems import Problem
from services.consent import account
from services.consent.events import ACCOUNTED
from services.consent.models import DisclosureRow
from tests.unit.consent.examples import COLLEAGUE, PHYSICIAN, STRANGER
from tests.unit.consent.world import World

AT = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def letter_event(consent: UUID, type_: str = "care.concord.messaging.letter-released.v1", **changed: Any) -> Event:
    data = {
        "letter": str(uuid4()),
        "consent": str(consent),
        "consent_version": 1,
        "sender": str(PHYSICIAN.practitioner),
        "recipient": str(COLLEAGUE.practitioner),
        "purpose": "treatment",
        "information": ["diagnoses"],
        "sensitivity": ["general"],
        "at": "2026-11-23T07:00:00-05:00",
    }
    return Event.create("messaging", type_, data | changed, time=AT)


def handle(world: World, event: Event) -> None:
    with world.database.transaction() as session:
        account.HANDLERS[event.type](session, event)


def lines(world: World, consent: UUID) -> list[DisclosureRow]:
    return account.page(world.all, PHYSICIAN, consent, 0, 100)


def test_each_kind_of_event_is_a_line_of_its_own(world: World) -> None:
    consent = world.active()
    for type_ in ACCOUNTED:
        reason = {"reason": "label-not-covered"} if "refused" in type_ else {}
        handle(world, letter_event(consent, type_, **reason))
    assert [line.event for line in lines(world, consent)] == ["released", "refused", "handed-out", "opened"]
    assert [line.reason for line in lines(world, consent)] == [None, "label-not-covered", None, None]
    assert lines(world, consent)[0].at == AT


def test_a_repeated_event_is_one_line(world: World) -> None:
    """Long after the inbox has forgotten it, too."""
    consent = world.active()
    event = letter_event(consent)
    handle(world, event)
    handle(world, event)
    assert len(lines(world, consent)) == 1


def test_what_happened_under_an_unknown_consent_is_kept(world: World) -> None:
    unknown = uuid4()
    handle(world, letter_event(unknown))
    with world.database.transaction() as session:
        assert session.query(DisclosureRow).filter_by(consent=unknown).count() == 1


def test_the_account_is_for_the_parties(world: World) -> None:
    consent = world.active()
    for wrong, member in ((consent, STRANGER), (uuid4(), PHYSICIAN)):
        with pytest.raises(Problem) as raised:
            account.page(world.all, member, wrong, 0, 10)
        assert raised.value.status == 404


def test_the_account_goes_on_page_after_page(world: World) -> None:
    consent = world.active()
    for _ in range(5):
        handle(world, letter_event(consent))
    first = account.page(world.all, PHYSICIAN, consent, 0, 3)
    rest = account.page(world.all, PHYSICIAN, consent, first[-1].id, 3)
    assert len({line.letter for line in first + rest}) == 5


@pytest.mark.parametrize(
    "changed",
    [{"letter": "no id"}, {"at": "2026-11-23T07:00:00"}, {"consent_version": 0}, {"reason": "free text, with a name"}],
)
def test_an_event_that_says_nothing_is_left_to_the_dead_letters(world: World, changed: dict[str, Any]) -> None:
    consent = world.active()
    with pytest.raises(ValidationError):
        handle(world, letter_event(consent, **changed))
    assert lines(world, consent) == []
