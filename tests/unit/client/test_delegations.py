"""Delegations: what one's own device signs, and which of those that the directory shows let one send a letter."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from concord import errors
from concord.delegations import Delegations
from concord.own_keys import OwnKeys
from concord_formats.delegations import read_delegation
from concord_formats.vocabulary import Information, Purpose, Sensitivity
from pydantic import ValidationError

from tests.unit.client.key_log.fake_log import Town, binding
from tests.unit.client.people import Clinician, new_device
from tests.unit.client.test_letter_delegated import RIGHT, delegation
from tests.unit.client.together import FakeServices, body_of

LABELS: frozenset[Information | Sensitivity] = frozenset({Information.DIAGNOSES, Sensitivity.GENERAL})


@pytest.fixture
def services() -> FakeServices:
    return FakeServices()


@pytest.fixture
def bo(eve: Clinician) -> Clinician:
    """A nurse, who writes in Ana's name."""
    return eve


@pytest.fixture
def town(tmp_path: Path, ana: Clinician, bo: Clinician, noor: Clinician) -> Town:
    made = Town(tmp_path)
    for person, name in ((ana, "Dr. Ana Whitfield"), (bo, "Bo Park"), (noor, "Dr. Noor Haddad")):
        made.enrol(person, name)
    return made


def seen_by(person: Clinician, town: Town, services: FakeServices) -> Delegations:
    return Delegations(services.delegations_api, town.colleagues(person), OwnKeys(person.keyring))


@pytest.fixture
def anas(town: Town, services: FakeServices, ana: Clinician) -> Delegations:
    return seen_by(ana, town, services)


@pytest.fixture
def bos(town: Town, services: FakeServices, bo: Clinician) -> Delegations:
    return seen_by(bo, town, services)


def tomorrow() -> datetime:
    return datetime.now(UTC) + timedelta(days=1)


def gives(by: Delegations, to: Clinician, **changed: Any) -> Any:
    terms: dict[str, Any] = {
        "purposes": [Purpose.TREATMENT],
        "information": [Information.DIAGNOSES],
        "sensitivity": [Sensitivity.GENERAL],
        "until": tomorrow(),
    }
    return by.give(to.id, **(terms | changed))


class TestGiving:
    """What one signs."""

    def test_ones_own_device_signs_exactly_what_was_said(
        self, anas: Delegations, ana: Clinician, bo: Clinician
    ) -> None:
        right = gives(anas, bo)
        said = read_delegation(right.signed, ana.keyring.signing_key().public())
        assert (said.delegator, said.delegate, said.device) == (ana.id, bo.id, ana.keyring.device)
        assert (set(said.purposes), set(said.information)) == ({Purpose.TREATMENT}, {Information.DIAGNOSES})
        assert (right.status, right.id) == ("active", said.delegation)

    @pytest.mark.parametrize(
        "changed",
        [
            {"information": []},
            {"purposes": [Purpose.EMERGENCY]},
            {"until": datetime.now(UTC) - timedelta(days=1)},
            {"until": datetime.now(UTC) + timedelta(days=400)},
        ],
        ids=["nothing", "emergency", "past", "over-a-year"],
    )
    def test_what_cannot_be_given_is_not_signed(
        self, anas: Delegations, bo: Clinician, services: FakeServices, changed: dict[str, Any]
    ) -> None:
        with pytest.raises(ValidationError):
            gives(anas, bo, **changed)
        assert services.delegations == []

    def test_nobody_lets_themselves(self, anas: Delegations, ana: Clinician) -> None:
        with pytest.raises(ValidationError, match="own delegate"):
            gives(anas, ana)

    def test_both_see_it_and_who_it_is_from(self, anas: Delegations, bos: Delegations, bo: Clinician) -> None:
        right = gives(anas, bo)
        assert [each.id for each in anas.given()] == [right.id] == [each.id for each in bos.received()]
        assert list(anas.received()) == [] == list(bos.given())


class TestTheRightToSend:
    """Which one a letter goes under."""

    def right(
        self, bos: Delegations, ana: Clinician, purpose: Purpose = Purpose.TREATMENT, labels: Any = LABELS
    ) -> Any:
        return bos.right_to_send(ana.id, purpose, labels)

    def test_the_one_that_gives_enough(
        self, anas: Delegations, bos: Delegations, ana: Clinician, bo: Clinician
    ) -> None:
        right = gives(anas, bo)
        gives(anas, bo, information=[Information.ALLERGIES], until=datetime.now(UTC) + timedelta(days=300))
        gives(anas, bo, purposes=[Purpose.PAYMENT])
        assert self.right(bos, ana).id == right.id

    def test_of_two_that_give_enough_the_one_that_ends_last(
        self, anas: Delegations, bos: Delegations, ana: Clinician, bo: Clinician
    ) -> None:
        long = gives(anas, bo, until=datetime.now(UTC) + timedelta(days=300))
        gives(anas, bo)
        assert self.right(bos, ana).id == long.id

    def test_of_none_that_gives_enough_it_is_said_what_the_nearest_lacks(
        self, anas: Delegations, bos: Delegations, ana: Clinician, bo: Clinician
    ) -> None:
        gives(anas, bo)
        wanted = LABELS | {Information.MEDICATIONS, Sensitivity.HIV}
        with pytest.raises(errors.NotDelegatedError) as caught:
            self.right(bos, ana, Purpose.TREATMENT, wanted)
        assert caught.value.beyond == ("hiv", "medications")
        assert "hiv, medications" in caught.value.message
        with pytest.raises(errors.NotDelegatedError, match="payment"):
            self.right(bos, ana, Purpose.PAYMENT)

    def test_where_nothing_was_given_it_says_by_whom(self, bos: Delegations, ana: Clinician) -> None:
        with pytest.raises(errors.NotDelegatedError, match="Ana Whitfield has not let you"):
            self.right(bos, ana)

    @pytest.mark.parametrize(
        ("changed", "kept"),
        [
            ({}, {"status": "revoked"}),
            ({"valid_from": datetime.now(UTC) + timedelta(hours=1)}, {}),
            (
                {
                    "at": datetime.now(UTC) - timedelta(days=9),
                    "valid_from": datetime.now(UTC) - timedelta(days=9),
                    "valid_until": datetime.now(UTC) - timedelta(days=1),
                },
                {},
            ),
        ],
        ids=["revoked", "not-yet", "over"],
    )
    def test_one_that_does_not_hold_now_gives_nothing(
        self,
        services: FakeServices,
        bos: Delegations,
        ana: Clinician,
        bo: Clinician,
        changed: dict[str, Any],
        kept: dict[str, Any],
    ) -> None:
        services.keeps(delegation(ana, bo, **changed), **kept)
        with pytest.raises(errors.NotDelegatedError):
            self.right(bos, ana)


class TestWhatTheDirectoryShows:
    """It keeps delegations; whose word they are is for the signature to say."""

    def test_one_that_its_giver_did_not_sign_is_refused(
        self, services: FakeServices, bos: Delegations, ana: Clinician, bo: Clinician, noor: Clinician
    ) -> None:
        services.keeps(delegation(noor, bo), delegator=str(ana.id))
        with pytest.raises(errors.DelegationError, match="not one that its giver's device signed"):
            bos.right_to_send(ana.id, Purpose.TREATMENT, LABELS)

    def test_one_that_nobody_signed_does_not_stop_what_was_given(
        self,
        services: FakeServices,
        anas: Delegations,
        bos: Delegations,
        ana: Clinician,
        bo: Clinician,
        noor: Clinician,
    ) -> None:
        right = gives(anas, bo)
        services.keeps(delegation(noor, bo), delegator=str(ana.id))
        assert bos.right_to_send(ana.id, Purpose.TREATMENT, LABELS).id == right.id

    def test_somebody_elses_that_is_slipped_in_is_not_even_looked_at(
        self, services: FakeServices, anas: Delegations, bos: Delegations, ana: Clinician, bo: Clinician
    ) -> None:
        right = gives(anas, bo)
        services.keeps(delegation(ana, bo), id=str(uuid4()), delegate=str(uuid4()))
        services.anything = True
        assert bos.right_to_send(ana.id, Purpose.TREATMENT, LABELS).id == right.id

    def test_what_was_given_to_somebody_else_or_by_somebody_else_is_not_used(
        self, services: FakeServices, bos: Delegations, ana: Clinician, bo: Clinician, noor: Clinician
    ) -> None:
        """Truly signed, and shown by a directory that was asked for others."""
        services.anything = True
        services.keeps(delegation(ana, noor))
        services.keeps(delegation(noor, bo))
        with pytest.raises(errors.NotDelegatedError):
            bos.right_to_send(ana.id, Purpose.TREATMENT, LABELS)

    def test_what_to_do_about_it_is_not_what_one_does_about_a_letter(
        self, services: FakeServices, bos: Delegations, ana: Clinician, bo: Clinician, noor: Clinician
    ) -> None:
        services.keeps(delegation(noor, bo), delegator=str(ana.id))
        with pytest.raises(errors.DelegationError) as caught:
            bos.right_to_send(ana.id, Purpose.TREATMENT, LABELS)
        assert "letter" not in caught.value.hint
        assert f"concord delegation revoke {services.delegations[0]['id']}" in caught.value.hint

    def test_the_list_shows_beside_what_was_signed_what_was_not(
        self, services: FakeServices, anas: Delegations, ana: Clinician, bo: Clinician, noor: Clinician
    ) -> None:
        """Whoever lost a device looks here for what they did not give: it is what they have to see."""
        right = gives(anas, bo)
        forged = services.record(body_of(delegation(noor, bo)), delegator=str(ana.id))
        found = {each.kept.id: each for each in anas.listed()}
        assert found[right.id].right == right
        assert found[right.id].doubt is None
        doubted = found[UUID(forged["id"])]
        assert doubted.right is None
        assert "giver's device signed" in (doubted.doubt or "")

    def test_a_giver_whose_keys_are_in_doubt_hides_nobody_elses(
        self, town: Town, services: FakeServices, bos: Delegations, ana: Clinician, bo: Clinician, noor: Clinician
    ) -> None:
        """Noor's account has another identity since, which nobody has compared yet."""
        bos._colleagues.keys(noor.id)
        services.keeps(delegation(noor, bo))
        services.keeps(delegation(ana, bo), id=str(RIGHT))
        town.directory.people[noor.id].clinician = Clinician()
        found = {each.kept.delegator: each for each in bos.listed()}
        assert found[ana.id].right is not None
        assert found[noor.id].right is None
        assert found[noor.id].doubt

    def test_an_administrator_sees_those_of_everybody(
        self, services: FakeServices, anas: Delegations, town: Town, noor: Clinician, bo: Clinician
    ) -> None:
        right = gives(anas, bo)
        noors = seen_by(noor, town, services)
        assert list(noors.listed()) == []
        assert [each.kept.id for each in noors.listed(everybody=True)] == [right.id]

    @pytest.mark.parametrize("member", ["id", "delegate"])
    def test_one_that_is_shown_as_another_is_refused(
        self, services: FakeServices, anas: Delegations, bo: Clinician, member: str
    ) -> None:
        gives(anas, bo)
        services.delegations[0][member] = str(uuid4())
        with pytest.raises(errors.DelegationError, match="another one than was signed"):
            list(anas.given())

    def test_what_cannot_be_read_is_refused(
        self, services: FakeServices, bos: Delegations, ana: Clinician, bo: Clinician
    ) -> None:
        services.keeps(delegation(ana, bo, at=datetime.now(UTC)))
        for name, text in (("line", "*"), ("signature", "="), ("line", "e30"), ("signature", "AAAA")):
            services.delegations[0] |= {name: text}
            with pytest.raises(errors.DelegationError):
                bos.right_to_send(ana.id, Purpose.TREATMENT, LABELS)

    def test_a_device_that_its_giver_retired_before_gives_nothing(
        self, town: Town, services: FakeServices, bos: Delegations, ana: Clinician, bo: Clinician
    ) -> None:
        """Whoever has the lost laptop signs with it all the same."""
        for change in ({"add_device": new_device()}, {"revoke_device": ana.keyring.device}):
            ana.change(**change)
            town.log.bind(binding(ana.history[-1]))
        services.keeps(delegation(ana, bo, at=datetime.now(UTC) + timedelta(seconds=1)))
        with pytest.raises(errors.DelegationError):
            bos.right_to_send(ana.id, Purpose.TREATMENT, LABELS)
