"""Letters that must not pass: who may not send, what is not covered, keys that were swapped, receipts that are forged.

Each is refused with a problem that tells what to do, and leaves nothing behind but the record that it was refused.
"""

from __future__ import annotations

import dataclasses
import io
import json
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from concord.client import Client
from concord.errors import (
    HistoryRewrittenError,
    KeysChangedError,
    ServiceError,
)
from concord.keyring import Keyring
from concord.letter import make_receipt
from concord.signing import next_entry
from concord_formats.signatures import to_base64url
from concord_formats.vocabulary import Information, Purpose, Sensitivity

from tests.deployment import wait_for
from tests.journeys.hostile import Altered, flipped, opens, put, readdressed, sealed
from tests.journeys.world import World, refusal
from tests.people import People, active_consent, note, released, settled, until_effective


@pytest.fixture
def pair(world: World) -> People:
    """A sender and a recipient of this test alone, for what would trouble the others afterwards."""
    shared = world.people
    sender = world.another(shared.practices[0], "Dr. Sender")
    recipient = world.another(shared.practices[1], "Dr. Recipient")
    return dataclasses.replace(shared, physician=sender, psychologist=recipient)


def allow(pair: People) -> UUID:
    """A consent between the two."""
    return active_consent(pair).id


def suspend(office: Client, person: Client) -> None:
    """Suspend somebody, and wait until that holds everywhere."""
    until_effective(lambda: office.directory.suspend(person.practitioner)["effective_at"])
    assert office.directory.suspend(person.practitioner)["status"] == "suspended"


def revoke_device(office: Client, person: Client) -> None:
    """Revoke somebody's device, and wait until that holds everywhere."""
    until_effective(lambda: office.directory.revoke_device(person.settings.device)["effective_at"])
    assert office.directory.revoke_device(person.settings.device)["status"] == "revoked"


class TestWhoMayNotSendOrReceive:
    def test_an_unknown_recipient_is_refused(self, world: World, people: People) -> None:
        letter, content = sealed(people.physician, note(active_consent(people).id))
        with world.nothing_written(refusal=1):
            refused = refusal(lambda: put(people.physician, letter, readdressed(content, recipients=[str(uuid4())])))
        assert (refused.status, refused.type) == (403, "unknown-recipient")

    def test_a_suspended_sender_is_refused_though_their_token_still_stands(self, world: World, pair: People) -> None:
        """And once it has ended, they cannot sign in; reinstated, they can send again."""
        consent, office = allow(pair), pair.practices[0].office
        letter, content = sealed(pair.physician, note(consent))
        suspend(office, pair.physician)
        with world.nothing_written(refusal=1):
            assert refusal(lambda: put(pair.physician, letter, content)).type == "sender-suspended"
        later = world.again(pair.physician, world.transport())
        assert refusal(later.whoami).type == "invalid-client"
        office.directory.reinstate(pair.physician.practitioner)
        _released_soon(lambda: put(later, letter, content))

    def test_a_suspended_recipient_gets_nothing_and_cannot_open_what_was_released(
        self, world: World, pair: People
    ) -> None:
        consent = allow(pair)
        unopened = released(pair, consent)
        letter, content = sealed(pair.physician, note(consent))
        pair.psychologist.whoami()  # signed in while they still could be
        suspend(pair.practices[1].office, pair.psychologist)
        with world.nothing_written(refusal=1):
            assert refusal(lambda: put(pair.physician, letter, content)).type == "recipient-suspended"
        refused = refusal(lambda: opens(pair.psychologist, unopened.letter))
        assert refused.type == "recipient-suspended"

    def test_a_letter_of_a_sender_suspended_since_is_not_handed_out(self, world: World, pair: People) -> None:
        unopened = released(pair, allow(pair))
        suspend(pair.practices[0].office, pair.physician)
        assert refusal(lambda: opens(pair.psychologist, unopened.letter)).type == "sender-suspended"

    def test_a_revoked_device_neither_sends_nor_opens(self, world: World, pair: People) -> None:
        consent = allow(pair)
        unopened = released(pair, consent)
        letter, content = sealed(pair.physician, note(consent))
        pair.psychologist.whoami()  # signed in while they still could be
        for office, person in zip(pair.practices, (pair.physician, pair.psychologist), strict=True):
            revoke_device(office.office, person)
        with world.nothing_written(refusal=1):
            assert refusal(lambda: put(pair.physician, letter, content)).type == "device-revoked"
        assert refusal(lambda: opens(pair.psychologist, unopened.letter)).type == "device-revoked"
        assert refusal(world.again(pair.physician, world.transport()).whoami).type == "invalid-client"

    def test_an_administrator_of_another_practice_suspends_nobody(self, world: World, people: People) -> None:
        office = people.practices[1].office
        assert refusal(lambda: office.directory.suspend(people.physician.practitioner)).type == "administrator-only"
        assert refusal(lambda: office.directory.revoke_device(people.physician.settings.device)).status == 404


class TestWhatIsNotCovered:
    @pytest.mark.parametrize(
        ("changed", "type_", "labels"),
        [
            ({"sensitivity": frozenset({Sensitivity.SUBSTANCE_USE})}, "label-not-covered", ["substance-use"]),
            ({"information": frozenset({Information.LAB_RESULTS})}, "label-not-covered", ["lab-results"]),
            ({"purpose": Purpose.CARE_COORDINATION}, "purpose-not-covered", None),
        ],
    )
    def test_a_label_or_purpose_that_the_patient_did_not_allow(
        self, world: World, people: People, changed: dict[str, Any], type_: str, labels: list[str] | None
    ) -> None:
        consent = active_consent(people)
        with world.nothing_written(refusal=1):
            refused = refusal(lambda: people.physician.letters.send(note(consent.id, **changed)))
        assert (refused.status, refused.type, refused.members.get("labels")) == (403, type_, labels)
        assert all(label in refused.message for label in labels or ())

    def test_a_consent_of_others_reads_like_none_at_all(self, world: World, pair: People) -> None:
        """A revoked, an active and an unknown consent look the same to a stranger."""
        people = world.people
        foreign, revoked, own = active_consent(people), active_consent(people), allow(pair)
        people.physician.consents.revoke(revoked.id)
        letter, content = sealed(pair.physician, note(own))
        told = set()
        for consent in (foreign.id, revoked.id, uuid4()):
            moved = readdressed(content, consent=str(consent), patient=foreign.patient)
            refused = refusal(lambda moved=moved: put(pair.physician, letter, moved))  # type: ignore[misc]
            told.add((refused.type, refused.message))
        assert {type_ for type_, _ in told} == {"no-active-consent"}
        assert len(told) == 1

    def test_another_patients_token_is_not_covered(self, world: World, people: People) -> None:
        consent, other = active_consent(people), active_consent(people)
        letter, content = sealed(people.physician, note(consent.id))
        with world.nothing_written(refusal=1):
            moved = readdressed(content, patient=other.patient)
            assert refusal(lambda: put(people.physician, letter, moved)).type == "no-active-consent"


class TestKeys:
    def test_a_directory_that_swaps_keys_is_caught(self, world: World, pair: People) -> None:
        """The sender has seen the colleague's keys before: nothing is sealed to the new ones."""
        consent, swapped = allow(pair), Keyring.create(pair.psychologist.practitioner).first_entry
        entry = {"entry": to_base64url(swapped.entry), "signature": to_base64url(swapped.signature)}
        path = f"/practitioners/{pair.psychologist.practitioner}/keys"
        lied = Altered(world.transport(), path, lambda _: json.dumps({"entries": [entry]}).encode())
        sender = world.again(pair.physician, lied)
        with world.nothing_written(), pytest.raises(KeysChangedError) as refused:
            sender.letters.send(note(consent))
        assert "concord directory trust" in refused.value.hint
        assert sender.letters.unsent() == []

    def test_a_directory_that_hides_a_key_change_is_caught(self, world: World, pair: People) -> None:
        consent, colleague = allow(pair), pair.psychologist
        rotated = colleague.keyring.with_new_encryption_key()
        recipient = str(rotated.encryption_identities()[0].recipient())
        last = colleague.directory.keys(colleague.practitioner)[-1]
        entry = next_entry(colleague.keyring.identity_key(), last, encryption_recipient=recipient)
        colleague.directory.append_keys(colleague.practitioner, entry)
        released(pair, consent)
        lied = Altered(world.transport(), f"{colleague.practitioner}/keys", _only_the_first)
        with world.nothing_written(), pytest.raises(HistoryRewrittenError):
            world.again(pair.physician, lied).letters.send(note(consent))


def _only_the_first(answer: bytes) -> bytes:
    return json.dumps({"entries": json.loads(answer)["entries"][:1]}).encode()


class TestReceipts:
    def test_a_receipt_before_the_letter_was_fetched(self, world: World, pair: People) -> None:
        sent = released(pair, allow(pair))
        receipt = _receipt_line(pair, sent.letter)
        with world.nothing_written():
            assert refusal(lambda: _post(pair.psychologist, sent.letter, receipt)).type in {
                "not-fetched",
                "invalid-field",
            }

    @pytest.mark.parametrize("member", ["letter", "recipient", "device", "letter_sha256"])
    def test_a_receipt_for_something_else(self, world: World, pair: People, member: str) -> None:
        sent = released(pair, allow(pair))
        pair.psychologist.letters.open(sent.letter, io.BytesIO(), acknowledge=False)
        other = "0" * 64 if member == "letter_sha256" else str(uuid4())
        forged = _receipt_line(pair, sent.letter, **{member: other})
        refused = refusal(lambda: _post(pair.psychologist, sent.letter, forged))
        assert (refused.status, refused.members["field"]) == (422, f"receipt.{member}")
        assert pair.physician.letters.status(sent.letter)[0].opened_at is None

    def test_a_receipt_in_somebody_elses_name(self, world: World, pair: People) -> None:
        """The sender, and a stranger, cannot say that the recipient opened it."""
        sent = released(pair, allow(pair))
        pair.psychologist.letters.open(sent.letter, io.BytesIO(), acknowledge=False)
        receipt = _receipt_line(pair, sent.letter)
        for forger in (pair.physician, world.people.physician):
            assert refusal(lambda f=forger: _post(f, sent.letter, receipt)).status == 404  # type: ignore[misc]

    def test_a_receipt_whose_signature_is_not_the_recipients(self, world: World, pair: People) -> None:
        """The service cannot tell; the sender's client can, and says so in the line of that delivery, and there
        alone.
        """
        sent = released(pair, allow(pair))
        opened = pair.psychologist.letters.open(sent.letter, io.BytesIO(), acknowledge=False)
        receipt, signature = make_receipt(opened, pair.psychologist.keyring)
        pair.psychologist.letters.api.post_receipt(sent.letter, receipt, flipped(signature, 0))
        (line,) = pair.physician.letters.status(sent.letter)
        assert not line.verified
        assert line.doubt == "the receipt is not one that this recipient's device signed"


def _receipt_line(pair: People, sent: UUID, /, **changed: object) -> bytes:
    usual: dict[str, object] = {
        "v": 1,
        "letter": str(sent),
        "recipient": str(pair.psychologist.practitioner),
        "device": str(pair.psychologist.settings.device),
        "letter_sha256": pair.physician.letters._box.sha256(sent),
        "opened_at": "2026-01-01T00:00:00Z",
    }
    return json.dumps(usual | changed).encode()


def _post(person: Client, letter: UUID, receipt: bytes) -> None:
    person.letters.api.post_receipt(letter, receipt, bytes(64 + 3309))


def _released_soon(act: Callable[[], dict[str, object]]) -> None:
    """A reinstatement is not waited for: it holds within moments."""

    def released() -> bool:
        try:
            return act()["state"] == "released"
        except ServiceError:
            return False

    wait_for(released, 60, "the letter to be released")


class _Busy(httpx.BaseTransport):
    """A gateway that has had enough: letters are answered 429 until it is told otherwise."""

    def __init__(self, way: httpx.BaseTransport) -> None:
        self._way = way
        self.busy = True

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Forward one request, unless it is a letter."""
        if not self.busy or request.method != "PUT":
            return self._way.handle_request(request)
        problem = {"type": "urn:concord:problem:too-many-requests", "title": "Too many requests", "status": 429}
        return httpx.Response(429, json=problem, headers={"Retry-After": "5"})


def test_a_letter_that_the_gateway_had_no_time_for_is_kept_and_sent_later(world: World, people: People) -> None:
    busy = _Busy(world.transport())
    physician = world.again(people.physician, busy)
    sealed = physician.letters.seal(note(active_consent(people).id))
    assert refusal(lambda: physician.letters.resend(sealed)).type == "too-many-requests"
    busy.busy = False
    physician.letters.resend(sealed)
    assert settled(physician, sealed) == "released"
