"""A team's mailbox: sealed to its present members, read by each of them, and closed to who has left."""

from __future__ import annotations

import io
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from concord.api import Party
from concord.api.teams import Team
from concord.client import Client
from concord.errors import EmptyTeamError, NotARecipientError, TeamClosedError, TeamMembershipError
from concord.letters import Draft, Sent
from concord_formats.vocabulary import PartyKind

from tests.deployment import wait_for
from tests.journeys.hostile import put, readdressed, sealed
from tests.journeys.lying import changed_answer
from tests.journeys.world import EmbeddedWorld, refusal
from tests.people import People, active_consent, delivered, note


@dataclass
class Clinic:
    """The psychologist's practice, with a team of two that the patient's consent covers.

    `colleague` is of the practice and not in the team; `mallory` is of another practice.
    """

    world: EmbeddedWorld
    people: People
    noor: Client
    omar: Client
    colleague: Client
    mallory: Client
    consent: UUID
    team: UUID

    @property
    def office(self) -> Client:
        """The administrator."""
        return self.people.practices[1].office

    def joins(self, person: Client) -> None:
        """Somebody becomes a member."""
        self.office.teams.add(self.team, person.practitioner)

    def write(self, text: bytes = b"To whoever is on duty.", **changed: Any) -> Draft:
        """A note to the team."""
        return note(self.consent, text, **({"team": self.team} | changed))

    def sends(self, text: bytes = b"To whoever is on duty.", **changed: Any) -> Sent:
        """The physician's note to the team, released."""
        return delivered(self.people.physician, self.write(text, **changed))


def read(person: Client, letter: UUID) -> bytes:
    """Open a letter; its document."""
    body = io.BytesIO()
    person.letters.open(letter, body)
    return body.getvalue()


@pytest.fixture(scope="module")
def practice(embedded: EmbeddedWorld) -> Clinic:
    """Its people, enrolled once."""
    people = embedded.people
    riverside, harbor = people.practices
    omar, ines = (embedded.another(harbor, name) for name in ("Dr. Omar", "Dr. Ines"))
    mallory = embedded.another(riverside, "Mallory")
    consent = active_consent(people, recipient=Party(kind=PartyKind.ORGANIZATION, id=harbor.organization))
    return Clinic(embedded, people, people.psychologist, omar, ines, mallory, consent.id, UUID(int=0))


@pytest.fixture
def clinic(practice: Clinic) -> Clinic:
    """With a team that nobody has written to yet."""
    made = replace(practice, team=practice.office.teams.create(f"Intake {uuid4()}").id)
    made.joins(made.noor)
    made.joins(made.omar)
    return made


class TestAMailbox:
    """What a team is for."""

    def test_each_member_reads_what_is_sent_to_the_team_and_sees_who_has_read_it(self, clinic: Clinic) -> None:
        sent = clinic.sends()
        assert set(sent.recipients) == {clinic.noor.practitioner, clinic.omar.practitioner}
        assert read(clinic.noor, sent.letter) == b"To whoever is on duty."
        (seen,) = clinic.noor.teams.letters(clinic.team)
        assert (seen.letter, seen.address.team) == (sent.letter, clinic.team)
        opened = {line.recipient: (line.opened_at is not None, line.verified) for line in seen.deliveries}
        assert opened == {clinic.noor.practitioner: (True, True), clinic.omar.practitioner: (False, False)}
        assert read(clinic.omar, sent.letter) == b"To whoever is on duty."
        (seen,) = clinic.noor.teams.letters(clinic.team)
        assert all(line.verified for line in seen.deliveries)

    def test_the_reader_and_the_sender_are_told_for_which_team_it_is(self, clinic: Clinic) -> None:
        sent = clinic.sends()
        opened = clinic.omar.letters.open(sent.letter, io.BytesIO())
        rows = dict(clinic.omar.letters.before(opened))
        assert rows["Recipient"] == f"To the team {clinic.noor.teams.show(clinic.team).name}"
        assert {line.team for line in clinic.people.physician.letters.status(sent.letter)} == {clinic.team}

    def test_a_colleague_of_the_practice_who_is_not_in_it_sees_nothing(self, clinic: Clinic) -> None:
        other = clinic.colleague
        sent = clinic.sends()
        assert refusal(lambda: list(other.teams.letters(clinic.team))).status == 404
        assert refusal(lambda: other.letters.open(sent.letter, io.BytesIO())).status == 404
        assert refusal(lambda: list(clinic.people.physician.teams.letters(clinic.team))).status == 404

    def test_the_account_says_to_which_team_it_went(self, clinic: Clinic) -> None:
        sent, physician = clinic.sends(), clinic.people.physician
        patient = physician.consents.show(clinic.consent).patient

        def told() -> list[tuple[UUID, UUID | None]]:
            events = physician.accounts.fetch(patient).account.events
            return [(each.recipient, each.team) for each in events if each.letter == sent.letter]

        wait_for(lambda: len(told()) == 2, 60, "the account to tell of both")
        assert set(told()) == {(each.practitioner, clinic.team) for each in (clinic.noor, clinic.omar)}


class TestMembership:
    """The encryption of a team's letters follows who is in it."""

    def test_a_member_who_left_opens_nothing_newer(self, clinic: Clinic) -> None:
        before = clinic.sends(b"Before.")
        clinic.office.teams.remove(clinic.team, clinic.omar.practitioner)
        after = clinic.sends(b"After.")
        assert clinic.omar.practitioner not in after.recipients
        assert refusal(lambda: clinic.omar.letters.open(before.letter, io.BytesIO())).type == "not-a-member"
        assert refusal(lambda: clinic.omar.letters.open(after.letter, io.BytesIO())).status == 404
        assert refusal(lambda: list(clinic.omar.teams.letters(clinic.team))).status == 404
        assert read(clinic.noor, after.letter) == b"After."

    def test_even_with_the_bytes_in_hand_no_key_of_theirs_opens_it(self, clinic: Clinic) -> None:
        clinic.office.teams.remove(clinic.team, clinic.omar.practitioner)
        letter = clinic.sends(b"After.").letter
        read(clinic.noor, letter)
        kept = clinic.noor.profile.letters / f"{letter}.letter"
        clinic.omar.profile.letters.mkdir(exist_ok=True)
        (clinic.omar.profile.letters / kept.name).write_bytes(kept.read_bytes())
        with pytest.raises(NotARecipientError):
            clinic.omar.letters.open(letter, io.BytesIO())

    def test_who_joins_later_opens_what_is_sent_from_then_on(self, clinic: Clinic) -> None:
        before = clinic.sends(b"Before.")
        ines = clinic.colleague
        clinic.joins(ines)
        assert refusal(lambda: ines.letters.open(before.letter, io.BytesIO())).status == 404
        assert read(ines, clinic.sends(b"After.").letter) == b"After."

    def test_a_letter_that_was_sealed_before_somebody_left_is_refused_by_name(self, clinic: Clinic) -> None:
        """The sender saw the team as it was: the gate decides by who is in it now."""
        letter, content = sealed(clinic.people.physician, clinic.write())
        clinic.office.teams.remove(clinic.team, clinic.omar.practitioner)
        refused = refusal(lambda: put(clinic.people.physician, letter, content))
        assert refused.type == "not-a-member"
        assert str(clinic.omar.practitioner) in str(refused.members)

    def test_a_member_leaves_by_themselves_and_nobody_else_is_let_go(self, clinic: Clinic) -> None:
        omar = clinic.omar.practitioner
        assert refusal(lambda: clinic.noor.teams.remove(clinic.team, omar)).type == "administrator-only"
        clinic.omar.teams.remove(clinic.team, omar)
        assert [each.practitioner for each in clinic.noor.teams.show(clinic.team).members] == [clinic.noor.practitioner]

    def test_a_member_who_is_suspended_is_not_written_to(self, clinic: Clinic) -> None:
        clinic.office.directory.suspend(clinic.omar.practitioner)
        assert clinic.sends().recipients == (clinic.noor.practitioner,)
        clinic.office.directory.reinstate(clinic.omar.practitioner)
        assert clinic.omar.practitioner in clinic.sends().recipients

    def test_to_a_closed_team_nothing_is_sent(self, clinic: Clinic) -> None:
        letter, content = sealed(clinic.people.physician, clinic.write())
        clinic.office.teams.close(clinic.team)
        with pytest.raises(TeamClosedError):
            clinic.people.physician.letters.send(clinic.write())
        assert refusal(lambda: put(clinic.people.physician, letter, content)).type == "not-a-member"

    def test_to_a_team_without_members_nothing_is_sent(self, clinic: Clinic) -> None:
        empty = clinic.office.teams.create(f"Empty {uuid4()}")
        with pytest.raises(EmptyTeamError):
            clinic.people.physician.letters.send(clinic.write(team=empty.id))

    def test_sent_again_it_goes_to_those_who_are_still_in_it(self, clinic: Clinic) -> None:
        sent = clinic.sends()
        ines = clinic.colleague
        clinic.joins(ines)
        clinic.office.teams.remove(clinic.team, clinic.omar.practitioner)
        again = clinic.people.physician.letters_again.send(sent.letter)
        assert again.recipients == (clinic.noor.practitioner,)


class TestHostile:
    """A directory, or a sender, that says more of a team than is so."""

    def test_a_consent_for_one_member_covers_no_team_and_the_gate_says_whom_not(self, clinic: Clinic) -> None:
        alone = active_consent(clinic.people)
        refused = refusal(lambda: clinic.people.physician.letters.send(note(alone.id, team=clinic.team)))
        assert refused.type == "recipient-not-covered"
        assert str(clinic.omar.practitioner) in str(refused.members)

    def test_people_who_are_in_no_team_are_not_written_to_as_one(self, clinic: Clinic) -> None:
        """A sender's own client would not; the gate does not let it pass either."""
        named = clinic.write(team=None, recipients=(clinic.noor.practitioner,))
        letter, content = sealed(clinic.people.physician, named)
        forged = readdressed(content, team=str(uuid4()))
        assert refusal(lambda: put(clinic.people.physician, letter, forged)).type == "not-a-member"

    def test_whom_the_directory_slips_in_from_elsewhere_is_refused_by_name(self, clinic: Clinic) -> None:
        mallory = clinic.mallory

        def slipped(team: dict[str, Any]) -> dict[str, Any]:
            extra = {"practitioner": str(mallory.practitioner), "name": "Dr. Kim", "status": "active"}
            return team | {"members": [*team["members"], extra]}

        victim = clinic.world.again(clinic.people.physician, _lying(clinic, slipped))
        with pytest.raises(TeamMembershipError, match="Mallory") as caught:
            victim.letters.send(clinic.write())
        assert caught.value.members["practitioner"] == mallory.practitioner
        assert victim.letters.unsent() == []

    def test_a_team_that_the_directory_shows_as_another_organizations_is_refused(self, clinic: Clinic) -> None:
        """The consent names the organization that the patient allowed, and the key log where everybody belongs."""
        mallory = clinic.mallory
        riverside = clinic.people.practices[0].organization

        def taken(team: dict[str, Any]) -> dict[str, Any]:
            members = [{"practitioner": str(mallory.practitioner), "name": "Dr. Kim", "status": "active"}]
            return team | {"members": members, "organization": {"id": str(riverside), "name": "Harbor"}}

        victim = clinic.world.again(clinic.people.physician, _lying(clinic, taken))
        with pytest.raises(TeamMembershipError, match="another organization"):
            victim.letters.send(clinic.write())

    def test_a_recipient_who_is_not_in_the_team_is_refused_by_name(self, clinic: Clinic) -> None:
        other = clinic.colleague
        with pytest.raises(TeamMembershipError, match="Ines"):
            clinic.people.physician.letters.send(clinic.write(recipients=(other.practitioner,)))

    def test_another_practices_administrator_changes_nothing_of_it(self, clinic: Clinic) -> None:
        elsewhere = clinic.people.practices[0].office
        outsider = clinic.people.physician.practitioner
        for act in (
            lambda: elsewhere.teams.add(clinic.team, outsider),
            lambda: elsewhere.teams.remove(clinic.team, clinic.omar.practitioner),
            lambda: elsewhere.teams.close(clinic.team),
        ):
            assert refusal(act).type == "administrator-only"
        assert refusal(lambda: clinic.office.teams.add(clinic.team, outsider)).type == "not-a-colleague"
        shown: Team = clinic.noor.teams.show(clinic.team)
        assert {each.practitioner for each in shown.members} == {clinic.noor.practitioner, clinic.omar.practitioner}


def _lying(clinic: Clinic, change: Any) -> httpx.BaseTransport:
    return changed_answer(clinic.world.transport(), f"/directory/v1/teams/{clinic.team}", change)
