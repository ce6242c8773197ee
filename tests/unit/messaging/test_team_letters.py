"""Letters to a team: to its members of now, at the send and at every window; and who of them read what. On both
databases.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import pytest
from concord_formats.address import Address
from sqlalchemy import select

from services.chassis import failpoints
from services.chassis.event import Event
from services.chassis.problems import Problem
from services.messaging import models, projections, team_inbox
from services.messaging.gate import GateClosedError
from services.messaging.handout import HandoutEndedError
from services.messaging.rules import State
from tests.unit.chassis.plumbing import SECONDS

from .site import Site, problem, receipt
from .world import AGE, PATIENT, Clinician, World, digest, grant, plain

LARGE = AGE + b"s" * (300 * 1024)


@dataclass
class Team:
    """A team of the psychologist's practice, and a consent for everybody there."""

    world: World
    id: UUID
    colleague: Clinician

    @property
    def members(self) -> tuple[UUID, ...]:
        return (self.world.psychologist.id, self.colleague.id)

    def address(self, **changed: Any) -> Address:
        return self.world.address(**({"team": self.id, "recipients": self.members} | changed))

    def send(self, body: bytes = AGE + b"sealed", **changed: Any) -> Address:
        address = self.address(**changed)
        assert self.world.send(address, body).state is State.RELEASED
        return address

    def refused(self, **changed: Any) -> Problem:
        with pytest.raises(Problem) as caught:
            self.world.send(self.address(**changed))
        return caught.value

    def inbox(self, reader: Clinician, after: int = 0, limit: int = 50) -> list[UUID]:
        return [each.letter.id for each in self.world.desk.team_inbox.page(reader.id, self.id, after, limit)]


def founded(world: World) -> Team:
    colleague = Clinician(organization=world.psychologist.organization)
    world.enrol(colleague)
    practice = {"kind": "organization", "id": colleague.organization}
    world.told(
        projections.consent_activated,
        consent=world.consent,
        version=1,
        patient=PATIENT,
        parties=[{"kind": "practitioner", "id": world.physician.id}, practice],
        grants=[grant(world.physician, world.psychologist) | {"recipient": practice}],
    )
    team = Team(world, uuid4(), colleague)
    world.join(team.id, world.psychologist, colleague)
    return team


@pytest.fixture
def team(world: World) -> Team:
    return founded(world)


def test_a_letter_to_a_team_reaches_each_member_and_the_inbox_that_they_share(team: Team) -> None:
    world = team.world
    first, second = team.send(), team.send(LARGE)
    world.send()
    for who in (world.psychologist, team.colleague):
        assert team.inbox(who) == [first.letter, second.letter]
        assert world.inbox(who)[:2] == [first.letter, second.letter]
        assert world.fetch(first.letter, who)
    assert team.inbox(world.psychologist, after=1) == [second.letter]
    assert team.inbox(world.psychologist, limit=1) == [first.letter]


def test_the_members_see_who_read_what(team: Team) -> None:
    letter = team.send().letter
    team.world.fetch(letter, team.colleague)
    (stored,) = team.world.desk.team_inbox.page(team.world.psychologist.id, team.id, 0, 50)
    fetched = {each.recipient: each.fetched_at is not None for each in stored.deliveries}
    assert fetched == {team.colleague.id: True, team.world.psychologist.id: False}


def test_a_letter_to_somebody_who_is_no_member_goes_to_nobody_and_it_is_said_who_that_is(team: Team) -> None:
    outsider = Clinician(organization=team.colleague.organization)
    team.world.enrol(outsider)
    problem = team.refused(recipients=(*team.members, outsider.id))
    assert problem.type.endswith("not-a-member")
    assert problem.more["refusals"] == [{"recipient": str(outsider.id), "reason": "not-a-member"}]
    assert team.refused(team=uuid4()).type.endswith("not-a-member"), "a made-up team has no members"
    assert team.world.inbox() == []


def test_a_member_who_left_is_sent_nothing_handed_out_nothing_and_shown_nothing(team: Team) -> None:
    world, before = team.world, team.send()
    world.leave(team.id, team.colleague)
    assert team.refused().type.endswith("not-a-member")
    with pytest.raises(Problem, match="not-a-member"):
        world.fetch(before.letter, team.colleague)
    for who in (team.colleague, world.physician, world.stranger):
        with pytest.raises(Problem) as caught:
            team.inbox(who)
        assert caught.value.status == 404
    after = team.send(recipients=(world.psychologist.id,))
    assert team.inbox(world.psychologist) == [before.letter, after.letter]
    assert world.inbox(team.colleague) == [before.letter]


def test_a_member_is_shown_no_letter_that_was_not_sealed_to_them(team: Team) -> None:
    """The consent may name one of them alone: whom it was about, and with which labels, is not for the others."""
    world = team.world
    own = team.send(recipients=(world.psychologist.id,))
    later = Clinician(organization=team.colleague.organization)
    world.enrol(later)
    world.join(team.id, later)
    assert team.inbox(world.psychologist) == [own.letter]
    assert team.inbox(team.colleague) == team.inbox(later) == []
    both = team.send()
    assert team.inbox(team.colleague) == [both.letter]
    assert team.inbox(later) == []


def test_a_member_who_came_back_is_a_member_again(team: Team) -> None:
    letter = team.send().letter
    team.world.leave(team.id, team.colleague)
    team.world.join(team.id, team.colleague)
    assert team.world.fetch(letter, team.colleague)


def test_a_member_who_is_removed_between_two_windows_gets_no_further_one(team: Team) -> None:
    world, letter = team.world, team.send(LARGE).letter
    size, windows = world.desk.handout.fetch(team.colleague.caller, letter)
    got = len(next(windows))
    failpoints.arm({"gate.before_read": lambda: world.leave(team.id, team.colleague)})
    with pytest.raises(HandoutEndedError):
        got += sum(len(each) for each in windows)
    assert got < size
    failpoints.disarm()
    assert world.fetch(letter), "the others' downloads go on"


def test_a_held_letter_goes_to_the_members_of_then(team: Team) -> None:
    world, address, other = team.world, team.address(), team.address()
    world.lapse()
    assert world.send(address).state is State.HELD
    world.lapse(lapsed=False)
    world.desk.held.release_due()
    world.lapse()
    assert world.send(other).state is State.HELD
    world.leave(team.id, team.colleague)
    world.lapse(lapsed=False)
    world.desk.held.release_due()
    assert team.inbox(world.psychologist) == [address.letter]
    reasons = {
        each.recipient: each.reason for each in world.desk.letters.status(world.physician.id, other.letter).deliveries
    }
    assert reasons == {
        team.colleague.id: "not-a-member",
        world.psychologist.id: "other-recipient-refused",
    }


def test_somebody_who_moved_to_another_organization_is_no_member_whatever_the_list_says(team: Team) -> None:
    letter = team.send().letter
    moved = {"practitioner": team.colleague.id, "organization": uuid4(), "status": "active"}
    team.world.told(projections.practitioner_changed, **moved)
    with pytest.raises(Problem):
        team.world.fetch(letter, team.colleague)
    with pytest.raises(Problem, match="team"):
        team.inbox(team.colleague)


def test_a_suspended_member_is_shown_nothing_until_reinstated(team: Team) -> None:
    letter = team.send().letter
    team.world.told(projections.practitioner_suspended, practitioner=team.colleague.id)
    with pytest.raises(Problem, match="team"):
        team.inbox(team.colleague)
    team.world.told(projections.practitioner_reinstated, practitioner=team.colleague.id)
    assert team.inbox(team.colleague) == [letter]


def test_a_teams_inbox_is_shown_under_a_lease_alone(team: Team) -> None:
    """Else a member who was removed would be shown it for as long as this database does not hear of it."""
    team.world.lapse()
    with pytest.raises(GateClosedError):
        team.inbox(team.world.psychologist)


def test_what_was_read_is_not_shown_when_the_lease_lapses_meanwhile(
    team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    team.send()
    read = team_inbox.deliveries_of

    def until_it_lapses(*args: Any) -> Any:
        team.world.lapse()
        return read(*args)

    monkeypatch.setattr(team_inbox, "deliveries_of", until_it_lapses)
    with pytest.raises(GateClosedError):
        team.inbox(team.world.psychologist)


def test_the_inbox_of_a_team_counts_without_gaps_also_when_many_send_at_once(team: Team) -> None:
    addresses = [team.address() for _ in range(12)]
    with ThreadPoolExecutor(6) as pool:
        outcomes = list(pool.map(team.world.send, addresses))
    while any(outcome.state is State.HELD for outcome in outcomes) and team.world.desk.held.release_due():
        pass
    places = [row.team_place for row in team.world.rows(models.LetterRow)]
    assert sorted(places) == list(range(1, 13))


def test_the_account_says_that_a_letter_was_to_a_team(team: Team) -> None:
    team.send()
    told = [Event.decode(row.body).data for row in team.world.rows(models.Outbox)]
    assert [each["team"] for each in told] == [str(team.id)] * 2


def test_a_removal_outlasts_a_snapshot_that_forgot_it_until_the_member_is_added_again(team: Team) -> None:
    world = team.world
    everybody = (world.physician, world.psychologist, team.colleague)
    facts: list[dict[str, Any]] = [
        {"kind": "practitioner", "practitioner": who.id, "organization": who.organization, "status": "active"}
        for who in everybody
    ]
    facts += [{"kind": "device", "device": who.device, "practitioner": who.id, "status": "active"} for who in everybody]

    def load(*members: Clinician) -> None:
        listed = [
            {"kind": "team-member", "team": team.id, "organization": who.organization, "practitioner": who.id}
            for who in members
        ]
        with world.database.transaction() as session:
            projections.load_directory(session, iter(plain([*facts, *listed])))

    letter = team.send().letter
    world.leave(team.id, team.colleague)
    load(world.psychologist, team.colleague)
    assert world.fetch(letter)
    with pytest.raises(Problem, match="not-a-member"):
        world.fetch(letter, team.colleague)
    world.join(team.id, team.colleague)
    assert world.fetch(letter, team.colleague)
    load(team.colleague)
    with pytest.raises(Problem, match="not-a-member"):
        world.fetch(letter)


def test_a_removal_waits_for_a_gate_that_is_open(patient_world: World) -> None:
    """On PostgreSQL, where both happen at once: the release comes first, and the removal is applied after it."""
    team = founded(patient_world)
    removing = threading.Thread(target=patient_world.leave, args=(team.id, team.colleague))
    waiting: list[bool] = []

    def remove_meanwhile() -> None:
        removing.start()
        removing.join(0.2)
        waiting.append(removing.is_alive())

    failpoints.arm({"gate.before_commit": remove_meanwhile})
    team.send()
    failpoints.disarm()
    removing.join(SECONDS)
    assert waiting == [True]
    assert team.refused().type.endswith("not-a-member")


@contextmanager
def being_taken_away(world: World, row: Any) -> Iterator[None]:
    """Every right of this kind is revoked, in a transaction that commits a moment from now."""
    applied, go_on = threading.Event(), threading.Event()

    def take_away_slowly() -> None:
        with world.database.transaction() as session:
            for each in session.scalars(select(row).with_for_update()):
                each.status = "revoked"
            session.flush()
            applied.set()
            go_on.wait(3)  # less than a gate waits for a lock

    thread = threading.Thread(target=take_away_slowly)
    thread.start()
    assert applied.wait(SECONDS)
    threading.Timer(0.2, go_on.set).start()
    yield
    thread.join(SECONDS)


@pytest.mark.parametrize("row", [models.KnownMember, models.KnownDelegation], ids=["member", "delegation"])
def test_a_right_that_is_being_taken_away_is_waited_for_and_seen(patient_world: World, row: Any) -> None:
    """A gate that opens while the change is not committed yet decides by the change: the rows' own locks say so, also
    without the queue in front of them.
    """
    world, team = patient_world, founded(patient_world)
    delegation = world.delegate(team.colleague, world.physician)
    world.told(
        projections.practitioner_changed,
        practitioner=world.physician.id,
        organization=team.colleague.organization,
        status="active",
    )
    right = {"on_behalf_of": team.colleague.id, "delegation": delegation}
    claim: dict[str, Any] = {} if row is models.KnownMember else right | {"team": None}
    with being_taken_away(world, row):
        reason = team.refused(**claim).type.rpartition(":")[2]
    assert reason == ("not-delegated" if claim else "not-a-member")


def test_a_removal_that_is_being_applied_is_waited_for_before_an_inbox_is_shown(patient_world: World) -> None:
    team = founded(patient_world)
    team.send()
    with being_taken_away(patient_world, models.KnownMember), pytest.raises(Problem, match="team"):
        team.inbox(team.colleague)


def test_over_http_the_inbox_says_where_to_go_on_and_a_stranger_learns_nothing(site: Site) -> None:
    team, world = founded(site.world), site.world
    address = team.send()
    world.fetch(address.letter)
    path = f"/v1/letters/{address.letter}/receipt"
    body = receipt(site, address.letter, digest(address, AGE + b"sealed"))
    assert site.ask("POST", path, world.psychologist, json=body).status_code == 204
    page = site.get(f"/v1/teams/{team.id}/letters", team.colleague).json
    (entry,) = page["letters"]
    assert (entry["letter"], entry["cursor"], page["next"]) == (str(address.letter), "1", "1")
    by_recipient = {each["recipient"]: each for each in entry["deliveries"]}
    assert by_recipient[str(world.psychologist.id)]["receipt"]["receipt"] == body["receipt"]
    assert "receipt" not in by_recipient[str(team.colleague.id)]
    empty = site.get(f"/v1/teams/{team.id}/letters?after=1", team.colleague).json
    assert empty == {"letters": [], "next": "1"}
    for who, which in ((world.stranger, team.id), (team.colleague, uuid4())):
        assert problem(site.get(f"/v1/teams/{which}/letters", who)) == (404, "not-found")
    assert site.ask("GET", f"/v1/teams/{team.id}/letters", None).status_code == 401
    for query in ("after=-1", "after=x", "limit=0", "limit=100000", "wait=1"):
        assert site.get(f"/v1/teams/{team.id}/letters?{query}", team.colleague).status_code == 422
