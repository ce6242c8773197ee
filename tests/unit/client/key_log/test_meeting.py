"""What letters tell of the key log: a directory that shows two logs is found by two people who write to each other."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
from concord import errors
from concord.colleagues import Colleagues
from concord.key_log import InLetter, meet
from concord.keyring import Keyring
from concord.letter import Enclosed, OpenedLetter, open_letter
from concord.letter.statement import MAX_PROOF_CHARACTERS
from concord_formats.key_log import read_binding
from concord_formats.log_proof import LogProof
from concord_formats.notes import NoteError
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.unit.client.key_log.fake_log import FakeLog, Town, binding, stranger
from tests.unit.client.people import BODY, Clinician, Parts, write_letter


def proof_of(town: Town, sender: Clinician, log: FakeLog | None = None) -> str:
    """What a sender's own client puts into a letter."""
    view = town.key_log(sender, log)
    view.refresh()
    return view.proof(sender.id)


def letter(sender: Clinician, to: Clinician, proof: str | None) -> bytes:
    return write_letter(sender, to, enclosed=Enclosed(key_log=proof))[0]


def opened(sealed: bytes, reader: Clinician, colleagues: Colleagues) -> tuple[OpenedLetter, bytes]:
    target = io.BytesIO()
    found = open_letter(
        io.BytesIO(sealed),
        identities=reader.keyring.encryption_identities(),
        reader=reader.id,
        sender_history=colleagues.history,
        log_doubts=colleagues.log_doubts,
        target=target,
    )
    return found, target.getvalue()


def alarms(colleagues: Colleagues) -> list[str]:
    assert colleagues.key_log
    return [alarm.kind for alarm in colleagues.key_log.alarms()]


@pytest.fixture
def reader(town: Town, noor: Clinician) -> Colleagues:
    """Noor's view."""
    made = town.colleagues(noor)
    assert made.key_log
    made.key_log.made(noor.history[0], 1)
    made.key_log.refresh()
    return made


def test_a_letter_of_the_same_log_gives_nothing_to_doubt(
    town: Town, ana: Clinician, noor: Clinician, reader: Colleagues
) -> None:
    for _ in range(2):
        found, body = opened(letter(ana, noor, proof_of(town, ana)), noor, reader)
        assert (body, found.doubts) == (BODY, ())
        town.fill(40)  # a sender who has seen more is caught up with
    assert alarms(reader) == []


def test_a_letter_without_a_proof_opens_as_ever(
    town: Town, ana: Clinician, noor: Clinician, reader: Colleagues
) -> None:
    found, _ = opened(letter(ana, noor, None), noor, reader)
    assert found.doubts == ()


def test_an_old_letter_is_held_against_the_log_as_it_was(
    town: Town, ana: Clinician, noor: Clinician, reader: Colleagues
) -> None:
    old = letter(ana, noor, proof_of(town, ana))
    town.fill(300)
    town.rotate(ana)
    town.rotate(noor)
    assert reader.key_log
    reader.key_log.refresh(within=0)
    found, _ = opened(old, noor, reader)
    assert found.doubts == ()


def test_a_letter_under_a_former_key_of_the_log_is_of_that_log(
    town: Town, ana: Clinician, noor: Clinician, reader: Colleagues
) -> None:
    old = letter(ana, noor, proof_of(town, ana))
    town.log.rotate_key()
    assert reader.key_log
    reader.key_log.refresh(within=0)
    assert opened(old, noor, reader)[0].doubts == ()


def test_a_letter_under_a_key_that_the_log_has_since_is_too(
    town: Town, ana: Clinician, noor: Clinician, reader: Colleagues
) -> None:
    town.log.rotate_key()
    assert opened(letter(ana, noor, proof_of(town, ana)), noor, reader)[0].doubts == ()


class TestALyingDirectory:
    def test_two_logs_are_found_by_a_letter(
        self, town: Town, ana: Clinician, noor: Clinician, reader: Colleagues
    ) -> None:
        """Ana is shown a log in which Noor's device is another: Noor is not."""
        other = town.log.forked()
        other.bind(stranger("For Ana alone"))
        town.log.bind(stranger("For Noor alone"))
        found, body = opened(letter(ana, noor, proof_of(town, ana, other)), noor, reader)
        assert body == BODY
        [doubt] = found.doubts
        assert "another log" in doubt
        assert reader.key_log
        [alarm] = reader.key_log.alarms()
        assert (alarm.kind, alarm.blocks) == ("forked-log", True)
        assert {alarm.evidence["seen"] == alarm.evidence["shown"]} == {False}
        with pytest.raises(errors.ForkedLogError):
            reader.entry(ana.id)

    def test_a_log_that_is_larger_than_the_directory_will_give_is_found(
        self, town: Town, ana: Clinician, noor: Clinician, reader: Colleagues
    ) -> None:
        other = town.log.forked()
        for number in range(5):
            other.bind(stranger(f"For Ana alone {number}"))
        found, _ = opened(letter(ana, noor, proof_of(town, ana, other)), noor, reader)
        assert "5 bindings" not in found.doubts[0] and "7 bindings" in found.doubts[0]
        assert alarms(reader) == ["rolled-back-log"]

    def test_a_rotation_that_was_hidden_from_the_sender_is_found_by_its_owner(
        self, town: Town, ana: Clinician, noor: Clinician, reader: Colleagues
    ) -> None:
        """The sender's client was made to seal to the old key, though its log held the new one."""
        old = noor.entry
        town.rotate(noor)
        proof = proof_of(town, ana)
        new, noor.history = noor.history, noor.history[:1]
        sealed = letter(ana, noor, proof)
        noor.history = new
        assert noor.entry != old
        found, _ = opened(sealed, noor, reader)
        assert "a key that you had replaced" in found.doubts[0]
        assert "hidden-rotation" in alarms(reader)

    def test_a_rotation_after_the_letter_is_none(
        self, town: Town, ana: Clinician, noor: Clinician, reader: Colleagues
    ) -> None:
        sealed = letter(ana, noor, proof_of(town, ana))
        town.rotate(noor)
        assert opened(sealed, noor, reader)[0].doubts == ()

    def test_a_log_that_stands_still_for_the_reader_is_said(
        self, town: Town, ana: Clinician, noor: Clinician, reader: Colleagues
    ) -> None:
        town.fill(1)
        sealed = letter(ana, noor, proof_of(town, ana))
        town.log.clock = 1_700_000_000
        found, _ = opened(sealed, noor, reader)
        assert "minutes old" in found.doubts[0]

    def test_a_log_that_does_not_answer_keeps_no_letter_shut_and_is_said(
        self, town: Town, ana: Clinician, noor: Clinician, reader: Colleagues, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        town.fill(1)
        sealed = letter(ana, noor, proof_of(town, ana))

        def refuses() -> str:
            raise errors.ServiceError(503, "log-unavailable", "")

        monkeypatch.setattr(town.log, "checkpoint", refuses)
        assert reader.key_log
        reader.key_log.forget()
        found, body = opened(sealed, noor, reader)
        assert body == BODY and "could not be compared" in found.doubts[0]


class TestALyingSender:
    """Anybody may write into a letter whatever they like."""

    def test_a_note_under_a_key_of_their_own_stops_nobody(
        self, town: Town, ana: Clinician, noor: Clinician, reader: Colleagues
    ) -> None:
        other = town.log.forked()
        other.signing = Ed25519PrivateKey.generate()
        sender = Clinician(ana.keyring)
        proof = proof_of(Town(town.folder / "elsewhere"), sender, other)
        found, _ = opened(letter(ana, noor, proof), noor, reader)
        assert "not signed by the key" in found.doubts[0]
        assert reader.key_log
        reader.key_log.may_seal()

    def _refused(
        self, town: Town, ana: Clinician, noor: Clinician, reader: Colleagues, proof: str, error: type[Exception]
    ) -> None:
        parts = Parts.of(letter(ana, noor, proof_of(town, ana)), noor.keyring.encryption_identities()[0])
        sealed = parts.signed_anew(ana.keyring.signing_key(), key_log=proof).sealed_to(noor)
        with pytest.raises(error):
            opened(sealed, noor, reader)

    @pytest.mark.parametrize("proof", ["x", "c2sp.org/tlog-proof@v1\nindex 0\n\nnothing"])
    def test_a_proof_that_is_none(
        self, town: Town, ana: Clinician, noor: Clinician, reader: Colleagues, proof: str
    ) -> None:
        self._refused(town, ana, noor, reader, proof, errors.MalformedLogError)

    @pytest.mark.parametrize("proof", ["", "x" * (MAX_PROOF_CHARACTERS + 1), 7])
    def test_a_member_beyond_its_bounds(
        self, town: Town, ana: Clinician, noor: Clinician, reader: Colleagues, proof: Any
    ) -> None:
        self._refused(town, ana, noor, reader, proof, errors.MalformedLetterError)

    @pytest.mark.parametrize(
        "forge",
        [
            lambda proof: LogProof(proof.index + 1, proof.path, proof.checkpoint, proof.extra),
            lambda proof: LogProof(proof.index, (b"\0" * 32, *proof.path[1:]), proof.checkpoint, proof.extra),
            lambda proof: LogProof(proof.index, proof.path[:-1], proof.checkpoint, proof.extra),
            lambda proof: LogProof(
                proof.index,
                proof.path,
                proof.checkpoint,
                read_binding(proof.extra).model_copy(update={"n": 1}).encode() + b" ",
            ),
        ],
    )
    def test_an_entry_that_is_not_in_the_log_that_is_named(
        self,
        town: Town,
        ana: Clinician,
        noor: Clinician,
        reader: Colleagues,
        forge: Callable[[LogProof], LogProof],
    ) -> None:
        proof = forge(LogProof.parse(proof_of(town, ana))).encode()
        self._refused(town, ana, noor, reader, proof, errors.UnloggedKeyError)

    def test_the_proof_of_somebody_else(self, town: Town, ana: Clinician, noor: Clinician, reader: Colleagues) -> None:
        self._refused(town, ana, noor, reader, proof_of(town, noor), errors.UnloggedKeyError)

    def test_a_proof_of_keys_without_the_device_that_sealed(
        self, town: Town, ana: Clinician, reader: Colleagues
    ) -> None:
        assert reader.key_log
        told = InLetter(proof_of(town, ana), ana.id, uuid4(), ana.history)
        with pytest.raises(errors.UnloggedKeyError):
            meet(reader.key_log, told)
        assert meet(reader.key_log, replace(told, device=ana.keyring.device)) == ()

    def test_a_proof_without_the_binding_that_it_proves(
        self, town: Town, ana: Clinician, noor: Clinician, reader: Colleagues
    ) -> None:
        proof = LogProof.parse(proof_of(town, ana))
        bare = LogProof(proof.index, proof.path, proof.checkpoint).encode()
        self._refused(town, ana, noor, reader, bare, errors.MalformedLogError)

    def test_an_entry_that_the_senders_history_does_not_have(
        self, town: Town, ana: Clinician, noor: Clinician, reader: Colleagues
    ) -> None:
        other = town.log.forked()
        swapped = Clinician(Keyring.create(ana.id))
        swapped.rotate()
        other.bind(binding(swapped.history[-1]))
        proof = proof_of(Town(town.folder / "elsewhere"), ana, other)
        self._refused(town, ana, noor, reader, proof, errors.UnloggedKeyError)

    def test_a_proof_beyond_all_bounds_is_not_even_made(self, town: Town, ana: Clinician) -> None:
        proof = LogProof.parse(proof_of(town, ana))
        with pytest.raises(NoteError):
            LogProof(proof.index, proof.path, proof.checkpoint, b"x" * 20_000).encode()
