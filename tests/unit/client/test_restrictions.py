"""Agreeing to a restriction waits until it holds everywhere, and says so when that cannot be confirmed."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any, cast
from uuid import UUID

import pytest
from concord.address_book import AddressBook
from concord.api.restrictions import Restriction, RestrictionsApi, Withholding
from concord.colleagues import Colleagues
from concord.errors import RestrictionPendingError
from concord.restrictions import Restrictions
from concord_formats.vocabulary import PartyKind

ME, HOME, MADE = UUID(int=1), UUID(int=2), UUID(int=3)
PATIENT = "pt_" + "a" * 26


class Service:
    """Confirms a restriction at the `n`th time that it is asked."""

    def __init__(self, confirmed_at: int) -> None:
        self.left = confirmed_at
        self.asked: list[Withholding] = []

    def put(self, asked: Withholding, *, agreed: bool) -> Restriction:
        self.asked.append(asked)
        self.left -= 1
        now = datetime(2026, 11, 23, tzinfo=UTC)
        effective = now if agreed and self.left <= 0 else None
        members: dict[str, Any] = asked.model_dump() | {"id": MADE, "status": "agreed", "created_at": now}
        return Restriction.model_validate(members | {"effective_at": effective})


class Book:
    def token(self, text: str) -> str:
        return PATIENT if text == "blue-heron" else text


class People:
    me, organization = ME, HOME


def verbs(service: Service) -> Restrictions:
    return Restrictions(cast(RestrictionsApi, service), cast(Colleagues, People()), cast(AddressBook, Book()))


def test_it_is_asked_again_until_it_holds_everywhere() -> None:
    service = Service(confirmed_at=3)
    clinician = verbs(service)
    made = clinician.agree(clinician.asked("blue-heron", date(2026, 11, 20)), wait=30)
    assert made.effective_at is not None
    assert len(service.asked) == 3
    assert len(set(map(str, service.asked))) == 1


def test_what_is_not_confirmed_in_time_is_said_and_names_what_was_recorded() -> None:
    clinician = verbs(Service(confirmed_at=1000))
    with pytest.raises(RestrictionPendingError) as pending:
        clinician.agree(clinician.asked("blue-heron", date(2026, 11, 20)), wait=0)
    assert pending.value.members["restriction"] == MADE
    assert pending.value.hint


def test_the_whole_organization_withholds_unless_one_says_oneself_alone() -> None:
    clinician = verbs(Service(1))
    ours = clinician.asked("blue-heron", date(2026, 11, 20))
    mine = clinician.asked("blue-heron", date(2026, 11, 20), only_me=True)
    assert (ours.discloser.kind, ours.discloser.id) == (PartyKind.ORGANIZATION, HOME)
    assert (mine.discloser.kind, mine.discloser.id) == (PartyKind.PRACTITIONER, ME)
    assert (ours.patient, ours.recipient, ours.information, ours.sensitivity) == (PATIENT, None, [], [])
