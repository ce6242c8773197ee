"""A nurse sends in a physician's name: visibly so, with exactly the rights that were given, and no longer than that."""

from __future__ import annotations

import io
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from concord.api import Party
from concord.cli import letters as sending
from concord.cli.app import app
from concord.client import Client
from concord.delegations import Right
from concord.errors import DelegationError, NotDelegatedError
from concord.letter.statement import DelegationProof
from concord.letters import Draft
from concord_formats.delegations import Delegation, SignedDelegation
from concord_formats.signatures import SignedKind
from concord_formats.vocabulary import Information, PartyKind, Purpose, Sensitivity
from typer.testing import CliRunner, Result

from tests.deployment import wait_for
from tests.journeys.hostile import opens, put, readdressed, sealed
from tests.journeys.lying import changed_answer
from tests.journeys.world import EmbeddedWorld, refusal
from tests.people import People, active_consent, delivered, note
from tests.unit.client.people import Parts

GENERAL = frozenset({Sensitivity.GENERAL})
COORDINATION = frozenset({Information.COORDINATION})


@dataclass
class Ward:
    """A physician with a consent of her own, and a nurse of her practice, who is no party to it."""

    world: EmbeddedWorld
    people: People
    ana: Client
    bo: Client
    noor: Client
    consent: UUID

    def gives(self, **changed: Any) -> Right:
        """Ana lets Bo send notes about coordination in her name, for a day."""
        terms: dict[str, Any] = {
            "purposes": [Purpose.TREATMENT],
            "information": COORDINATION,
            "sensitivity": GENERAL,
            "until": datetime.now(UTC) + timedelta(days=1),
        }
        return self.ana.delegations.give(self.bo.practitioner, **(terms | changed))

    def draft(self, text: bytes = b"Sent by the nurse.", **changed: Any) -> Draft:
        """A note in Ana's name."""
        consent = changed.pop("consent", self.consent)
        return note(consent, text, **({"on_behalf_of": self.ana.practitioner} | changed))

    def refused(self, content: bytes, letter: UUID, by: Client | None = None) -> str:
        """Why the gate refuses these bytes."""
        return refusal(lambda: put(by or self.bo, letter, content)).type


@pytest.fixture(scope="module")
def practice(embedded: EmbeddedWorld) -> Ward:
    """Its people, enrolled once: nobody else's tests give or revoke anything of theirs."""
    riverside = embedded.people.practices[0]
    ana, bo = (embedded.another(riverside, name) for name in ("Dr. Ana", "Bo Park"))
    people = replace(embedded.people, physician=ana)
    return Ward(embedded, people, ana, bo, people.psychologist, active_consent(people).id)


@pytest.fixture
def ward(practice: Ward) -> Ward:
    """Where nothing that an earlier test gave stands any more."""
    for right in practice.ana.delegations.given():
        if right.status == "active":
            practice.ana.delegations.revoke(right.id)
    return practice


class TestInHerName:
    """What it is for."""

    def test_the_reader_is_told_who_sent_it_in_whose_name(self, ward: Ward) -> None:
        right = ward.gives()
        sent = delivered(ward.bo, ward.draft())
        body = io.BytesIO()
        opened = ward.noor.letters.open(sent.letter, body)
        assert body.getvalue() == b"Sent by the nurse."
        statement = opened.statement
        assert (statement.sender, statement.on_behalf_of, statement.delegation) == (
            ward.bo.practitioner,
            ward.ana.practitioner,
            right.id,
        )
        names = [ward.noor.colleagues.name(who) for who in (ward.bo.practitioner, ward.ana.practitioner)]
        assert dict(ward.noor.letters.before(opened))["Sender"] == "Sent by {} on behalf of {}".format(*names)
        assert opened.scope is not None
        assert opened.scope.discloser == f"practitioner:{ward.ana.practitioner}"
        assert opened.doubts == ()

    def test_the_delegator_sees_what_was_sent_in_their_name_to_whom_and_what_became_of_it(self, ward: Ward) -> None:
        ward.gives()
        sent = delivered(ward.bo, ward.draft())
        opens(ward.noor, sent.letter)
        (line,) = [each for each in ward.ana.letters.receipts(on_behalf=True) if each.letter == sent.letter]
        assert (line.sender, line.on_behalf_of, line.recipient) == (
            ward.bo.practitioner,
            ward.ana.practitioner,
            ward.noor.practitioner,
        )
        assert line.opened_at is not None
        assert not line.verified, "without a copy of the letter nobody can check a receipt for it"
        assert [each.verified for each in ward.bo.letters.status(sent.letter)] == [True]
        assert sent.letter not in {each.letter for each in ward.ana.letters.receipts()}

    def test_the_account_names_both(self, ward: Ward) -> None:
        ward.gives()
        sent = delivered(ward.bo, ward.draft())
        patient = ward.ana.consents.show(ward.consent).patient

        def told() -> list[Any]:
            events = ward.ana.accounts.fetch(patient).account.events
            return [each for each in events if each.letter == sent.letter]

        wait_for(lambda: bool(told()), 60, "the account to tell of it")
        assert {(each.sender, each.on_behalf_of) for each in told()} == {(ward.bo.practitioner, ward.ana.practitioner)}

    def test_it_can_go_to_a_team(self, ward: Ward) -> None:
        harbor = ward.people.practices[1]
        party = Party(kind=PartyKind.ORGANIZATION, id=harbor.organization)
        consent = active_consent(ward.people, recipient=party).id
        team = harbor.office.teams.create(f"Intake {uuid4()}")
        harbor.office.teams.add(team.id, ward.noor.practitioner)
        ward.gives()
        sent = delivered(ward.bo, ward.draft(consent=consent, team=team.id))
        opened = ward.noor.letters.open(sent.letter, io.BytesIO())
        assert (opened.statement.team, opened.statement.on_behalf_of) == (team.id, ward.ana.practitioner)

    def test_it_is_sent_again_by_whatever_lets_them_today(self, ward: Ward) -> None:
        """The consent is no sight of theirs but by a delegation, and the one of that day may be over."""
        first = ward.gives()
        sent = delivered(ward.bo, ward.draft())
        ward.ana.delegations.revoke(first.id)
        with pytest.raises(NotDelegatedError):
            ward.bo.letters_again.send(sent.letter)
        right = ward.gives()
        again = ward.bo.letters_again.send(sent.letter)
        assert ward.noor.letters.open(again.letter, io.BytesIO()).statement.delegation == right.id

    def test_of_several_the_one_that_gives_enough_is_used(self, ward: Ward) -> None:
        ward.gives(information=[Information.ATTENDANCE], until=datetime.now(UTC) + timedelta(days=300))
        right = ward.gives()
        sent = delivered(ward.bo, ward.draft())
        assert ward.noor.letters.open(sent.letter, io.BytesIO()).statement.delegation == right.id


class TestExceedingRights:
    """A delegate who wants more than was given: the own client says so first, and the gate whatever a client says."""

    @pytest.mark.parametrize(
        ("changed", "word"),
        [
            ({"information": frozenset({Information.DIAGNOSES})}, "diagnoses"),
            ({"sensitivity": frozenset({Sensitivity.HIV})}, "hiv"),
            ({"purpose": Purpose.CARE_COORDINATION}, "care-coordination"),
        ],
        ids=["information", "sensitivity", "purpose"],
    )
    def test_more_than_was_given(self, ward: Ward, changed: dict[str, Any], word: str) -> None:
        ward.gives()
        with pytest.raises(NotDelegatedError, match=word) as caught:
            ward.bo.letters.send(ward.draft(**changed))
        assert caught.value.beyond == (word,)
        assert ward.bo.letters.unsent() == []
        letter, content = sealed(ward.bo, ward.draft())
        members = {name: sorted(value) if isinstance(value, frozenset) else value for name, value in changed.items()}
        refused = refusal(lambda: put(ward.bo, letter, readdressed(content, **members)))
        assert refused.type == "beyond-delegation"
        assert (word in refused.message) == ("purpose" not in changed), "labels are named, as in every refusal"

    def test_nothing_was_given(self, ward: Ward) -> None:
        with pytest.raises(NotDelegatedError):
            ward.bo.letters.send(ward.draft())
        assert refusal(lambda: ward.bo.consents.show(ward.consent)).status == 404

    def test_what_was_taken_back_is_over_at_once(self, ward: Ward) -> None:
        right = ward.gives()
        waiting = delivered(ward.bo, ward.draft())
        letter, content = sealed(ward.bo, ward.draft())
        ward.ana.delegations.revoke(right.id)
        assert ward.refused(content, letter) == "not-delegated"
        assert refusal(lambda: opens(ward.noor, waiting.letter)).type == "not-delegated"
        with pytest.raises(NotDelegatedError):
            ward.bo.letters.send(ward.draft())
        assert refusal(lambda: ward.bo.consents.show(ward.consent, right.id)).status == 404

    def test_before_its_first_day_it_lets_nobody_send(self, ward: Ward) -> None:
        ward.gives(since=datetime.now(UTC) + timedelta(hours=1))
        with pytest.raises(NotDelegatedError):
            ward.bo.letters.send(ward.draft())

    def test_it_is_of_no_use_to_anybody_else(self, ward: Ward) -> None:
        """Not to a colleague who knows its id, and a delegate does not give it on."""
        right = ward.gives()
        physician = ward.world.people.physician
        with pytest.raises(NotDelegatedError):
            physician.letters.send(ward.draft())
        assert refusal(lambda: physician.consents.show(ward.consent, right.id)).status == 404
        own = active_consent(ward.world.people)
        letter, content = sealed(physician, note(own.id))
        forged = readdressed(content, on_behalf_of=str(ward.ana.practitioner), delegation=str(right.id))
        assert ward.refused(forged, letter, physician) == "not-delegated"

    def test_it_gives_nothing_of_the_delegators_but_letters(self, ward: Ward) -> None:
        """Who may write in somebody's name reads that consent, and neither accepts nor revokes it."""
        right = ward.gives()
        assert ward.bo.consents.show(ward.consent, right.id).id == ward.consent
        assert refusal(lambda: ward.bo.consents.revoke(ward.consent)).status == 404
        assert refusal(lambda: ward.bo.consents.read_form(ward.consent)).status == 404
        assert refusal(lambda: list(ward.bo.consents.disclosures(ward.consent))).status == 404

    def test_in_the_name_of_somebody_who_is_suspended_nothing_is_sent(self, ward: Ward) -> None:
        ward.gives()
        letter, content = sealed(ward.bo, ward.draft())
        office = ward.world.people.practices[0].office
        office.directory.suspend(ward.ana.practitioner)
        try:
            assert ward.refused(content, letter) == "not-delegated"
            assert refusal(lambda: ward.bo.letters.send(ward.draft())).type in {"not-delegated", "not-found"}
        finally:
            office.directory.reinstate(ward.ana.practitioner)
        assert delivered(ward.bo, ward.draft())


class TestForgery:
    """A delegate, or a directory, that makes up what nobody signed."""

    def test_a_letter_whose_delegation_nobody_gave_does_not_open(self, ward: Ward) -> None:
        """The gate sees a right that stands; what Bo encloses in its place, the reader's client does not take."""
        right = ward.gives()
        letter, content = sealed(ward.bo, ward.draft())
        line = Delegation.model_validate(right.said.model_dump() | {"at": datetime.now(UTC)}).encode()
        forged = SignedDelegation(line, ward.bo.keyring.signing_key().sign(SignedKind.DELEGATION, line))
        parts = Parts.of(content, ward.bo.keyring.encryption_identities()[0])
        shown = DelegationProof.of(forged).model_dump()
        again = parts.signed_anew(ward.bo.keyring.signing_key(), delegation_proof=shown)
        put(ward.bo, letter, again.sealed_to(_Keys(ward, ward.noor), _Keys(ward, ward.bo)))  # type: ignore[arg-type]
        with pytest.raises(DelegationError):
            opens(ward.noor, letter)
        assert ward.bo.letters.status(letter)[0].opened_at is None, "a receipt was signed for it"

    def test_a_directory_that_makes_one_up_is_not_believed(self, ward: Ward) -> None:
        right = ward.gives()
        wide = right.said.model_dump() | {"information": frozenset(Information)}
        line = Delegation.model_validate(wide).encode()

        def widened(answer: dict[str, Any]) -> dict[str, Any]:
            forged = DelegationProof.of(SignedDelegation(line, right.signed.signature))
            return {"delegations": [each | forged.model_dump() for each in answer["delegations"][:1]], "next": None}

        lied_to = changed_answer(ward.world.transport(), "/directory/v1/delegations", widened)
        bo = ward.world.again(ward.bo, lied_to)
        with pytest.raises(DelegationError):
            bo.letters.send(ward.draft(information=frozenset({Information.DIAGNOSES})))

    def test_the_directory_records_only_what_the_delegators_own_device_signed(self, ward: Ward) -> None:
        right = ward.gives()
        line = Delegation.model_validate(right.said.model_dump() | {"delegation": uuid4()}).encode()
        by_bo = SignedDelegation(line, ward.bo.keyring.signing_key().sign(SignedKind.DELEGATION, line))
        assert refusal(lambda: ward.bo.delegations.api.give(by_bo)).type == "invalid-delegation"
        assert refusal(lambda: ward.ana.delegations.api.give(by_bo)).type == "invalid-delegation"


@pytest.fixture(scope="module")
def omar(practice: Ward) -> Client:
    """A colleague of the psychologist's."""
    return practice.world.another(practice.people.practices[1], "Dr. Omar")


class TestCovering:
    """A recipient who is away, as the sender is told at the terminal."""

    @pytest.fixture
    def typed(self, ward: Ward, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
        monkeypatch.setattr(sending, "unlock", lambda *_: nullcontext(ward.ana))

        def run(*words: str) -> Result:
            common = ("send", "-", "--consent", *words, "--information", "coordination")
            done = CliRunner().invoke(app, common, input=b"A note.")
            assert done.exit_code == 0, (done.stderr, done.exception)
            return done

        return run

    def test_the_sender_is_told_who_covers_and_decides(
        self, ward: Ward, omar: Client, typed: Callable[..., Result]
    ) -> None:
        harbor, away = ward.people.practices[1], ward.noor
        party = Party(kind=PartyKind.ORGANIZATION, id=harbor.organization)
        consent = active_consent(ward.people, recipient=party).id
        words = (str(consent), "--to", str(away.practitioner))
        away.coverage.set(omar.practitioner, datetime.now(UTC) + timedelta(days=3))
        told = typed(*words)
        assert "is away until" in told.stderr
        assert "--covering" in told.stderr
        assert ward.ana.colleagues.name(omar.practitioner) not in told.stdout
        also = typed(*words, "--covering")
        assert ward.ana.colleagues.name(omar.practitioner) in also.stdout
        assert omar.letters.inbox()[0]
        away.coverage.clear()
        assert "is away" not in typed(*words, "--covering").stderr
        assert away.coverage.of() is None

    def test_a_teams_members_are_named_before_it_is_written_to(
        self, ward: Ward, omar: Client, typed: Callable[..., Result]
    ) -> None:
        harbor = ward.people.practices[1]
        party = Party(kind=PartyKind.ORGANIZATION, id=harbor.organization)
        team = harbor.office.teams.create(f"Intake {uuid4()}")
        harbor.office.teams.add(team.id, omar.practitioner)
        told = typed(str(active_consent(ward.people, recipient=party).id), "--to-team", str(team.id))
        assert f"To {team.name}: {ward.ana.colleagues.name(omar.practitioner)}." in told.stderr

    def test_whom_the_consent_does_not_cover_the_gate_refuses(self, ward: Ward, omar: Client) -> None:
        """A covering colleague is a recipient like any other."""
        to = (ward.noor.practitioner, omar.practitioner)
        refused = refusal(lambda: ward.ana.letters.send(note(ward.consent, recipients=to)))
        assert refused.type == "recipient-not-covered"


@dataclass(frozen=True)
class _Keys:
    """Somebody's newest key, for what a dishonest sender seals by hand."""

    ward: Ward
    person: Client

    @property
    def entry(self) -> Any:
        """The newest key entry."""
        return self.ward.bo.colleagues.entry(self.person.practitioner)
