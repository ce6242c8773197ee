"""Teams: whom a letter to one is sealed to, by the key log and not by the directory's word alone."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from concord.api import ConsentVersion, LetterStatus, Party
from concord.api.consent import Direction
from concord.colleagues import Colleagues
from concord.deliveries import receipt_lines
from concord.drafts import Draft
from concord.errors import (
    EmptyTeamError,
    PendingError,
    ServiceError,
    TeamClosedError,
    TeamMembershipError,
    TooManyRecipientsError,
)
from concord.recipients import Recipients
from concord.store import LetterBox
from concord.teams import Teams
from concord_formats.address import Address
from concord_formats.signatures import to_base64url
from concord_formats.vocabulary import ConsentType, Information, PartyKind, Purpose, Sensitivity

from tests.unit.client.key_log.fake_log import HARBOR, RIVERSIDE, Town
from tests.unit.client.people import Clinician, address
from tests.unit.client.together import FakeServices


@pytest.fixture
def services() -> FakeServices:
    return FakeServices()


@pytest.fixture
def town(tmp_path: Path, ana: Clinician, noor: Clinician, eve: Clinician) -> Town:
    """Ana of Riverside; Noor and Eve of Harbor."""
    made = Town(tmp_path)
    made.enrol(ana, "Dr. Ana Whitfield")
    made.enrol(noor, "Dr. Noor Haddad", at=HARBOR)
    made.enrol(eve, "Eve Adams", at=HARBOR)
    return made


@pytest.fixture
def colleagues(town: Town, ana: Clinician) -> Colleagues:
    return town.colleagues(ana)


@pytest.fixture
def teams(services: FakeServices, colleagues: Colleagues, tmp_path: Path) -> Teams:
    return Teams(services.teams_api, colleagues, LetterBox(tmp_path / "letters"))


def version(*recipients: Party, discloser: UUID) -> ConsentVersion:
    """A consent that lets somebody disclose to these."""
    by = Party(kind=PartyKind.PRACTITIONER, id=discloser)
    now = datetime.now(UTC)
    return ConsentVersion(
        version=1,
        status="active",
        type=ConsentType.HIPAA_AUTHORIZATION,
        discloser=by,
        recipient=recipients[0],
        mutual=False,
        purposes=[Purpose.TREATMENT],
        information=[Information.DIAGNOSES],
        sensitivity=[Sensitivity.GENERAL],
        valid_from=now,
        valid_until=now + timedelta(days=1),
        directions=[Direction(discloser=by, recipient=each) for each in recipients],
    )


def draft(team: UUID | None = None, *recipients: UUID) -> Draft:
    return Draft(
        body=io.BytesIO(),
        media_type="text/plain",
        consent=uuid4(),
        purpose=Purpose.TREATMENT,
        information=frozenset({Information.DIAGNOSES}),
        sensitivity=frozenset({Sensitivity.GENERAL}),
        recipients=recipients,
        team=team,
    )


class TestMembers:
    """Who a letter to a team goes to."""

    def test_its_present_members_as_the_key_log_names_them(
        self, services: FakeServices, teams: Teams, noor: Clinician, eve: Clinician
    ) -> None:
        team = services.team(HARBOR, noor.id, eve.id)
        assert [each.name for each in teams.members(team)] == ["Dr. Noor Haddad", "Eve Adams"]

    def test_not_those_who_are_suspended_nor_oneself(
        self, services: FakeServices, teams: Teams, ana: Clinician, noor: Clinician, eve: Clinician
    ) -> None:
        team = services.team(HARBOR, ana.id, noor.id, eve.id)
        services.teams[team]["members"][2]["status"] = "suspended"
        assert [each.id for each in teams.members(team)] == [noor.id]

    def test_somebody_of_another_organization_is_refused_by_name(
        self, services: FakeServices, town: Town, ana: Clinician, noor: Clinician, tmp_path: Path
    ) -> None:
        team = services.team(HARBOR, noor.id, ana.id)
        seen_by_noor = Teams(services.teams_api, town.colleagues(noor), LetterBox(tmp_path / "letters"))
        with pytest.raises(TeamMembershipError, match="Ana Whitfield") as caught:
            seen_by_noor.members(team)
        assert caught.value.members["practitioner"] == ana.id

    def test_somebody_whom_the_directory_dresses_up_as_one_of_it_is_refused(
        self, services: FakeServices, town: Town, colleagues: Colleagues, noor: Clinician, eve: Clinician, teams: Teams
    ) -> None:
        """Eve is logged at Riverside, and shown as one of Harbor's."""
        mallory = town.enrol(Clinician(), "Mallory", at=RIVERSIDE)
        found = town.directory.people[mallory.id]
        harbor = town.directory.people[noor.id].person.organization
        found.person = found.person.model_copy(update={"organization": harbor})
        team = services.team(HARBOR, noor.id, mallory.id)
        with pytest.raises(TeamMembershipError) as caught:
            teams.members(team)
        assert caught.value.members["practitioner"] == mallory.id
        assert colleagues.key_log
        assert [each.kind for each in colleagues.key_log.alarms()] == ["name-mismatch"]

    def test_more_members_than_a_team_can_have_are_not_looked_up(
        self, services: FakeServices, teams: Teams, town: Town, noor: Clinician
    ) -> None:
        """Each of them is a question to the directory: it does not say how many a client asks."""
        team = services.team(HARBOR, *(uuid4() for _ in range(21)))
        with pytest.raises(ServiceError, match="cannot be read"):
            teams.members(team)

    def test_who_is_shown_twice_gets_one_letter(self, services: FakeServices, teams: Teams, noor: Clinician) -> None:
        assert [each.id for each in teams.members(services.team(HARBOR, noor.id, noor.id))] == [noor.id]

    def test_another_team_than_was_asked_for_is_no_answer(
        self, services: FakeServices, teams: Teams, noor: Clinician
    ) -> None:
        team = services.team(HARBOR, noor.id, id=str(uuid4()))
        with pytest.raises(ServiceError, match="cannot be read"):
            teams.members(team)

    def test_a_closed_team_gets_nothing(self, services: FakeServices, teams: Teams) -> None:
        with pytest.raises(TeamClosedError):
            teams.members(services.team(HARBOR, status="closed"))


class TestRecipients:
    """Whom a draft goes to."""

    def party(self, id_: UUID, kind: PartyKind = PartyKind.ORGANIZATION) -> Party:
        return Party(kind=kind, id=id_)

    def test_a_teams_members_under_a_consent_for_its_organization(
        self, services: FakeServices, colleagues: Colleagues, teams: Teams, ana: Clinician, noor: Clinician
    ) -> None:
        team = services.team(HARBOR, noor.id)
        found = Recipients(colleagues, teams).of(draft(team), version(self.party(HARBOR), discloser=ana.id))
        assert found == (noor.id,)

    def test_a_team_of_another_organization_than_the_consent_is_for_is_refused(
        self, services: FakeServices, colleagues: Colleagues, teams: Teams, ana: Clinician, noor: Clinician
    ) -> None:
        """The directory says which organization a team is of; the patient said which one may know."""
        team = services.team(HARBOR, noor.id)
        elsewhere = version(self.party(uuid4()), discloser=ana.id)
        with pytest.raises(TeamMembershipError, match="another organization"):
            Recipients(colleagues, teams).of(draft(team), elsewhere)

    def test_a_consent_for_one_of_them_is_for_the_gate_to_judge(
        self,
        services: FakeServices,
        colleagues: Colleagues,
        teams: Teams,
        ana: Clinician,
        noor: Clinician,
        eve: Clinician,
    ) -> None:
        team = services.team(HARBOR, noor.id, eve.id)
        alone = version(self.party(noor.id, PartyKind.PRACTITIONER), discloser=ana.id)
        assert Recipients(colleagues, teams).of(draft(team), alone) == (noor.id, eve.id)
        beside = version(self.party(noor.id, PartyKind.PRACTITIONER), self.party(uuid4()), discloser=ana.id)
        assert Recipients(colleagues, teams).of(draft(team), beside) == (noor.id, eve.id)

    def test_some_of_a_team_and_nobody_beside_it(
        self,
        services: FakeServices,
        colleagues: Colleagues,
        teams: Teams,
        ana: Clinician,
        noor: Clinician,
        eve: Clinician,
    ) -> None:
        team = services.team(HARBOR, noor.id)
        consent = version(self.party(HARBOR), discloser=ana.id)
        recipients = Recipients(colleagues, teams)
        assert recipients.of(draft(team, noor.id), consent) == (noor.id,)
        with pytest.raises(TeamMembershipError, match="Eve Adams"):
            recipients.of(draft(team, noor.id, eve.id), consent)

    def test_an_empty_team_is_nobody(
        self, services: FakeServices, colleagues: Colleagues, teams: Teams, ana: Clinician
    ) -> None:
        consent = version(self.party(HARBOR), discloser=ana.id)
        with pytest.raises(EmptyTeamError):
            Recipients(colleagues, teams).of(draft(services.team(HARBOR)), consent)

    def test_more_people_than_a_letter_goes_to_are_told_as_such(
        self, colleagues: Colleagues, teams: Teams, ana: Clinician
    ) -> None:
        consent = version(self.party(HARBOR), discloser=ana.id)
        twenty = [uuid4() for _ in range(20)]
        assert Recipients(colleagues, teams).of(draft(None, *twenty), consent) == tuple(twenty)
        with pytest.raises(TooManyRecipientsError, match="at most 20 people, and this one would go to 21"):
            Recipients(colleagues, teams).of(draft(None, *twenty, uuid4()), consent)

    def test_without_a_team_those_who_are_named(
        self, colleagues: Colleagues, teams: Teams, ana: Clinician, noor: Clinician
    ) -> None:
        consent = version(self.party(HARBOR), discloser=ana.id)
        assert Recipients(colleagues, teams).of(draft(None, noor.id), consent) == (noor.id,)
        assert set(Recipients(colleagues, teams).of(draft(), consent)) >= {noor.id}


class TestEnding:
    """What is ended is over once every enforcement point has said so."""

    @pytest.fixture(autouse=True)
    def _at_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("concord.endings.time.sleep", lambda _seconds: None)

    def test_a_removal_is_asked_for_until_it_holds(self, services: FakeServices, teams: Teams, noor: Clinician) -> None:
        services.holds = [False, False, True]
        assert teams.remove(uuid4(), noor.id) <= datetime.now(UTC)
        assert services.asked == ["DELETE teams/ID/members/ID"] * 3

    def test_one_that_does_not_hold_in_time_is_said_to_be_pending(self, services: FakeServices, teams: Teams) -> None:
        services.holds = [False] * 5
        with pytest.raises(PendingError, match="closing"):
            teams.close(uuid4(), wait=0)

    def test_a_refusal_is_told_as_such(self, teams: Teams) -> None:
        with pytest.raises(ServiceError, match="No such thing"):
            teams.show(uuid4())


class TestInbox:
    """What messaging says of the letters to a team."""

    def shown(self, services: FakeServices, made: Address, **changed: Any) -> None:
        delivery = {"recipient": str(made.recipients[0]), "state": "released"}
        row = {"letter": str(made.letter), "address": to_base64url(made.encode()), "deliveries": [delivery]}
        services.letters = [row | changed]

    def test_a_letter_is_shown_with_its_deliveries(
        self, services: FakeServices, teams: Teams, ana: Clinician, noor: Clinician
    ) -> None:
        team = uuid4()
        self.shown(services, made := address(ana, noor, team=team))
        (found,) = teams.letters(team)
        assert (found.letter, [each.recipient for each in found.deliveries]) == (made.letter, [noor.id])

    def test_one_that_does_not_go_on_ends(
        self, services: FakeServices, teams: Teams, ana: Clinician, noor: Clinician, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        team = uuid4()
        self.shown(services, address(ana, noor, team=team))
        pages: list[Any] = [{"letters": services.letters, "next": "x"}] * 2
        monkeypatch.setattr(FakeServices, "routes", {"GET teams/ID/letters": lambda *_: pages.pop()})
        assert len(list(teams.letters(team))) == 2

    @pytest.mark.parametrize(
        "changed",
        [
            {"address": "e30"},
            {"address": "*"},
            {"letter": str(uuid4())},
            {"deliveries": [{"recipient": "../x", "state": "released"}]},
            {"deliveries": None},
        ],
        ids=["no-address", "no-text", "another-letter", "no-recipient", "no-deliveries"],
    )
    def test_what_cannot_be_read_is_told_as_an_answer_that_cannot(
        self, services: FakeServices, teams: Teams, ana: Clinician, noor: Clinician, changed: dict[str, Any]
    ) -> None:
        team = uuid4()
        self.shown(services, address(ana, noor, team=team), **changed)
        with pytest.raises(ServiceError, match="cannot be read"):
            list(teams.letters(team))

    def test_a_letter_of_another_team_is_none_of_its_inbox(
        self, services: FakeServices, teams: Teams, ana: Clinician, noor: Clinician
    ) -> None:
        self.shown(services, address(ana, noor, team=uuid4()))
        with pytest.raises(ServiceError, match="cannot be read"):
            list(teams.letters(uuid4()))


@pytest.mark.parametrize("text", ["e30", "*"], ids=["no-address", "no-text"])
def test_a_delivery_is_told_of_though_the_address_of_its_letter_cannot_be_read(
    colleagues: Colleagues, noor: Clinician, tmp_path: Path, text: str
) -> None:
    deliveries = [{"recipient": str(noor.id), "state": "released"}]
    status = LetterStatus.model_validate({"letter": str(uuid4()), "address": text, "deliveries": deliveries})
    [line] = receipt_lines(status, colleagues, LetterBox(tmp_path / "letters"))
    assert (line.recipient, line.state, line.sender, line.team) == (noor.id, "released", None, None)


@pytest.mark.parametrize(
    "answer",
    [None, [], "teams", {}, {"teams": None}, {"teams": [{}]}, {"teams": {"id": 1}}, {"teams": [], "next": {"a": 1}}],
    ids=["nothing", "list", "text", "no-list", "null", "no-team", "object", "no-cursor"],
)
def test_a_list_that_cannot_be_read_is_told_so(
    services: FakeServices, teams: Teams, answer: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FakeServices, "routes", {"GET teams": lambda *_: answer})
    with pytest.raises(ServiceError, match="cannot be read"):
        list(teams.find())


def test_a_list_that_does_not_go_on_is_told_so(
    services: FakeServices, teams: Teams, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages: list[Any] = [{"teams": [], "next": "x"}] * 2
    monkeypatch.setattr(FakeServices, "routes", {"GET teams": lambda *_: pages.pop()})
    with pytest.raises(ServiceError, match="cannot be read"):
        list(teams.find())


def test_teams_are_listed_page_after_page_of_ones_own_organization_by_default(
    services: FakeServices, teams: Teams
) -> None:
    expected = [services.team(HARBOR) for _ in range(5)]
    assert [each.id for each in teams.find()] == expected
    assert services.asked == ["GET teams"] * 3
