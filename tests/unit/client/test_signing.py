"""Signing keys and the entries they sign."""

from __future__ import annotations

import pickle
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from concord.age import HybridIdentity
from concord.signing import SEED_BYTES, HybridSigningKey, first_entry, next_entry
from concord_formats.key_entries import EntryKind, KeyEntryError, read_entries, read_history
from concord_formats.signatures import SignatureError, SignedKind

from tests.unit.client.people import Clinician, new_device

SEED = bytes(range(SEED_BYTES))


def test_a_key_is_its_seed() -> None:
    key = HybridSigningKey.from_seed(SEED)
    assert key.seed == SEED
    assert key.public() == HybridSigningKey.from_seed(SEED).public()
    assert HybridSigningKey.generate().seed != HybridSigningKey.generate().seed


@pytest.mark.parametrize("length", [0, 32, 63, 65])
def test_a_seed_of_another_length_is_refused(length: int) -> None:
    with pytest.raises(ValueError, match="64 bytes"):
        HybridSigningKey.from_seed(bytes(length))


def test_what_a_key_signs_its_public_half_verifies() -> None:
    key = HybridSigningKey.from_seed(SEED)
    signature = key.sign(SignedKind.STATEMENT, b"payload")
    key.public().verify(SignedKind.STATEMENT, b"payload", signature)
    with pytest.raises(SignatureError):
        key.public().verify(SignedKind.STATEMENT, b"payloae", signature)
    with pytest.raises(SignatureError):
        key.public().verify(SignedKind.RECEIPT, b"payload", signature)


def test_a_key_does_not_show_its_seed() -> None:
    key = HybridSigningKey.from_seed(SEED)
    assert SEED.hex() not in repr(key)
    assert repr(SEED)[2:20] not in repr(key)
    with pytest.raises(TypeError):
        pickle.dumps(key)


def test_an_account_adds_revokes_and_rotates(ana: Clinician) -> None:
    device = new_device()
    ana.change(add_device=device)
    ana.change(revoke_device=ana.keyring.device)
    ana.rotate()
    entries = read_entries(ana.history)
    assert [entry.kind for entry in entries] == [kind for kind in EntryKind if kind is not EntryKind.RECOVERED]
    assert entries[-1].devices == (device,)
    assert entries[-1].encryption_version == 2


def test_an_entry_makes_exactly_one_change(ana: Clinician) -> None:
    key, last = ana.keyring.identity_key(), ana.history[-1]
    with pytest.raises(ValueError, match="one change"):
        next_entry(key, last)
    with pytest.raises(ValueError, match="one change"):
        next_entry(key, last, add_device=new_device(), revoke_device=ana.keyring.device)


def test_what_others_would_refuse_is_not_signed(ana: Clinician, eve: Clinician) -> None:
    with pytest.raises(KeyEntryError):
        next_entry(ana.keyring.identity_key(), ana.history[-1], revoke_device=uuid4())
    with pytest.raises(KeyEntryError):
        next_entry(ana.keyring.identity_key(), ana.history[-1], encryption_recipient=ana.entry.encryption)
    with pytest.raises(KeyEntryError):
        next_entry(eve.keyring.identity_key(), ana.history[-1], add_device=new_device())


def test_a_device_whose_clock_is_behind_can_still_change_keys(ana: Clinician) -> None:
    ana.change(add_device=new_device(), at=datetime.now(UTC) - timedelta(days=3))
    assert len(read_entries(ana.history)) == 2


def test_a_first_entry_enrols_one_device() -> None:
    account, recipient = uuid4(), str(HybridIdentity.generate().recipient())
    device = new_device()
    entry = read_history([first_entry(account, HybridSigningKey.generate(), recipient, device)])
    assert (entry.account, entry.encryption, entry.devices, entry.n) == (account, recipient, (device,), 1)
