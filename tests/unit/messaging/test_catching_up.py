"""What the directory told a moment ago and was not heard here yet: asked for once before anything is refused for want
of it. On both databases, with a feed that lags.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import update

from services.chassis.clock import Clock
from services.chassis.db import Database
from services.chassis.event import Event
from services.chassis.peer_http import PeerUnavailableError
from services.chassis.problems import Problem
from services.messaging import desk, models, peers, projections
from services.messaging.peers import Follower
from services.messaging.rules import State
from tests.unit.chassis.plumbing import SECONDS, until

from .test_projections import FakeAuthority
from .world import AGE, NOW, Clinician, FakeClock, World, framed, grant, pieces, plain, settings

DIRECTORY = "directory"


def late(world: World, *told: Callable[[], Any]) -> None:
    """The directory has told this, and it was not heard here yet."""
    world.leases[DIRECTORY].late.extend(told)


def asked(world: World) -> int:
    return world.leases[DIRECTORY].asked


def newcomer(world: World) -> Clinician:
    """Somebody of the psychologist's practice, whom the consent names with everybody there."""
    party = {"kind": "organization", "id": world.psychologist.organization}
    world.activate(
        grants=[
            grant(world.physician, world.psychologist) | {"recipient": party},
            grant(world.psychologist, world.physician) | {"discloser": party},
        ]
    )
    return Clinician(organization=world.psychologist.organization)


def test_a_letter_to_somebody_who_enrolled_a_moment_ago_is_released(world: World) -> None:
    who = newcomer(world)
    late(world, lambda: world.enrol(who))
    assert world.send(world.address(recipients=(who.id,))).state is State.RELEASED
    assert asked(world) == 1
    assert world.rows(models.RefusalRow) == []


def test_a_letter_of_somebody_who_enrolled_a_moment_ago_is_released(world: World) -> None:
    who = newcomer(world)
    late(world, lambda: world.enrol(who))
    address = world.address(sender=who.id, device=who.device, recipients=(world.physician.id,))
    assert world.send(address, sender=who).state is State.RELEASED


def test_a_new_device_sends_and_reads_at_once(world: World) -> None:
    address = world.address()
    world.send(address)
    for who in (world.physician, world.psychologist):
        who.device = uuid4()
        late(
            world,
            lambda who=who: world.told(projections.device_registered, device=who.device, practitioner=who.id, jkt="x"),
        )
        late_before = asked(world)
        if who is world.physician:
            assert world.send(world.address()).state is State.RELEASED
        else:
            assert world.fetch(address.letter)
        assert asked(world) == late_before + 1


def test_a_member_and_a_delegation_of_a_moment_ago_count(world: World) -> None:
    team, nurse, delegation = uuid4(), Clinician(organization=world.physician.organization), uuid4()
    late(
        world,
        lambda: world.enrol(nurse),
        lambda: world.delegate(world.physician, nurse, delegation=delegation),
        lambda: world.join(team, world.psychologist),
    )
    address = world.address(
        sender=nurse.id, device=nurse.device, on_behalf_of=world.physician.id, delegation=delegation, team=team
    )
    assert world.send(address, sender=nurse).state is State.RELEASED
    assert asked(world) == 1, "however much was missing"


def test_a_new_member_is_shown_the_teams_inbox_at_once(world: World) -> None:
    team = uuid4()
    late(world, lambda: world.join(team, world.psychologist))
    assert world.desk.team_inbox.page(world.psychologist.id, team, 0, 50) == []


def test_a_member_whom_a_snapshot_did_not_list_is_asked_about_as_well(world: World) -> None:
    team = uuid4()
    world.join(team, world.psychologist)
    with world.database.transaction() as session:
        session.execute(update(models.KnownMember).values(status="unknown"))
    late(world, lambda: world.join(team, world.psychologist))
    assert world.desk.team_inbox.page(world.psychologist.id, team, 0, 50) == []
    assert asked(world) == 1


def test_a_held_letter_is_not_refused_for_what_was_not_heard(world: World) -> None:
    who = newcomer(world)
    world.lapse()
    address = world.address(recipients=(who.id,))
    assert world.send(address).state is State.HELD
    world.lapse(lapsed=False)
    late(world, lambda: world.enrol(who))
    assert world.desk.held.release_due() == 1
    assert world.inbox(who) == [address.letter]


def test_what_is_still_missing_after_that_is_refused_once(world: World) -> None:
    address = world.address(recipients=(uuid4(),))
    with pytest.raises(Problem, match="unknown-recipient"):
        world.send(address)
    assert asked(world) == 1
    assert len(world.rows(models.RefusalRow)) == 1
    assert world.events() == ["letter-refused"]


def test_nobody_is_asked_about_what_is_known(world: World) -> None:
    """A suspension, a revocation, a consent that does not cover: asking again would change nothing."""
    team = uuid4()
    world.join(team, world.psychologist)
    address = world.address()
    assert world.send(address).state is State.RELEASED
    assert world.fetch(address.letter)
    world.leave(team, world.psychologist)
    revocation = {"device": world.stranger.device, "practitioner": world.stranger.id}
    world.told(projections.device_revoked, **revocation)
    for changed, who in (
        ({"consent": uuid4()}, world.physician),
        ({"recipients": (world.stranger.id,)}, world.physician),
        ({"team": team}, world.physician),
        ({"sender": world.stranger.id, "device": world.stranger.device}, world.stranger),
    ):
        with pytest.raises(Problem):
            world.send(world.address(**changed), sender=who)
    world.told(projections.practitioner_suspended, practitioner=world.psychologist.id)
    with pytest.raises(Problem, match="recipient-suspended"):
        world.send()
    assert asked(world) == 0


class Directory(FakeAuthority):
    """The directory, with events to tell; deaf when it is told to be."""

    def __init__(self) -> None:
        super().__init__()
        self.deaf = False

    def told(self, fact: str, **data: Any) -> None:
        type_ = f"care.concord.directory.{fact}.v1"
        sequence = len(self.events) + 1
        event = Event.create("directory", type_, plain(data), time=NOW, epoch=self.epoch, sequence=sequence)
        self.events.append(event)

    def enrolled(self, who: Clinician) -> None:
        self.told("practitioner-registered", practitioner=who.id, organization=who.organization, status="active")
        self.told("device-registered", device=who.device, practitioner=who.id, jkt="x")

    def lease(self, request: Any) -> Any:
        if self.deaf:
            raise PeerUnavailableError("directory")
        return super().lease(request)


class Following:
    """The verbs of one process over followers of its own: nothing is heard unless somebody asks."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.directory = Directory()
        clock: Clock = FakeClock()
        self.follower = Follower(DIRECTORY, world.database, self.directory, clock)
        self.consent = Follower("consent", world.database, FakeAuthority(), clock)
        self.follower.renew()
        self.consent.renew()
        for who in (world.physician, world.psychologist):
            self.directory.enrolled(who)
        self.follower.renew()
        world.activate()
        leases = {DIRECTORY: self.follower, "consent": self.consent}
        self.desk = desk.compose(settings(), world.database, world.notifier, clock, leases)

    def send(self, recipient: UUID) -> Any:
        address = self.world.address(recipients=(recipient,))
        body = pieces(framed(address, AGE))
        return self.desk.sending.send(self.world.physician.caller, address.letter, body)


@pytest.fixture
def following(world: World) -> Any:
    following = Following(world)
    yield following
    following.desk.gate.close()


def test_a_lease_request_brings_what_the_gate_lacked(following: Following) -> None:
    who = newcomer(following.world)
    following.directory.enrolled(who)
    assert following.send(who.id).state is State.RELEASED


def test_when_the_directory_does_not_answer_the_letter_is_refused_as_before(following: Following) -> None:
    following.directory.deaf = True
    with pytest.raises(Problem, match="unknown-recipient"):
        following.send(uuid4())


def test_a_feed_that_stopped_refuses_and_does_not_fail(following: Following) -> None:
    following.directory.told("something-of-a-later-version", practitioner=uuid4())
    with pytest.raises(Problem, match="unknown-recipient"):
        following.send(uuid4())


def test_a_fact_of_a_form_that_is_not_known_here_refuses_and_does_not_fail(following: Following) -> None:
    following.directory.told("delegation-given", delegation=uuid4())
    with pytest.raises(Problem, match="unknown-recipient"):
        following.send(uuid4())


def test_letters_to_made_up_people_do_not_ask_without_end(
    following: Following, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One after the other, each would be a request: between two of them some time passes."""
    paused: list[float] = []
    monkeypatch.setattr(time, "sleep", paused.append)
    before = len(following.directory.reports)
    for _ in range(3):
        with pytest.raises(Problem, match="unknown-recipient"):
            following.send(uuid4())
    assert len(following.directory.reports) - before == 3
    assert paused == pytest.approx([peers.CATCH_UP_SECONDS] * 2)


def test_a_revocation_that_comes_with_what_was_missing_is_heeded(following: Following) -> None:
    who = newcomer(following.world)
    following.directory.enrolled(who)
    following.directory.told("practitioner-suspended", practitioner=following.world.physician.id)
    with pytest.raises(Problem, match="sender-suspended"):
        following.send(who.id)


class Door:
    """A lock that counts who has come to it."""

    def __init__(self) -> None:
        self.came = 0
        self._counting, self._lock = threading.Lock(), threading.Lock()

    def __enter__(self) -> None:
        with self._counting:
            self.came += 1
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()


def test_many_who_ask_at_once_share_what_one_request_brings(
    sqlite_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A flood of letters to made-up recipients is no flood of requests to the directory."""
    directory, go_on, door = Directory(), threading.Event(), Door()
    follower = Follower(DIRECTORY, sqlite_database, directory, FakeClock())
    follower.renew()
    before, answer = len(directory.reports), directory.lease

    def slowly(request: Any) -> Any:
        assert go_on.wait(SECONDS)
        return answer(request)

    monkeypatch.setattr(directory, "lease", slowly)
    monkeypatch.setattr(follower, "_catching_up", door)
    asking = [threading.Thread(target=follower.catch_up) for _ in range(9)]
    for each in asking:
        each.start()
    until(lambda: door.came == len(asking))
    go_on.set()
    for each in asking:
        each.join(SECONDS)
    # The first may have been under way before the others asked, and lack what they lack: one more serves them all.
    assert len(directory.reports) - before == 2
