"""Sending: released, refused or held; once, whatever is repeated or breaks in between. On both databases."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from concord_formats.vocabulary import Information, Purpose, Sensitivity

from services.chassis import failpoints
from services.chassis.problems import Problem
from services.messaging import models, projections
from services.messaging.rules import State

from .world import AGE, PATIENT, Clinician, World, framed, grant, pieces

LARGE = AGE + b"s" * (3 * 1024 * 1024 // 2)


def refused(world: World, **changed: object) -> Problem:
    """The problem that a letter is refused with."""
    with pytest.raises(Problem) as caught:
        world.send(world.address(**changed))
    return caught.value


def empty(world: World) -> bool:
    """Nothing of any letter is kept."""
    tables = (models.LetterRow, models.DeliveryRow, models.ChunkRow, models.UploadRow, models.HeldRow)
    return not any(world.rows(table) for table in tables)


def test_a_covered_letter_is_released_to_its_recipient(world: World) -> None:
    address = world.address()
    outcome = world.send(address)
    assert (outcome.state, outcome.new) == (State.RELEASED, True)
    assert world.inbox() == [address.letter]
    assert world.events() == ["letter-released"]


@pytest.mark.parametrize("size", [0, 1, 1024 * 1024, 3 * 1024 * 1024 + 17])
def test_a_letter_comes_out_byte_for_byte_as_it_went_in(world: World, size: int) -> None:
    address, body = world.address(), AGE + bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    world.send(address, body)
    assert world.fetch(address.letter) == framed(address, body)
    assert not world.rows(models.UploadRow)


def test_a_small_letter_is_one_chunk_and_a_large_one_is_many_of_at_most_a_mebibyte(world: World) -> None:
    world.send()
    assert len(world.rows(models.ChunkRow)) == 1
    world.send(body=LARGE)
    sizes = [len(row.body) for row in world.rows(models.ChunkRow)]
    assert len(sizes) == 3
    assert max(sizes) <= 1024 * 1024


@pytest.mark.parametrize("body", [AGE + b"sealed", LARGE])
def test_a_refused_letter_leaves_nothing_but_the_refusal(world: World, body: bytes) -> None:
    world.revoke()
    address = world.address()
    with pytest.raises(Problem, match="consent-revoked"):
        world.send(address, body)
    assert empty(world)
    (row,) = world.rows(models.RefusalRow)
    assert (row.letter, row.recipient, row.reason) == (address.letter, world.psychologist.id, "consent-revoked")
    assert world.events() == ["letter-refused"]


def test_a_refusal_under_a_consent_nobody_knows_is_told_to_no_account(world: World) -> None:
    assert refused(world, consent=uuid4()).type.endswith("no-active-consent")
    assert len(world.rows(models.RefusalRow)) == 1
    assert world.events() == []


def test_every_way_in_which_a_letter_is_not_covered_is_told_to_a_party(world: World) -> None:
    assert refused(world, purpose=Purpose.CARE_COORDINATION).type.endswith("purpose-not-covered")
    problem = refused(world, sensitivity=frozenset({Sensitivity.HIV}))
    assert problem.type.endswith("label-not-covered")
    assert problem.more["labels"] == ["hiv"]
    assert refused(world, recipients=(world.stranger.id,)).type.endswith("recipient-not-covered")
    assert refused(world, recipients=(uuid4(),)).type.endswith("unknown-recipient")
    assert refused(world, patient="pt_" + "b" * 26).type.endswith("no-active-consent")
    world.activate(version=2)
    assert "version 2" in refused(world).detail


def test_a_stranger_learns_nothing_of_a_consent(world: World) -> None:
    """Revoked, unknown, expired, not covered: all read the same to who is no party of the consent."""
    said = set()
    for prepare in (lambda: None, world.revoke):
        prepare()
        for consent in (world.consent, uuid4()):
            address = world.address(sender=world.stranger.id, device=world.stranger.device, consent=consent)
            with pytest.raises(Problem) as caught:
                world.send(address, sender=world.stranger)
            said.add((caught.value.type, caught.value.detail, caught.value.title))
    assert len(said) == 1


def test_a_suspended_or_unenrolled_party_neither_sends_nor_receives(world: World) -> None:
    world.told(projections.practitioner_suspended, practitioner=world.psychologist.id)
    assert refused(world).type.endswith("recipient-suspended")
    world.told(projections.practitioner_reinstated, practitioner=world.psychologist.id)
    world.told(projections.practitioner_suspended, practitioner=world.physician.id)
    assert refused(world).type.endswith("sender-suspended")
    world.told(projections.practitioner_reinstated, practitioner=world.physician.id)
    world.told(projections.device_revoked, device=world.physician.device, practitioner=world.physician.id)
    assert refused(world).type.endswith("device-revoked")


def test_an_expired_consent_releases_nothing(world: World) -> None:
    world.clock.move(60 * 86400)
    assert refused(world).type.endswith("consent-expired")


def test_everyone_in_a_party_organization_receives(world: World) -> None:
    colleague = Clinician(organization=world.psychologist.organization)
    world.enrol(colleague)
    party = {"kind": "organization", "id": colleague.organization}
    world.activate(grants=[grant(world.physician, world.psychologist) | {"recipient": party}])
    address = world.address(recipients=(world.psychologist.id, colleague.id))
    world.send(address)
    assert world.inbox() == world.inbox(colleague) == [address.letter]
    assert world.events() == ["letter-released"] * 2


def test_a_letter_goes_to_all_its_recipients_or_to_none(world: World) -> None:
    problem = refused(world, recipients=(world.psychologist.id, world.stranger.id))
    assert problem.more["refusals"] == [{"recipient": str(world.stranger.id), "reason": "recipient-not-covered"}]
    assert empty(world)


def test_another_senders_name_or_device_is_refused(world: World) -> None:
    for changed in ({"sender": world.stranger.id}, {"device": uuid4()}):
        assert refused(world, **changed).type.endswith("not-the-sender")
    assert empty(world)


def test_the_path_and_the_address_must_name_the_same_letter(world: World) -> None:
    address = world.address()
    with pytest.raises(Problem, match="letter"):
        world.desk.sending.send(world.physician.caller, uuid4(), pieces(framed(address, AGE)))


@pytest.mark.parametrize("then", ["nothing", "revoked", "lapsed"])
@pytest.mark.parametrize("body", [AGE + b"sealed", LARGE])
def test_the_same_bytes_again_get_the_same_answer_whatever_happened_since(world: World, then: str, body: bytes) -> None:
    address = world.address()
    first = world.send(address, body)
    if then == "revoked":
        world.revoke()
    world.lapse(lapsed=then == "lapsed")
    again = world.send(address, body)
    assert (again.state, again.released_at, again.new) == (first.state, first.released_at, False)
    assert len(world.rows(models.DeliveryRow)) == 1
    assert not world.rows(models.RefusalRow)
    assert not world.rows(models.UploadRow)


@pytest.mark.parametrize("lapsed", [False, True])
def test_a_letter_id_belongs_to_the_bytes_it_came_with(world: World, lapsed: bool) -> None:
    address = world.address()
    world.send(address)
    world.lapse(lapsed=lapsed)
    with pytest.raises(Problem, match="letter-id-taken"):
        world.send(address, AGE + b"other")
    foreign = world.address(letter=address.letter, sender=world.psychologist.id, device=world.psychologist.device)
    foreign = foreign.model_copy(update={"recipients": (world.physician.id,)})
    with pytest.raises(Problem, match="letter-id-taken"):
        world.send(foreign, sender=world.psychologist)


def test_a_letter_id_that_was_refused_may_be_used_again(world: World) -> None:
    address = world.address(purpose=Purpose.CARE_COORDINATION)
    with pytest.raises(Problem):
        world.send(address)
    assert world.send(world.address(letter=address.letter)).state is State.RELEASED


def test_the_same_request_twice_is_one_refusal(world: World) -> None:
    """The first answer may have been lost on the way; other bytes under the same id are another request."""
    address = world.address(purpose=Purpose.CARE_COORDINATION)
    for _ in range(2):
        with pytest.raises(Problem) as refused:
            world.send(address)
        assert refused.value.type.endswith(":purpose-not-covered")
    assert world.events() == ["letter-refused"]
    assert len(world.rows(models.RefusalRow)) == 1
    with pytest.raises(Problem):
        world.send(address, AGE + b"other bytes")
    assert world.events() == ["letter-refused"] * 2


def test_many_identical_sends_at_once_make_one_letter_and_all_succeed(world: World) -> None:
    address = world.address()
    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(lambda _: world.send(address), range(8)))
    assert {outcome.state for outcome in outcomes} == {State.RELEASED}
    assert [outcome.new for outcome in outcomes].count(True) == 1
    assert len(world.rows(models.LetterRow)) == len(world.rows(models.DeliveryRow)) == 1
    assert world.events() == ["letter-released"]


def test_a_mailbox_counts_without_gaps_also_when_many_send_at_once(world: World) -> None:
    addresses = [world.address() for _ in range(24)]
    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(world.send, addresses))
    while any(outcome.state is State.HELD for outcome in outcomes) and world.desk.held.release_due():
        pass
    assert sorted(row.place for row in world.rows(models.DeliveryRow)) == list(range(1, 25))


@pytest.mark.parametrize("point", ["gate.before_read", "gate.after_read", "gate.before_commit"])
@pytest.mark.parametrize("body", [AGE + b"sealed", LARGE])
def test_a_crash_before_the_commit_leaves_nothing_half_written(world: World, point: str, body: bytes) -> None:
    failpoints.arm({point: "raise"})
    address = world.address()
    with pytest.raises(failpoints.FailpointReachedError):
        world.send(address, body)
    failpoints.disarm()
    assert empty(world)
    assert world.inbox() == world.events() == []
    assert world.send(address, body).state is State.RELEASED
    assert world.inbox() == [address.letter]


def test_a_crash_after_the_commit_loses_nothing(world: World) -> None:
    failpoints.arm({"gate.after_commit": "raise"})
    address = world.address()
    with pytest.raises(failpoints.FailpointReachedError):
        world.send(address)
    failpoints.disarm()
    assert world.inbox() == [address.letter]
    assert world.send(address).new is False


def test_a_letter_that_comes_while_the_leases_have_lapsed_is_held(world: World) -> None:
    world.lapse()
    address = world.address()
    outcome = world.send(address)
    assert (outcome.state, outcome.reason) == (State.HELD, "lease-lapsed")
    assert world.inbox() == world.events() == []
    assert world.send(address).state is State.HELD
    assert len(world.rows(models.HeldRow)) == 1


@pytest.mark.parametrize("feed", ["consent", "directory"])
def test_a_projection_behind_its_lease_holds_letters(world: World, feed: str) -> None:
    world.leases[feed].seq = 1
    assert world.send().state is State.HELD
    world.leases[feed].seq = 0
    world.leases[feed].epoch = uuid4()
    assert world.send().state is State.HELD


def test_a_gate_that_stalls_beyond_its_deadline_is_rolled_back_and_its_letter_held(world: World) -> None:
    failpoints.arm({"gate.before_commit": lambda: world.clock.move(5)})
    outcome = world.send()
    assert (outcome.state, outcome.reason) == (State.HELD, "deadline-passed")
    assert world.inbox() == world.events() == []


def test_a_lease_that_lapses_before_the_commit_holds_the_letter(world: World) -> None:
    failpoints.arm({"gate.before_commit": world.lapse})
    assert world.send(body=LARGE).state is State.HELD
    assert world.inbox() == []


@pytest.mark.parametrize("point", ["hold.after_keep", "hold.before_commit"])
def test_a_crash_while_holding_leaves_nothing_half_written(world: World, point: str) -> None:
    world.lapse()
    failpoints.arm({point: "raise"})
    with pytest.raises(failpoints.FailpointReachedError):
        world.send(body=LARGE)
    assert empty(world)


def test_a_reply_carries_the_thread_of_a_letter_that_its_sender_is_a_party_to(world: World) -> None:
    first = world.address()
    world.send(first)
    back = {"sender": world.psychologist.id, "device": world.psychologist.device, "recipients": (world.physician.id,)}
    reply = world.address(reply_to=first.letter, thread=first.thread, **back)
    assert world.send(reply, sender=world.psychologist).state is State.RELEASED
    for changed, field in (
        ({"reply_to": first.letter, "thread": uuid4()}, "thread"),
        ({"reply_to": uuid4(), "thread": first.thread}, "reply_to"),
    ):
        with pytest.raises(Problem) as caught:
            world.send(world.address(**(back | changed)), sender=world.psychologist)
        assert (caught.value.status, caught.value.more["field"]) == (422, field)


def test_a_reply_to_a_letter_of_others_reads_like_one_to_no_letter(world: World) -> None:
    first = world.address()
    world.send(first)
    party = {"kind": "practitioner", "id": world.stranger.id}
    world.activate(grants=[grant(world.physician, world.psychologist) | {"discloser": party}])
    own = {"sender": world.stranger.id, "device": world.stranger.device, "thread": first.thread}
    for reply_to in (first.letter, uuid4()):
        with pytest.raises(Problem, match="reply_to"):
            world.send(world.address(reply_to=reply_to, **own), sender=world.stranger)


def test_labels_of_a_letter_reach_the_account_and_its_content_does_not(world: World) -> None:
    secret = b"very secret words"
    address = world.address(information=frozenset({Information.MEDICATIONS}))
    world.send(address, AGE + secret)
    (row,) = world.rows(models.Outbox)
    assert b'"medications"' in row.body
    assert PATIENT.encode() in row.body  # the token alone: whose account it is
    assert secret not in row.body
