"""Letters that are not what was sealed: changed on the way, replayed, or never a letter at all.

What the services can see they refuse; what only the reader can see, the reader's client refuses before a word is shown.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from concord.api import Consent, Party
from concord.client import Client
from concord.consents import Form
from concord.errors import (
    LetterError,
    MalformedLetterError,
    NotARecipientError,
    SignatureMismatchError,
    StatementMismatchError,
    TamperedLetterError,
)
from concord_formats.vocabulary import PartyKind

from tests.journeys.hostile import Altered, flipped, opens, put, readdressed, restated, sealed
from tests.journeys.world import World, refusal
from tests.people import People, accepted, active_consent, note, released, terms

HOSTILE_AGE_FILES = {
    "no header": b"age-encryption.org/v1\n",
    "no payload": b"age-encryption.org/v1\n-> X25519 " + b"A" * 43 + b"\n" + b"A" * 43 + b"\n--- " + b"A" * 43 + b"\n",
    "an endless line": b"age-encryption.org/v1\n-> " + b"a" * 900_000,
    "a hundred thousand stanzas": b"age-encryption.org/v1\n" + b"-> a\n\n" * 100_000,
    "a passphrase that costs 2^63": b"age-encryption.org/v1\n-> scrypt " + b"A" * 22 + b" 63\n" + b"A" * 43 + b"\n",
    "zeros": b"age-encryption.org/v1\n" + bytes(100_000),
}


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
        sent = released(people, active_consent(people).id)
        reader = world.again(people.psychologist, Altered(world.transport(), f"{sent.letter}/content", change))
        with pytest.raises(error) as refused:
            opens(reader, sent.letter)
        assert refused.value.hint
        assert people.physician.letters.status(sent.letter)[0].opened_at is None, "a receipt was signed for it"

    def test_a_statement_changed_by_somebody_who_can_open_it(self, world: World, people: People) -> None:
        """A dishonest recipient with a hand on the server raises the claim; the sender's signature does not stand."""
        sent = released(people, active_consent(people).id)
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
        accepted(reader, consent.id)
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
        sent = released(people, consent.id)
        accepted(people.psychologist, consent.id)
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


def _attach(person: Client, consent: Consent, form: bytes) -> None:
    signed = Form.concord(form, consent.latest.type, datetime.now(UTC).date(), "ink", copy_given=True)
    person.consents.api.attach_evidence(consent.id, consent.latest.version, form, signed.attested)
