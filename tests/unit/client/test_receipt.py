"""Receipts: proof that this recipient opened these bytes."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from concord import errors
from concord.letter import OpenedLetter, make_receipt, verify_receipt
from concord.store import LetterBox
from concord_formats.signatures import SignedKind, to_base64url

from tests.unit.client.people import Clinician, new_device, read_letter, write_letter


@dataclass(frozen=True)
class Texts:
    """A receipt as it travels."""

    receipt: str
    signature: str

    @classmethod
    def of(cls, pair: tuple[bytes, bytes]) -> Texts:
        """Encode."""
        return cls(to_base64url(pair[0]), to_base64url(pair[1]))


@dataclass
class Case:
    """A letter that Ana keeps and Noor has opened."""

    box: LetterBox
    opened: OpenedLetter

    @property
    def letter(self) -> UUID:
        """Its id."""
        return self.opened.address.letter


@pytest.fixture
def case(ana: Clinician, noor: Clinician, tmp_path: Path) -> Case:
    letter, sealed = write_letter(ana, noor)
    box = LetterBox(tmp_path)
    with box.writing(sealed.statement.letter) as target:
        target.write(letter)
    return Case(box, read_letter(letter, noor, ana)[0])


def test_a_sender_can_verify_that_the_letter_was_opened(case: Case, noor: Clinician) -> None:
    texts = Texts.of(make_receipt(case.opened, noor.keyring))
    receipt = verify_receipt(texts, noor.history, case.box, case.letter)
    assert (receipt.recipient, receipt.letter, receipt.device) == (noor.id, case.letter, noor.keyring.device)


def test_a_receipt_is_one_line_of_six_members(case: Case, noor: Clinician) -> None:
    line, signature = make_receipt(case.opened, noor.keyring)
    assert list(json.loads(line)) == ["v", "letter", "recipient", "device", "letter_sha256", "opened_at"]
    assert b"\n" not in line
    assert len(signature) == 64 + 3309


def test_a_receipt_outlives_the_device_that_signed_it(case: Case, noor: Clinician) -> None:
    texts = Texts.of(make_receipt(case.opened, noor.keyring))
    noor.change(add_device=new_device())
    noor.change(revoke_device=noor.keyring.device)
    assert verify_receipt(texts, noor.history, case.box, case.letter)


def test_somebody_else_cannot_sign_it(case: Case, noor: Clinician, eve: Clinician) -> None:
    """Eve signs a receipt in Noor's name, with her own device; and shows her own receipt as Noor's."""
    forged = replace(eve.keyring, account=noor.id)
    for keyring in (forged, replace(forged, device=noor.keyring.device), eve.keyring):
        with pytest.raises(errors.ReceiptError):
            verify_receipt(Texts.of(make_receipt(case.opened, keyring)), noor.history, case.box, case.letter)


def test_a_device_cannot_sign_for_another_account(case: Case, noor: Clinician, eve: Clinician) -> None:
    texts = Texts.of(make_receipt(case.opened, replace(noor.keyring, account=eve.id)))
    with pytest.raises(errors.ReceiptError):
        verify_receipt(texts, noor.history, case.box, case.letter)


def test_it_is_for_one_letter(case: Case, ana: Clinician, noor: Clinician) -> None:
    letter, sealed = write_letter(ana, noor)
    with case.box.writing(sealed.statement.letter) as target:
        target.write(letter)
    other = Texts.of(make_receipt(read_letter(letter, noor, ana)[0], noor.keyring))
    with pytest.raises(errors.ReceiptError):
        verify_receipt(other, noor.history, case.box, case.letter)


def test_it_is_for_these_bytes(case: Case, noor: Clinician) -> None:
    texts = Texts.of(make_receipt(replace(case.opened, sha256="0" * 64), noor.keyring))
    with pytest.raises(errors.ReceiptError):
        verify_receipt(texts, noor.history, case.box, case.letter)


def test_without_the_letter_nothing_is_proved(case: Case, noor: Clinician) -> None:
    texts = Texts.of(make_receipt(case.opened, noor.keyring))
    case.box.remove(case.letter)
    with pytest.raises(errors.ReceiptError):
        verify_receipt(texts, noor.history, case.box, case.letter)


def test_texts_that_are_no_receipt(case: Case, noor: Clinician) -> None:
    line, signature = make_receipt(case.opened, noor.keyring)
    twice = line[:-1] + b',"letter":"' + str(uuid4()).encode() + b'"}'
    again = noor.keyring.signing_key().sign(SignedKind.RECEIPT, twice)
    wrong_kind = noor.keyring.signing_key().sign(SignedKind.STATEMENT, line)
    for texts in (
        Texts("", ""),
        Texts("+/", to_base64url(signature)),
        Texts(to_base64url(line), ""),
        Texts(to_base64url(line + b"\n"), to_base64url(signature)),
        Texts.of((twice, again)),
        Texts.of((line, wrong_kind)),
        Texts.of((line, signature[:-1] + bytes([signature[-1] ^ 1]))),
    ):
        with pytest.raises(errors.ReceiptError):
            verify_receipt(texts, noor.history, case.box, case.letter)
