"""Letters that must not pass: who may not send, what is not covered, and what was changed on the way.

Each is refused with a problem that tells what to do, and leaves nothing behind but the record that it was refused.
"""

from __future__ import annotations

import dataclasses
import io
import json
from collections.abc import Callable
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from concord.api import Consent, Party
from concord.client import Client
from concord.errors import (
    HistoryRewrittenError,
    KeysChangedError,
    LetterError,
    MalformedLetterError,
    NotARecipientError,
    ReceiptError,
    ServiceError,
    SignatureMismatchError,
    StatementMismatchError,
    TamperedLetterError,
)
from concord.keyring import Keyring
from concord.letter import make_receipt
from concord.signing import next_entry
from concord_formats.signatures import to_base64url
from concord_formats.vocabulary import Information, PartyKind, Purpose, Sensitivity

from tests.deployment import wait_for
from tests.journeys.hostile import Altered, flipped, opens, put, readdressed, restated, sealed
from tests.journeys.world import World, refusal
from tests.people import People, active_consent, note, send_note, terms

HOSTILE_AGE_FILES = {
    "no header": b"age-encryption.org/v1\n",
    "no payload": b"age-encryption.org/v1\n-> X25519 " + b"A" * 43 + b"\n" + b"A" * 43 + b"\n--- " + b"A" * 43 + b"\n",
    "an endless line": b"age-encryption.org/v1\n-> " + b"a" * 900_000,
    "a hundred thousand stanzas": b"age-encryption.org/v1\n" + b"-> a\n\n" * 100_000,
    "a passphrase that costs 2^63": b"age-encryption.org/v1\n-> scrypt " + b"A" * 22 + b" 63\n" + b"A" * 43 + b"\n",
    "zeros": b"age-encryption.org/v1\n" + bytes(100_000),
}


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
        assert office.directory.suspend(pair.physician.practitioner)["status"] == "suspended"
        with world.nothing_written(refusal=1):
            assert refusal(lambda: put(pair.physician, letter, content)).type == "sender-suspended"
        later = world.again(pair.physician, world.transport())
        assert refusal(later.whoami).type == "invalid_client"
        office.directory.reinstate(pair.physician.practitioner)
        _released_soon(lambda: put(later, letter, content))

    def test_a_suspended_recipient_gets_nothing_and_cannot_open_what_was_released(
        self, world: World, pair: People
    ) -> None:
        consent = allow(pair)
        unopened = send_note(pair, consent)
        letter, content = sealed(pair.physician, note(consent))
        pair.practices[1].office.directory.suspend(pair.psychologist.practitioner)
        with world.nothing_written(refusal=1):
            assert refusal(lambda: put(pair.physician, letter, content)).type == "recipient-suspended"
        refused = refusal(lambda: opens(pair.psychologist, unopened.letter))
        assert refused.type == "recipient-suspended"

    def test_a_letter_of_a_sender_suspended_since_is_not_handed_out(self, world: World, pair: People) -> None:
        unopened = send_note(pair, allow(pair))
        pair.practices[0].office.directory.suspend(pair.physician.practitioner)
        assert refusal(lambda: opens(pair.psychologist, unopened.letter)).type == "sender-suspended"

    def test_a_revoked_device_neither_sends_nor_opens(self, world: World, pair: People) -> None:
        consent = allow(pair)
        unopened = send_note(pair, consent)
        letter, content = sealed(pair.physician, note(consent))
        for office, person in zip(pair.practices, (pair.physician, pair.psychologist), strict=True):
            office.office.directory.revoke_device(person.settings.device)
        with world.nothing_written(refusal=1):
            assert refusal(lambda: put(pair.physician, letter, content)).type == "device-revoked"
        assert refusal(lambda: opens(pair.psychologist, unopened.letter)).type == "device-revoked"
        assert refusal(world.again(pair.physician, world.transport()).whoami).type == "invalid_client"

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
        self, world: World, people: People, changed: dict[str, object], type_: str, labels: list[str] | None
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
        send_note(pair, consent)
        lied = Altered(world.transport(), f"{colleague.practitioner}/keys", _only_the_first)
        with world.nothing_written(), pytest.raises(HistoryRewrittenError):
            world.again(pair.physician, lied).letters.send(note(consent))


def _only_the_first(answer: bytes) -> bytes:
    return json.dumps({"entries": json.loads(answer)["entries"][:1]}).encode()


def _mac(content: bytes) -> int:
    return content.index(b"\n--- ") + 10


class TestChangedOnTheWay:
    """The services, or whoever is between, change a stored letter: nothing of it is shown."""

    @pytest.mark.parametrize(
        ("change", "error"),
        [
            pytest.param(lambda c: flipped(c, _mac(c)), TamperedLetterError, id="the header's seal"),
            pytest.param(lambda c: c.replace(b"-> mlkem", b"-> xlkem"), LetterError, id="the header's stanzas"),
            pytest.param(lambda c: flipped(c, len(c) - 1), TamperedLetterError, id="the payload's end"),
            pytest.param(lambda c: flipped(c, len(c) - 60), TamperedLetterError, id="the payload"),
            pytest.param(lambda c: c[:-30], TamperedLetterError, id="cut short"),
            pytest.param(lambda c: c + b"more", TamperedLetterError, id="extended"),
            pytest.param(
                lambda c: readdressed(c, sensitivity=["general", "substance-use"]),
                StatementMismatchError,
                id="relabelled",
            ),
            pytest.param(lambda c: readdressed(c, consent=str(uuid4())), StatementMismatchError, id="another consent"),
            pytest.param(lambda c: c.replace(b",", b", ", 1), StatementMismatchError, id="another spelling"),
            pytest.param(lambda c: readdressed(c, letter=str(uuid4())), MalformedLetterError, id="another letter"),
            pytest.param(lambda c: b"{}\n" + c, MalformedLetterError, id="an empty address"),
            pytest.param(lambda c: b"", MalformedLetterError, id="nothing"),
        ],
    )
    def test_it_does_not_open(
        self, world: World, people: People, change: Callable[[bytes], bytes], error: type[LetterError]
    ) -> None:
        sent = send_note(people, active_consent(people).id)
        reader = world.again(people.psychologist, Altered(world.transport(), f"{sent.letter}/content", change))
        with pytest.raises(error) as refused:
            opens(reader, sent.letter)
        assert refused.value.hint
        assert people.physician.letters.status(sent.letter)[0].opened_at is None, "a receipt was signed for it"

    def test_a_statement_changed_by_somebody_who_can_open_it(self, world: World, people: People) -> None:
        """A dishonest recipient with a hand on the server raises the claim; the sender's signature does not stand."""
        sent = send_note(people, active_consent(people).id)
        reader = people.psychologist
        body = {"type": "text/plain", "size": 18, "sha256": "0" * 64}
        lied = Altered(world.transport(), f"{sent.letter}/content", lambda c: restated(c, reader, reader, body=body))
        with pytest.raises(SignatureMismatchError):
            opens(world.again(reader, lied), sent.letter)


class TestReplays:
    def test_a_letter_under_another_consent(self, world: World, people: People) -> None:
        """The gate sees an address that a consent covers; the reader's client sees that it is not what was signed."""
        first, second = active_consent(people), active_consent(people)
        letter, content = sealed(people.physician, note(first.id))
        put(people.physician, letter, readdressed(content, consent=str(second.id), patient=second.patient))
        with pytest.raises(StatementMismatchError) as refused:
            opens(people.psychologist, letter)
        assert refused.value.field in {"consent", "patient"}

    def test_a_letter_to_another_recipient(self, world: World, people: People) -> None:
        third = world.another(people.practices[1], "Dr. Third")
        consent = active_consent(people)
        other = active_consent(people, recipient=Party(kind=PartyKind.PRACTITIONER, id=third.practitioner))
        letter, content = sealed(people.physician, note(consent.id))
        moved = readdressed(content, consent=str(other.id), patient=other.patient, recipients=[str(third.practitioner)])
        put(people.physician, letter, moved)
        with pytest.raises(NotARecipientError):
            opens(third, letter)

    def test_somebody_elses_letter_is_not_sent_as_it_is(self, world: World, people: People) -> None:
        letter, content = sealed(people.physician, note(active_consent(people).id))
        with world.nothing_written():
            refused = refusal(lambda: put(people.psychologist, letter, content))
        assert (refused.status, refused.type) == (403, "not-the-sender")

    def test_somebody_elses_letter_is_not_passed_off_as_ones_own(self, world: World, people: People) -> None:
        consent, reader = active_consent(people), people.psychologist
        reader.consents.accept(consent.id)
        letter, content = sealed(people.physician, note(consent.id))
        stolen = readdressed(
            content,
            sender=str(reader.practitioner),
            device=str(reader.settings.device),
            recipients=[str(people.physician.practitioner)],
        )
        put(reader, letter, stolen)
        with pytest.raises(StatementMismatchError) as refused:
            opens(people.physician, letter)
        assert refused.value.field == "sender"

    def test_another_device_than_the_one_signed_in(self, world: World, people: People) -> None:
        letter, content = sealed(people.physician, note(active_consent(people).id))
        with world.nothing_written():
            refused = refusal(lambda: put(people.physician, letter, readdressed(content, device=str(uuid4()))))
        assert refused.type == "not-the-sender"

    def test_a_letters_id_is_taken_once(self, world: World, people: People) -> None:
        """Neither other bytes by the same sender nor anything by another sender takes its place."""
        consent = active_consent(people)
        sent = send_note(people, consent.id)
        people.psychologist.consents.accept(consent.id)
        _, other = sealed(people.physician, note(consent.id, b"Something else."))
        _, foreign = sealed(people.psychologist, note(consent.id, b"Something else again."))
        with world.nothing_written():
            for person, content in ((people.physician, other), (people.psychologist, foreign)):
                taken = readdressed(content, letter=str(sent.letter), thread=str(sent.letter))
                refused = refusal(lambda p=person, c=taken: put(p, sent.letter, c))  # type: ignore[misc]
                assert (refused.status, refused.type) == (409, "letter-id-taken")
        assert opens(people.psychologist, sent.letter) == b"A note about care."

    def test_the_path_and_the_address_name_one_letter(self, world: World, people: People) -> None:
        _, content = sealed(people.physician, note(active_consent(people).id))
        with world.nothing_written():
            refused = refusal(lambda: put(people.physician, uuid4(), content))
        assert (refused.status, refused.members["field"]) == (422, "letter")


class TestHostileLetters:
    @pytest.mark.parametrize("name", HOSTILE_AGE_FILES)
    def test_a_hostile_age_file_does_not_open(self, world: World, people: People, name: str) -> None:
        """The services cannot know what is sealed; the reader's client gives up early, and writes nothing."""
        letter, content = sealed(people.physician, note(active_consent(people).id))
        put(people.physician, letter, content.partition(b"\n")[0] + b"\n" + HOSTILE_AGE_FILES[name])
        with pytest.raises(LetterError):
            opens(people.psychologist, letter)

    @pytest.mark.parametrize("rest", [b"", b"\n", b"\nPlain words about a patient.", b"\n-----BEGIN AGE", b"\r\nage-"])
    def test_what_was_never_sealed_is_not_taken(self, world: World, people: People, rest: bytes) -> None:
        letter, content = sealed(people.physician, note(active_consent(people).id))
        with world.nothing_written():
            refused = refusal(lambda: put(people.physician, letter, content.partition(b"\n")[0] + rest))
        assert (refused.status, refused.type) == (400, "malformed-letter")

    def test_a_form_that_was_never_sealed_is_not_taken(self, world: World, people: People) -> None:
        consent = active_consent(people)
        newer = people.physician.consents.api.draft_version(consent.id, terms(people, consent.patient))
        with world.nothing_written():
            refused = refusal(lambda: _attach(people.physician, newer, b"I, Jaime, allow it."))
        assert refused.type == "evidence-not-sealed"

    @pytest.mark.parametrize("length", [16 * 1024 + 1, 900_000, 3_000_000])
    def test_a_huge_address_line_is_refused(self, world: World, people: People, length: int) -> None:
        letter, content = sealed(people.physician, note(active_consent(people).id))
        line, _, rest = content.partition(b"\n")
        with world.nothing_written():
            refused = refusal(lambda: put(people.physician, letter, line.ljust(length) + b"\n" + rest))
        assert refused.status in {400, 413, 422}

    @pytest.mark.parametrize(
        "changed",
        [
            {"v": 2},
            {"recipients": []},
            {"information": []},
            {"information": ["everything"]},
            {"patient": "Jaime Armendáriz"},
            {"consent_version": 0},
            {"note": "an unknown member"},
            {"sealed_at": "yesterday"},
        ],
    )
    def test_a_wrong_address_is_refused_by_its_member(
        self, world: World, people: People, changed: dict[str, object]
    ) -> None:
        """The value itself is never repeated: it may be what nobody should have written there."""
        letter, content = sealed(people.physician, note(active_consent(people).id))
        with world.nothing_written():
            refused = refusal(lambda: put(people.physician, letter, readdressed(content, **changed)))
        assert (refused.status, refused.type) == (422, "invalid-field")
        assert next(iter(changed)) in str(refused.members["field"])
        assert "Jaime" not in refused.message


class TestReceipts:
    def test_a_receipt_before_the_letter_was_fetched(self, world: World, pair: People) -> None:
        sent = send_note(pair, allow(pair))
        receipt = _receipt_line(pair, sent.letter)
        with world.nothing_written():
            assert refusal(lambda: _post(pair.psychologist, sent.letter, receipt)).type in {
                "not-fetched",
                "invalid-field",
            }

    @pytest.mark.parametrize("member", ["letter", "recipient", "device", "letter_sha256"])
    def test_a_receipt_for_something_else(self, world: World, pair: People, member: str) -> None:
        sent = send_note(pair, allow(pair))
        pair.psychologist.letters.open(sent.letter, io.BytesIO(), acknowledge=False)
        other = "0" * 64 if member == "letter_sha256" else str(uuid4())
        forged = _receipt_line(pair, sent.letter, **{member: other})
        refused = refusal(lambda: _post(pair.psychologist, sent.letter, forged))
        assert (refused.status, refused.members["field"]) == (422, f"receipt.{member}")
        assert pair.physician.letters.status(sent.letter)[0].opened_at is None

    def test_a_receipt_in_somebody_elses_name(self, world: World, pair: People) -> None:
        """The sender, and a stranger, cannot say that the recipient opened it."""
        sent = send_note(pair, allow(pair))
        pair.psychologist.letters.open(sent.letter, io.BytesIO(), acknowledge=False)
        receipt = _receipt_line(pair, sent.letter)
        for forger in (pair.physician, world.people.physician):
            assert refusal(lambda f=forger: _post(f, sent.letter, receipt)).status == 404  # type: ignore[misc]

    def test_a_receipt_whose_signature_is_not_the_recipients(self, world: World, pair: People) -> None:
        """The service cannot tell; the sender's client can, and says so instead of `opened`."""
        sent = send_note(pair, allow(pair))
        opened = pair.psychologist.letters.open(sent.letter, io.BytesIO(), acknowledge=False)
        receipt, signature = make_receipt(opened, pair.psychologist.keyring)
        pair.psychologist.letters.api.post_receipt(sent.letter, receipt, flipped(signature, 0))
        with pytest.raises(ReceiptError) as refused:
            pair.physician.letters.status(sent.letter)
        assert "not yet opened" in refused.value.hint


def _receipt_line(pair: People, letter: UUID, **changed: object) -> bytes:
    usual: dict[str, object] = {
        "v": 1,
        "letter": str(letter),
        "recipient": str(pair.psychologist.practitioner),
        "device": str(pair.psychologist.settings.device),
        "letter_sha256": pair.physician.letters._box.sha256(letter),
        "opened_at": "2026-01-01T00:00:00Z",
    }
    return json.dumps(usual | changed).encode()


def _post(person: Client, letter: UUID, receipt: bytes) -> None:
    person.letters.api.post_receipt(letter, receipt, bytes(64 + 3309))


def _attach(person: Client, consent: Consent, form: bytes) -> None:
    signed_on = datetime.now(UTC).date()
    person.consents.api.attach_evidence(consent.id, consent.latest.version, form, signed_on, "ink")


def _released_soon(act: Callable[[], dict[str, object]]) -> None:
    """A reinstatement is not waited for: it holds within moments."""

    def released() -> bool:
        try:
            return act()["state"] == "released"
        except ServiceError:
            return False

    wait_for(released, 10, "the letter to be released")
