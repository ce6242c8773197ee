"""Sending again what was sealed to lost keys: a new letter to present keys, of which the gate decides anew."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast
from uuid import UUID, uuid4

import pytest
from concord import errors
from concord.addressing import Addressing
from concord.api import Consent, ConsentVersion, Direction, Party
from concord.letter import Enclosed, Statement
from concord.letters import Letters
from concord.letters_again import LettersAgain
from concord.own_keys import OwnKeys
from concord.profile import Profile
from concord.store import LetterBox
from concord_formats.key_entries import KeyEntry, SignedEntry
from concord_formats.vocabulary import PART_2_NOTICE, ConsentType, Information, PartyKind, Purpose, Sensitivity

from tests.unit.client.lost import recovered
from tests.unit.client.people import BODY, CONSENT, TOKEN, Clinician, read_letter, scope, write_letter

MEDIA_TYPE = "text/plain; charset=utf-8"


class Gate:
    """Messaging, and the consent that it decides by."""

    def __init__(self, sender: Clinician, recipient: Clinician) -> None:
        self.parties = [Party(kind=PartyKind.PRACTITIONER, id=each.id) for each in (sender, recipient)]
        self.revoked = False
        self.emergency: UUID | None = None
        self.released: dict[UUID, bytes] = {}

    def put(self, letter: UUID, pieces: Callable[[], Iterator[bytes]]) -> dict[str, Any]:
        """See `MessagingApi`."""
        body = b"".join(pieces())
        if self.revoked:
            raise errors.ServiceError(403, "consent-revoked", "the consent was revoked")
        self.released[letter] = body
        return {"state": "released"}

    def show(self, consent: UUID) -> Consent:
        """See `Consents`."""
        now = datetime.now(UTC)
        discloser, recipient = self.parties
        version = ConsentVersion(
            version=1,
            status="active",
            type=ConsentType.PART_2_CONSENT,
            discloser=discloser,
            recipient=recipient,
            mutual=False,
            purposes=[Purpose.TREATMENT],
            information=[Information.DIAGNOSES, Information.MEDICATIONS],
            sensitivity=[Sensitivity.GENERAL, Sensitivity.PART_2],
            valid_from=now - timedelta(days=1),
            valid_until=now + timedelta(days=1),
            directions=[Direction(discloser=discloser, recipient=recipient, accepted_at=now)],
        )
        return Consent(id=consent, patient=TOKEN, letter=self.emergency, created_at=now, versions=[version])


class People:
    """What letters ask of colleagues."""

    key_log = None
    log_doubts = None

    def __init__(self, me: Clinician, *others: Clinician) -> None:
        self.me = me.id
        self.by_id = {each.id: each for each in (me, *others)}

    def entries(self, people: Iterable[UUID]) -> dict[UUID, KeyEntry]:
        """The newest keys."""
        return {each: self.by_id[each].entry for each in people}

    def history(self, practitioner: UUID) -> Sequence[SignedEntry]:
        """The whole history."""
        return self.by_id[practitioner].history

    def is_side_of(self, party: Party, person: UUID | None) -> bool:
        """Whether a party is oneself, or whom one writes for."""
        return party.id == (person or self.me)


class Desk:
    """Ana's letters, one of which she has sent to noor; `members` are those of every team."""

    @dataclass
    class Teams:
        """What letters ask of teams."""

        present: list[Clinician]

        def members(self, _team: UUID) -> Sequence[Clinician]:
            """Who is in it now."""
            return tuple(self.present)

    def __init__(self, folder: Path, ana: Clinician, noor: Clinician, **sent: Any) -> None:
        self.profile = Profile(folder)
        self.profile.create()
        self.gate = Gate(ana, noor)
        self.people = People(ana, noor)
        self.members: list[Clinician] = []
        gate, people, teams = cast(Any, self.gate), cast(Any, self.people), cast(Any, self.Teams(self.members))
        addressing = Addressing(people, gate, teams, cast(Any, None))
        letters = Letters(gate, people, addressing, self.profile, OwnKeys(ana.keyring))
        self.again = LettersAgain(letters, teams, ana.id)
        self.letter = self.keep(*write_letter(ana, noor, media_type=MEDIA_TYPE, consent=CONSENT, **sent))

    def keep(self, body: bytes, sealed: Any) -> UUID:
        """A letter in the local box."""
        letter: UUID = sealed.statement.letter
        with LetterBox(self.profile.letters).writing(letter) as target:
            target.write(body)
        return letter


def opened(desk: Desk, letter: UUID, reader: Clinician, sender: Clinician) -> tuple[Statement, bytes]:
    """What a reader finds in a letter that was released."""
    found, body = read_letter(desk.gate.released[letter], reader, sender)
    return found.statement, body


def test_who_lost_every_key_gets_the_document_anew_under_the_same_consent_purpose_and_labels(
    tmp_path: Path, ana: Clinician, noor: Clinician
) -> None:
    desk = Desk(tmp_path, ana, noor)
    new = recovered(noor)
    desk.people.by_id[noor.id] = new
    with LetterBox(desk.profile.letters).reading(desk.letter) as source, pytest.raises(errors.NotARecipientError):
        read_letter(source.read(), new, ana)
    sent = desk.again.send(desk.letter)
    assert sent.letter != desk.letter
    statement, body = opened(desk, sent.letter, new, ana)
    assert body == BODY
    with LetterBox(desk.profile.letters).reading(desk.letter) as source:
        before = read_letter(source.read(), ana, ana)[0].statement
    same = ("sender", "patient", "consent", "purpose", "information", "sensitivity", "body")
    assert {name: getattr(statement, name) for name in same} == {name: getattr(before, name) for name in same}
    assert [each.practitioner for each in statement.recipients] == [noor.id]
    with pytest.raises(errors.NotARecipientError):
        opened(desk, sent.letter, noor, ana)  # whoever found the lost device


def test_a_consent_that_was_revoked_meanwhile_stops_it(tmp_path: Path, ana: Clinician, noor: Clinician) -> None:
    desk = Desk(tmp_path, ana, noor)
    desk.gate.revoked = True
    with pytest.raises(errors.ServiceError, match="revoked"):
        desk.again.send(desk.letter)
    assert desk.gate.released == {}
    assert list(LetterBox(desk.profile.outgoing)) == []
    assert desk.letter in LetterBox(desk.profile.letters)


def test_a_label_of_part_2_goes_with_it(tmp_path: Path, ana: Clinician, noor: Clinician) -> None:
    """The notice and the scope too: they are not copied, but made anew from the consent."""
    desk = Desk(tmp_path, ana, noor)
    letter = desk.keep(*write_letter(ana, noor, media_type=MEDIA_TYPE, **_part_2(ana, noor)))
    statement, _ = opened(desk, desk.again.send(letter).letter, noor, ana)
    assert statement.sensitivity == {Sensitivity.PART_2}
    assert statement.notice
    assert statement.scope is not None


def _part_2(ana: Clinician, noor: Clinician) -> dict[str, Any]:
    return {"sensitivity": frozenset({Sensitivity.PART_2}), "enclosed": Enclosed(scope(ana, noor), PART_2_NOTICE)}


def test_it_goes_to_those_it_went_to_and_to_nobody_else(
    tmp_path: Path, ana: Clinician, noor: Clinician, eve: Clinician
) -> None:
    desk = Desk(tmp_path, ana, noor)
    desk.people.by_id[eve.id] = eve
    both = desk.keep(*write_letter(ana, noor, eve, media_type=MEDIA_TYPE))
    sent = desk.again.send(both, (eve.id,))
    assert sent.recipients == (eve.id,)
    assert desk.again.send(both).recipients == (noor.id, eve.id)
    with pytest.raises(errors.SealingError, match="not sent to them"):
        desk.again.send(desk.letter, (eve.id,))


def test_of_a_team_it_goes_to_those_who_are_still_in_it(
    tmp_path: Path, ana: Clinician, noor: Clinician, eve: Clinician
) -> None:
    desk, team = Desk(tmp_path, ana, noor), uuid4()
    desk.people.by_id[eve.id] = eve
    letter = desk.keep(*write_letter(ana, noor, eve, media_type=MEDIA_TYPE, team=team))
    with pytest.raises(errors.SealingError, match="in its team any more"):
        desk.again.send(letter)
    desk.members.append(eve)
    sent = desk.again.send(letter)
    assert sent.recipients == (eve.id,)
    assert opened(desk, sent.letter, eve, ana)[0].team == team
    with pytest.raises(errors.SealingError, match="in its team any more"):
        desk.again.send(letter, (noor.id,))


def test_a_letter_is_sent_again_by_its_sender_alone(tmp_path: Path, ana: Clinician, noor: Clinician) -> None:
    desk = Desk(tmp_path, ana, noor)
    received = desk.keep(*write_letter(noor, ana, media_type=MEDIA_TYPE))
    with pytest.raises(errors.SealingError, match="sender alone"):
        desk.again.send(received)
    assert desk.gate.released == {}


def test_an_emergency_is_one_letter(tmp_path: Path, ana: Clinician, noor: Clinician) -> None:
    desk = Desk(tmp_path, ana, noor)
    desk.gate.emergency = uuid4()
    with pytest.raises(errors.SealingError, match="one letter"):
        desk.again.send(desk.letter)


def test_a_copy_that_was_changed_is_not_sent_on(tmp_path: Path, ana: Clinician, noor: Clinician) -> None:
    desk = Desk(tmp_path, ana, noor)
    path = desk.profile.letters / f"{desk.letter}.letter"
    path.write_bytes(path.read_bytes()[:-1] + b"\x00")
    with pytest.raises(errors.LetterError):
        desk.again.send(desk.letter)
    assert desk.gate.released == {}
