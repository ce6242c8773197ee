"""The authoritative account: every disclosure numbered in its own transaction, or it does not happen."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from concord_formats.vocabulary import LabelReason, Purpose, Sensitivity
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from services.chassis import failpoints
from services.chassis.event import Event
from services.chassis.failpoints import FailpointReachedError
from services.chassis.problems import Problem
from services.messaging import accept, account, models
from services.messaging.release import Incoming

from .site import Site, receipt
from .world import AGE, NOW, PATIENT, Clinician, World, digest, framed, grant

OTHER = "pt_" + "b" * 26


def lines(world: World, patient: str = PATIENT) -> list[Event]:
    """A patient's account, in the order of its numbers."""
    rows = sorted((row for row in world.rows(models.DisclosureRow) if row.patient == patient), key=lambda row: row.n)
    assert [row.n for row in rows] == list(range(1, len(rows) + 1))
    assert [Event.decode(row.body).data["n"] for row in rows] == [row.n for row in rows]
    return [Event.decode(row.body) for row in rows]


def facts(world: World, patient: str = PATIENT) -> list[str]:
    return [event.type.split(".")[3] for event in lines(world, patient)]


def opened(world: World, letter: UUID, address: Any) -> None:
    said = receipt(Site(world), letter, digest(address, AGE + b"sealed"))
    world.desk.receipts.keep(world.psychologist.caller, letter, said["receipt"], said["signature"])


def test_what_happens_to_a_letter_is_numbered_for_its_patient(world: World) -> None:
    address = world.address()
    world.send(address)
    for _ in range(2):  # the second time is no further disclosure
        world.fetch(address.letter)
        opened(world, address.letter, address)
    world.revoke()
    for _ in range(2):
        with pytest.raises(Problem):
            world.fetch(address.letter)
    assert facts(world) == ["letter-released", "letter-handed-out", "letter-opened", "letter-refused"]


def test_a_line_is_the_event_that_is_told_byte_for_byte(world: World) -> None:
    address = world.address()
    world.send(address)
    world.fetch(address.letter)
    kept = [row.body for row in world.rows(models.DisclosureRow)]
    assert kept == [row.body for row in world.rows(models.Outbox)]
    assert all(Event.decode(body).encode() == body for body in kept)


def test_each_recipient_is_a_line_in_the_order_of_the_address(world: World) -> None:
    third = Clinician()
    world.enrol(third)
    ways = [grant(world.physician, who) for who in (world.psychologist, third)]
    world.activate(version=2, grants=ways)
    for recipients in ((third.id, world.psychologist.id), (world.psychologist.id, third.id)):
        world.send(world.address(recipients=recipients, consent_version=2))
    told = [UUID(event.data["recipient"]) for event in lines(world)]
    assert told == [third.id, world.psychologist.id, world.psychologist.id, third.id]


def test_what_a_line_says(world: World) -> None:
    part2 = grant(world.physician, world.psychologist, sensitivity=["general", "part-2"])
    world.activate(version=2, grants=[part2])
    labels = frozenset({Sensitivity.GENERAL, Sensitivity.PART_2})
    world.send(world.address(consent_version=2, sensitivity=labels, label_reason=LabelReason.RULED_OUT))
    world.send(world.address(consent_version=2))
    first, second = (event.data for event in lines(world))
    assert (first["patient"], first["basis"], first["notice"]) == (PATIENT, "consent", True)
    assert first["label_reason"] == "ruled-out"
    assert second["notice"] is False
    assert "label_reason" not in second


def test_an_emergency_release_says_so(world: World) -> None:
    world.activate(version=2, grants=[grant(world.physician, world.psychologist, purposes=["emergency"])])
    world.send(world.address(consent_version=2, purpose=Purpose.EMERGENCY))
    assert lines(world)[0].data["basis"] == "emergency"


def test_a_refusal_stands_in_the_account_of_the_cited_consents_patient(world: World) -> None:
    """What a letter says of its patient may be made up, and would make up an account."""
    with pytest.raises(Problem):
        world.send(world.address(patient=OTHER))
    assert [event.data["patient"] for event in lines(world)] == [PATIENT]
    with pytest.raises(Problem):
        world.send(world.address(consent=uuid4()))
    assert facts(world) == ["letter-refused"]
    assert lines(world, OTHER) == []


def test_a_held_letter_is_a_line_once_it_goes(world: World) -> None:
    world.lapse()
    world.send()
    assert lines(world) == []
    world.lapse(lapsed=False)
    assert world.desk.held.release_due() == 1
    assert facts(world) == ["letter-released"]


def test_a_release_that_is_given_up_leaves_no_gap(world: World) -> None:
    failpoints.arm({"gate.before_commit": "raise"})
    with pytest.raises(FailpointReachedError):
        world.send()
    failpoints.disarm()
    world.send()
    assert facts(world) == ["letter-released"]


def test_the_two_ways_to_accept_write_the_same_lines(real_world: World) -> None:
    def written(way: accept.Accept) -> list[dict[str, Any]]:
        address = real_world.address(recipients=(real_world.psychologist.id, real_world.stranger.id))
        incoming = Incoming(address.encode(), address, "0" * 64, 9, uuid4(), b"sealed")
        before = len(lines(real_world))
        with real_world.database.transaction() as session:
            way(session, incoming, NOW)
        new = [json.loads(row.body) for row in real_world.rows(models.DisclosureRow)][before:]
        assert [each["data"].pop("n") for each in new] == [before + 1, before + 2]
        varying = [each.pop("id") + each.pop("subject") + each["data"].pop("letter") for each in new]
        assert len(set(varying)) == 2
        return new

    assert written(accept.accept_at_once) == written(accept.accept_by_steps)


# What makes the next line impossible: its number is taken already.
TAKEN = "INSERT INTO disclosure (patient, n, body) VALUES (:patient, :n, :body)"


def obstruct(world: World, n: int) -> None:
    with world.database.transaction() as session:
        session.execute(text(TAKEN), {"patient": PATIENT, "n": n, "body": b"in the way"})


def test_what_cannot_be_recorded_is_not_released(world: World) -> None:
    obstruct(world, 1)
    with pytest.raises(IntegrityError):
        world.send()
    assert [world.rows(table) for table in (models.LetterRow, models.DeliveryRow, models.MailboxRow)] == [[], [], []]
    assert world.inbox() == []
    assert world.events() == []


def test_what_cannot_be_recorded_is_not_released_after_a_wait_either(world: World) -> None:
    world.lapse()
    world.send()
    world.lapse(lapsed=False)
    obstruct(world, 1)
    with pytest.raises(IntegrityError):
        world.desk.held.release_due()
    assert [row.state for row in world.rows(models.DeliveryRow)] == ["held"]


@pytest.mark.parametrize("deed", [lambda world, address: world.fetch(address.letter), None])
def test_what_cannot_be_recorded_is_neither_handed_out_nor_opened(
    world: World, deed: Callable[[World, Any], Any] | None
) -> None:
    address = world.address()
    world.send(address)
    if deed is None:
        world.fetch(address.letter)
    obstruct(world, len(lines(world)) + 1)
    with pytest.raises(IntegrityError):
        (deed or (lambda world, address: opened(world, address.letter, address)))(world, address)
    (delivery,) = world.rows(models.DeliveryRow)
    assert (delivery.fetched_at is None, delivery.receipt) == (deed is not None, None)


def test_the_database_that_cannot_write_the_account_releases_nothing(real_world: World) -> None:
    """On PostgreSQL, whatever the cause: here the table itself refuses."""
    with real_world.database.transaction() as session:
        session.execute(text("ALTER TABLE disclosure ADD CONSTRAINT full_disk CHECK (n < 0)"))
    try:
        with pytest.raises(IntegrityError):
            real_world.send()
    finally:
        with real_world.database.transaction() as session:
            session.execute(text("ALTER TABLE disclosure DROP CONSTRAINT full_disk"))
    assert real_world.rows(models.LetterRow) == []
    assert real_world.rows(models.PatientAccount) == []


def test_many_at_once_leave_no_gap_and_are_told_in_order(patient_world: World) -> None:
    """Sends, hand-outs and refusals of one patient, from all sides."""
    letters = [patient_world.address() for _ in range(12)]
    failures: list[BaseException] = []

    def one(address: Any, *, wrong: bool) -> None:
        try:
            if wrong:
                with pytest.raises(Problem):
                    patient_world.send(address.model_copy(update={"purpose": Purpose.PATIENT_REQUEST}))
            else:
                patient_world.send(address)
                patient_world.fetch(address.letter)
        except BaseException as error:
            failures.append(error)

    threads = [
        threading.Thread(target=one, args=(each,), kwargs={"wrong": i % 3 == 0}) for i, each in enumerate(letters)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(lines(patient_world)) == 4 + 2 * 8
    told = sorted(patient_world.rows(models.Outbox), key=lambda row: row.id)
    assert [Event.decode(row.body).data["n"] for row in told] == list(range(1, 21))


def test_an_event_that_does_not_end_with_its_number_is_no_line() -> None:
    event = Event.create("messaging", "care.concord.test", {"n": 7, "after": 1}, time=NOW)
    with pytest.raises(ValueError, match="ends with its number"):
        account.head(event)


def test_framing_is_what_the_world_says(world: World) -> None:
    """The body that a receipt speaks of: guards the helper above."""
    address = world.address()
    world.send(address)
    assert world.fetch(address.letter) == framed(address, AGE + b"sealed")
