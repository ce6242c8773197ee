"""The keyring: secrets that rest only under a passphrase."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from concord import errors
from concord.age import ScryptIdentity, ScryptRecipient, decrypt_bytes, encrypt_bytes
from concord.keyring import Keyring
from concord_formats.key_entries import read_entry
from concord_formats.signatures import to_base64url

from tests.unit.client.people import Clinician

PASSPHRASE = "correct horse battery staple"  # from a comic strip, not a secret
FAST = 4  # scrypt's cost in these tests


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "home" / "keyring.age"


def _secrets(keyring: Keyring) -> Iterator[bytes]:
    yield from (keyring.identity_seed, keyring.signing_seed, keyring.authentication_seed, keyring.store_seed)
    yield from keyring.encryption_seeds
    yield from filter(None, (keyring.transfer_seed, keyring.pending_seed))


def test_a_keyring_comes_back_as_it_was(ana: Clinician, path: Path) -> None:
    ana.keyring.save(path, PASSPHRASE, work_factor=FAST)
    assert Keyring.load(path, PASSPHRASE) == ana.keyring


def test_its_first_entry_enrols_its_own_keys(ana: Clinician) -> None:
    entry = read_entry(ana.keyring.first_entry)
    assert entry.identity == ana.keyring.identity_key().public().encode()
    assert entry.encryption == str(ana.keyring.encryption_identities()[0].recipient())
    assert entry.device(ana.keyring.device) is not None


def test_only_the_owner_may_read_it(ana: Clinician, path: Path) -> None:
    ana.keyring.save(path, PASSPHRASE, work_factor=FAST)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert list(path.parent.iterdir()) == [path]


def test_no_secret_is_written_in_the_clear(ana: Clinician, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every byte that goes to a file is looked at: seeds as they are, in hexadecimal and in base64."""
    import os  # noqa: PLC0415 - patched below

    written = bytearray()
    original = os.fsync

    def look(descriptor: int) -> None:
        found = Path(f"/proc/self/fd/{descriptor}")
        if found.is_file():
            written.extend(found.read_bytes())
        original(descriptor)

    monkeypatch.setattr(os, "fsync", look)
    keyring = ana.keyring.with_new_encryption_key()
    keyring.save(path, PASSPHRASE, work_factor=FAST)
    assert written.startswith(b"age-encryption.org/v1\n-> scrypt ")
    for secret in _secrets(keyring):
        for form in (secret, secret.hex().encode(), to_base64url(secret).encode()):
            assert form not in written


def test_nothing_secret_is_shown(ana: Clinician) -> None:
    for secret in _secrets(ana.keyring):
        assert secret.hex() not in repr(ana.keyring)
        assert repr(secret) not in repr(ana.keyring)


def test_the_work_factor_is_that_of_age_unless_said_otherwise() -> None:
    import inspect  # noqa: PLC0415 - for this test alone

    assert inspect.signature(Keyring.save).parameters["work_factor"].default == 18


def test_a_wrong_passphrase_is_told_as_such(ana: Clinician, path: Path) -> None:
    ana.keyring.save(path, PASSPHRASE, work_factor=FAST)
    with pytest.raises(errors.WrongPassphraseError) as caught:
        Keyring.load(path, PASSPHRASE + " ")
    assert caught.value.hint


def test_an_empty_passphrase_is_refused(ana: Clinician, path: Path) -> None:
    with pytest.raises(errors.KeyringError):
        ana.keyring.save(path, "", work_factor=FAST)
    assert not path.exists()


def test_a_failed_save_leaves_the_keyring_that_was_there(
    ana: Clinician, noor: Clinician, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ana.keyring.save(path, PASSPHRASE, work_factor=FAST)

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        noor.keyring.save(path, PASSPHRASE, work_factor=FAST)
    assert Keyring.load(path, PASSPHRASE) == ana.keyring
    assert list(path.parent.iterdir()) == [path]


def _sealed(plain: bytes) -> bytes:
    return encrypt_bytes(plain, [ScryptRecipient(PASSPHRASE, work_factor=FAST)])


@pytest.mark.parametrize(
    "content",
    [b"", b"age-encryption.org/v1\n", b"x" * 2_000_000, _sealed(b"{}"), _sealed(b"null"), _sealed(b'{"v":2}')],
    ids=["empty", "header", "huge", "nothing", "null", "newer"],
)
def test_a_damaged_keyring_is_a_clear_error(path: Path, content: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(errors.KeyringError) as caught:
        Keyring.load(path, PASSPHRASE)
    assert not isinstance(caught.value, errors.WrongPassphraseError)
    assert caught.value.hint


def test_a_missing_keyring_is_a_clear_error(path: Path) -> None:
    with pytest.raises(errors.KeyringError, match="no keyring"):
        Keyring.load(path, PASSPHRASE)


def test_a_keyring_with_the_entry_of_another_identity_is_refused(ana: Clinician, eve: Clinician, path: Path) -> None:
    from dataclasses import replace  # noqa: PLC0415 - for this test alone

    mixed: Any = replace(ana.keyring, first_entry=eve.keyring.first_entry)
    mixed.save(path, PASSPHRASE, work_factor=FAST)
    with pytest.raises(errors.KeyringError):
        Keyring.load(path, PASSPHRASE)


def test_a_rotation_keeps_the_old_encryption_keys(ana: Clinician, path: Path) -> None:
    rotated = ana.keyring.with_new_encryption_key()
    rotated.save(path, PASSPHRASE, work_factor=FAST)
    newest, oldest = Keyring.load(path, PASSPHRASE).encryption_identities()
    assert oldest.seed == ana.keyring.encryption_seeds[0]
    assert newest.seed != oldest.seed


def test_a_rotation_that_was_interrupted_goes_on_with_the_key_that_was_saved(ana: Clinician) -> None:
    pending = ana.keyring.with_new_encryption_key()
    assert pending.with_new_encryption_key() == pending
    published = pending.with_published_key()
    assert published.encryption_seeds == (*ana.keyring.encryption_seeds, pending.pending_seed)
    assert published.with_published_key() == published
    assert published.with_new_encryption_key().pending_seed not in {None, *published.encryption_seeds}


# What a keyring held before there were second devices.
_OLDER = ("v", "account", "device", "identity_seed", "signing_seed", "authentication_seed", "encryption_seeds")


def test_an_older_keyring_is_read_and_completed_on_the_next_save(ana: Clinician, path: Path) -> None:
    ana.keyring.save(path, PASSPHRASE, work_factor=FAST)
    members = json.loads(decrypt_bytes(path.read_bytes(), [ScryptIdentity(PASSPHRASE)]))
    older = {name: members[name] for name in (*_OLDER, "store_seed", "first_entry")}
    path.write_bytes(_sealed(json.dumps(older).encode()))
    read = Keyring.load(path, PASSPHRASE)
    assert (read.transfer_seed, read.transfer_recipients, read.recovery_recipient) == (None, {}, None)
    assert read.identity_seed == ana.keyring.identity_seed
    read.completed().save(path, PASSPHRASE, work_factor=FAST)
    completed = Keyring.load(path, PASSPHRASE)
    transfer = completed.transfer_identity()
    assert transfer is not None
    assert completed.transfer_recipients == {ana.keyring.device: str(transfer.recipient())}
    assert completed.completed() == completed
