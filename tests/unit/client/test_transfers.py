"""Transfers between one owner's devices: what a directory or a thief may try with them."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from concord import errors
from concord.age import HybridIdentity, encrypt_bytes, parse_recipient
from concord.devices.transfers import BOOK, has_newest, merge, open_transfer, recipient_of, seal_transfer, settle
from concord.keyring import Keyring
from concord.portable import MAX_PORTABLE_BYTES, Portable
from concord.seeds import DeviceSeeds
from concord.signing import next_entry
from concord_formats.key_entries import KeyEntry, read_entries
from concord_formats.signatures import SignedKind, to_base64url

from tests.unit.client.people import Clinician


class Pair:
    """Two devices that know each other, of one account."""

    def __init__(self, clinician: Clinician) -> None:
        self.clinician = clinician
        seeds = DeviceSeeds.create()
        recipient = str(seeds.transfer_identity().recipient())
        known = dict(clinician.keyring.transfer_recipients) | {seeds.device: recipient}
        self.one = replace(clinician.keyring, transfer_recipients=known)
        self.two = Portable.of(self.one, None, 1).keyring(seeds)
        clinician.change(add_device=seeds.public())

    @property
    def entries(self) -> list[KeyEntry]:
        """The account's history."""
        return read_entries(self.clinician.history)

    def rotate_one(self) -> None:
        """The first device changes the key."""
        pending = self.one.with_new_encryption_key()
        assert pending.pending_seed
        self.clinician.change(encryption_recipient=recipient_of(pending.pending_seed))
        self.one = pending.with_published_key()

    def sealed(self, keyring: Keyring | None = None) -> bytes:
        """A transfer to the second device."""
        return seal_transfer(keyring or self.one, self.two.device, len(self.entries))

    def received(self, sealed: bytes) -> Keyring:
        """What the second device knows then."""
        return merge(self.two, open_transfer(sealed, self.two, self.entries), self.entries)


@pytest.fixture
def pair(ana: Clinician) -> Pair:
    return Pair(ana)


def test_a_new_key_arrives_and_the_old_ones_stay_in_the_order_of_the_history(pair: Pair) -> None:
    pair.rotate_one()
    assert not has_newest(pair.two, pair.entries[-1])
    received = pair.received(pair.sealed())
    assert received.encryption_seeds == pair.one.encryption_seeds
    assert has_newest(received, pair.entries[-1])
    assert received.device_seeds() == pair.two.device_seeds()


def test_an_older_transfer_that_comes_again_drops_nothing(pair: Pair) -> None:
    early = pair.sealed()
    pair.rotate_one()
    pair.two = pair.received(pair.sealed())
    assert pair.received(early) == pair.two


def test_keys_that_come_out_of_order_are_put_in_order(pair: Pair) -> None:
    pair.rotate_one()
    one = pair.one
    pair.rotate_one()
    pair.two = pair.received(pair.sealed(replace(pair.one, encryption_seeds=(pair.one.encryption_seeds[2],))))
    assert pair.received(pair.sealed(one)).encryption_seeds == pair.one.encryption_seeds


def test_the_directory_cannot_make_one_without_the_recipient(pair: Pair) -> None:
    for forged in (b"", b"age-encryption.org/v1\n", encrypt_bytes(b"{}", [HybridIdentity.generate().recipient()])):
        with pytest.raises(errors.TransferError) as caught:
            pair.received(forged)
        assert caught.value.hint


def test_who_has_the_recipient_still_needs_a_devices_signature(pair: Pair, eve: Clinician) -> None:
    """A thief who opened a keyring knows every recipient; a device that the account never had signs nothing."""
    stranger = replace(
        eve.keyring,
        account=pair.one.account,
        identity_seed=pair.one.identity_seed,
        first_entry=pair.one.first_entry,
        encryption_seeds=pair.one.encryption_seeds,
        transfer_recipients=pair.one.transfer_recipients,
    )
    with pytest.raises(errors.TransferError, match="never had"):
        pair.received(pair.sealed(stranger))
    named = replace(stranger, device=pair.one.device)
    with pytest.raises(errors.TransferError):
        pair.received(pair.sealed(named))


def test_of_a_device_that_was_revoked_only_published_keys_count(pair: Pair) -> None:
    """Otherwise whoever stole it would name recipients of their own for the keys to come."""
    pair.rotate_one()
    seeds = DeviceSeeds.create()
    pair.clinician.change(add_device=seeds.public())
    pair.clinician.change(revoke_device=pair.one.device)
    his = str(HybridIdentity.generate().recipient())
    thief = replace(pair.one, transfer_recipients=dict(pair.one.transfer_recipients) | {seeds.device: his})
    thief = thief.with_recovery(his, "0" * 64)
    received = pair.received(pair.sealed(thief))
    assert received.encryption_seeds == pair.one.encryption_seeds
    assert set(received.transfer_recipients) == {pair.two.device}
    assert received.recovery_recipient is None


def test_a_recipient_that_is_known_is_not_replaced(pair: Pair) -> None:
    other = str(HybridIdentity.generate().recipient())
    recipients = dict(pair.one.transfer_recipients) | {pair.one.device: other}
    sealed = seal_transfer(replace(pair.one, transfer_recipients=recipients), pair.two.device, 2)
    assert pair.received(sealed).transfer_recipients[pair.one.device] == pair.one.transfer_recipients[pair.one.device]


def test_a_recipient_of_another_device_becomes_known(pair: Pair) -> None:
    seeds = DeviceSeeds.create()
    pair.clinician.change(add_device=seeds.public())
    recipients = dict(pair.one.transfer_recipients) | {seeds.device: str(seeds.transfer_identity().recipient())}
    received = pair.received(pair.sealed(replace(pair.one, transfer_recipients=recipients)))
    assert set(received.transfer_recipients) == {pair.one.device, pair.two.device, seeds.device}


def test_a_transfer_of_another_identity_is_refused(pair: Pair) -> None:
    made = Keyring.create(pair.one.account)
    other = replace(pair.one, identity_seed=made.identity_seed, first_entry=made.first_entry)
    with pytest.raises(errors.TransferError, match="another identity"):
        pair.received(pair.sealed(other))


def test_a_transfer_for_another_device_is_refused(pair: Pair) -> None:
    recipients = {pair.one.device: pair.one.transfer_recipients[pair.two.device]}
    sealed = seal_transfer(replace(pair.one, transfer_recipients=recipients), pair.one.device, 2)
    with pytest.raises(errors.TransferError, match="another device"):
        pair.received(sealed)


def test_a_key_that_the_account_never_published_is_refused(pair: Pair) -> None:
    smuggled = replace(pair.one, encryption_seeds=(*pair.one.encryption_seeds, bytes(32)))
    with pytest.raises(errors.TransferError, match="never had"):
        pair.received(pair.sealed(smuggled))


def test_a_key_that_is_not_published_yet_stays_on_its_device(pair: Pair) -> None:
    pending = pair.one.with_new_encryption_key()
    assert pair.received(pair.sealed(pending)).encryption_seeds == pair.one.encryption_seeds


def test_the_newer_recovery_code_is_taken_over_and_an_older_one_is_not(pair: Pair) -> None:
    older, newer = (str(HybridIdentity.generate().recipient()) for _ in range(2))
    with_older = pair.one.with_recovery(older, "0" * 64)
    with_newer = with_older.with_recovery(newer, "1" * 64)
    pair.two = pair.received(pair.sealed(with_newer))
    assert (pair.two.recovery_recipient, pair.two.recovery_verifier) == (newer, "1" * 64)
    assert pair.received(pair.sealed(with_older)) == pair.two


def test_a_rotation_that_had_got_through_is_settled(pair: Pair) -> None:
    pending = pair.one.with_new_encryption_key()
    assert pending.pending_seed
    assert settle(pending, pair.entries) == pending
    pair.clinician.change(encryption_recipient=recipient_of(pending.pending_seed))
    settled = settle(pending, pair.entries)
    assert settled == pending.with_published_key()
    assert settled.encryption_seeds[-1] == pending.pending_seed


def test_an_older_keyring_has_nothing_that_opens_one(pair: Pair) -> None:
    with pytest.raises(errors.TransferError):
        open_transfer(pair.sealed(), replace(pair.two, transfer_seed=None), pair.entries)


def test_a_key_that_no_device_of_the_owner_has_stays_missing(pair: Pair) -> None:
    """The next entry after a rotation, signed by somebody who has the identity key, names their own key."""
    thief = HybridIdentity.generate()
    after = next_entry(pair.one.identity_key(), pair.clinician.history[-1], encryption_recipient=str(thief.recipient()))
    pair.clinician.history.append(after)
    assert not has_newest(pair.received(pair.sealed()), pair.entries[-1])


PATIENTS = {"jaime": {"name": "Jaime Armendáriz", "token": "pt_" + "a" * 26, "at": 7}}


def _documents(pair: Pair, sealed: bytes) -> Any:
    return open_transfer(sealed, pair.two, pair.entries).documents


def _with_documents(pair: Pair, documents: dict[str, Any], signer: Keyring | None = None) -> bytes:
    """A transfer as somebody makes it who keeps to no rule."""
    line = {"v": 1, "account": str(pair.one.account), "from": str(pair.one.device), "to": str(pair.two.device)}
    first = json.dumps(line).encode()
    members = json.loads(Portable.of(pair.one, None, 2).encode()) | {"documents": documents}
    rest = json.dumps(members).encode()
    signature = (signer or pair.one).signing_key().sign(SignedKind.TRANSFER, first + b"\n" + rest)
    plain = b"\n".join((first, to_base64url(signature).encode(), rest))
    return encrypt_bytes(plain, [parse_recipient(pair.one.transfer_recipients[pair.two.device])])


def test_the_address_book_goes_along_and_one_without_it_is_read_as_before(pair: Pair) -> None:
    sealed = seal_transfer(pair.one, pair.two.device, 2, PATIENTS)
    assert _documents(pair, sealed) == {BOOK: PATIENTS}
    assert pair.received(sealed) == pair.received(pair.sealed())
    assert _documents(pair, pair.sealed()) == {}
    assert b"Jaime" not in sealed


def test_no_other_document_comes_by_a_transfer(pair: Pair) -> None:
    """Pins above all: each device compares fingerprints for itself, or has them from its pairing."""
    sealed = _with_documents(pair, {BOOK: PATIENTS, "pins": {"somebody": {"entries": 1}}, "key-log": {}})
    assert _documents(pair, sealed) == {BOOK: PATIENTS}


def test_the_address_book_of_a_device_that_was_revoked_does_not_count(pair: Pair) -> None:
    sealed = seal_transfer(pair.one, pair.two.device, 2, PATIENTS)
    pair.clinician.change(revoke_device=pair.one.device)
    assert _documents(pair, sealed) == {}
    removal = seal_transfer(pair.one, pair.two.device, 3, {".removed": {"pt_" + "a" * 26: 9}})
    assert _documents(pair, removal) == {}


def test_an_address_book_that_no_device_of_the_owner_signed_is_refused(pair: Pair, eve: Clinician) -> None:
    with pytest.raises(errors.TransferError):
        _documents(pair, _with_documents(pair, {BOOK: PATIENTS}, signer=eve.keyring))


@pytest.mark.parametrize(
    "book", [[], "jaime", {"jaime": {"name": "Jaime"}}, {"jaime": 1}, {".removed": []}, {"Jaime A.": PATIENTS["jaime"]}]
)
def test_an_address_book_of_another_form_is_refused_and_repeats_no_name(pair: Pair, book: Any) -> None:
    with pytest.raises(errors.TransferError) as caught:
        _documents(pair, _with_documents(pair, {BOOK: book}))
    assert caught.value.hint
    assert "Jaime" not in caught.value.message + caught.value.hint


def test_an_address_book_that_does_not_fit_is_told_and_one_that_is_too_long_is_refused(pair: Pair) -> None:
    book = {"jaime": PATIENTS["jaime"] | {"name": "x" * MAX_PORTABLE_BYTES}}
    with pytest.raises(errors.PortableError):
        seal_transfer(pair.one, pair.two.device, 2, book)
    with pytest.raises(errors.TransferError):
        _documents(pair, _with_documents(pair, {BOOK: book}))
