"""The backup: sealed to the code, and judged before anything of it is used."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
from concord.age import encrypt_bytes, parse_recipient
from concord.errors import (
    BackupRolledBackError,
    BackupTooLargeError,
    ForeignBackupError,
    MalformedBackupError,
    RecoveryError,
)
from concord.portable import MAX_PORTABLE_BYTES, Portable
from concord.recovery import derive, new_code
from concord.recovery.backup import (
    MAX_BACKUP_BYTES,
    check_backup,
    check_not_behind,
    content_digest,
    open_backup,
    seal_backup,
)

from tests.unit.client.lost import recovered
from tests.unit.client.people import Clinician, new_device
from tests.unit.client.recovery.made import Owner


def portable(owner: Owner, **changed: Any) -> Portable:
    """What the owner's account takes along now."""
    return replace(Portable.of(owner.clinician.keyring, owner.store, owner.clinician.entry.n), **changed)


def opened(owner: Owner, sealed: bytes) -> Portable:
    """Opened with the owner's code."""
    return open_backup(sealed, derive(owner.code, owner.clinician.id).identity)


def judge(owner: Owner, found: Portable) -> None:
    """As at a recovery."""
    recipient = derive(owner.code, owner.clinician.id).recipient
    check_not_behind(found, check_backup(found, owner.clinician.id, owner.clinician.history, recipient))


def sealed_to(owner: Owner, plain: bytes) -> bytes:
    """By somebody who knows the recipient, as nobody else should."""
    return encrypt_bytes(plain, [parse_recipient(derive(owner.code, owner.clinician.id).recipient)])


def test_what_was_sealed_comes_back_and_may_be_relied_on(owner: Owner) -> None:
    found = opened(owner, seal_backup(portable(owner)))
    assert found == portable(owner)
    assert found.documents["address-book"]["blue-heron"]["name"] == "Jaime Armendáriz"
    judge(owner, found)


def test_nothing_of_it_can_be_seen_from_outside(owner: Owner) -> None:
    sealed = seal_backup(portable(owner))
    for secret in (
        owner.clinician.keyring.identity_seed,
        b"blue-heron",
        "Armendáriz".encode(),
        owner.clinician.id.bytes,
    ):
        assert secret not in sealed
    assert str(owner.clinician.id).encode() not in sealed


def test_another_code_opens_nothing(owner: Owner) -> None:
    other = derive(new_code(), owner.clinician.id)
    with pytest.raises(MalformedBackupError):
        open_backup(seal_backup(portable(owner)), other.identity)


def test_wherever_it_is_cut_short_it_is_refused(owner: Owner) -> None:
    sealed = seal_backup(portable(owner))
    for end in [*range(0, 200, 7), *range(200, len(sealed), 997), len(sealed) - 1]:
        with pytest.raises(MalformedBackupError):
            opened(owner, sealed[:end])


def test_wherever_it_is_changed_it_is_refused(owner: Owner) -> None:
    sealed = seal_backup(portable(owner))
    for place in [*range(0, 200, 7), *range(200, len(sealed), 997), len(sealed) - 1]:
        with pytest.raises(MalformedBackupError):
            opened(owner, sealed[:place] + bytes([sealed[place] ^ 1]) + sealed[place + 1 :])


@pytest.mark.parametrize(
    "plain",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b'{"v": 1}',
        b'{"v": 2}',
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"v": 1, "account": 7}',
        b"9" * 10_000,
    ],
    ids=lambda plain: plain[:12].decode("latin-1"),
)
def test_what_opens_and_is_no_account_is_refused(owner: Owner, plain: bytes) -> None:
    with pytest.raises(MalformedBackupError) as refused:
        opened(owner, sealed_to(owner, plain))
    assert isinstance(refused.value, RecoveryError) and refused.value.hint


@pytest.mark.parametrize(
    "changed",
    [
        {"identity_seed": "AAAA"},
        {"encryption_seeds": []},
        {"n": 0},
        {"n": 10**9},
        {"recovery_recipient": "age1" + "q" * 58},
        {"documents": {"address-book": "none"}},
        {"documents": [1]},
        {"transfer_recipients": {"x": "y"}},
        {"first_entry": {"entry": "AA", "signature": "AA"}},
    ],
    ids=str,
)
def test_a_member_that_is_not_what_it_should_be_is_refused(owner: Owner, changed: dict[str, Any]) -> None:
    members = json.loads(portable(owner).encode()) | changed
    with pytest.raises(MalformedBackupError):
        opened(owner, sealed_to(owner, json.dumps(members).encode()))


def test_one_that_is_longer_than_any_is_refused_before_it_is_opened(owner: Owner) -> None:
    with pytest.raises(MalformedBackupError, match="longer"):
        opened(owner, bytes(MAX_BACKUP_BYTES + 1))


def test_an_account_that_does_not_fit_is_told_what_to_do(owner: Owner) -> None:
    large = {"address-book": {"blue-heron": {"name": "x" * MAX_PORTABLE_BYTES, "token": ""}}}
    with pytest.raises(BackupTooLargeError) as told:
        seal_backup(portable(owner, documents=large))
    assert "concord patient remove" in told.value.hint


def test_the_largest_account_fits_into_what_is_opened(owner: Owner) -> None:
    room = MAX_PORTABLE_BYTES - len(portable(owner, documents={"address-book": {"a": ""}}).encode())
    sealed = seal_backup(portable(owner, documents={"address-book": {"a": "x" * room}}))
    assert len(sealed) <= MAX_BACKUP_BYTES
    assert len(opened(owner, sealed).documents["address-book"]["a"]) == room


def test_the_backup_of_another_account_is_named_so(owner: Owner, noor: Clinician) -> None:
    theirs = noor.keyring.completed().with_recovery(owner.clinician.keyring.recovery_recipient or "", "0" * 64)
    with pytest.raises(ForeignBackupError):
        judge(owner, opened(owner, sealed_to(owner, Portable.of(theirs, None, 1).encode())))


def test_the_history_of_another_account_is_named_so(owner: Owner, noor: Clinician) -> None:
    found = portable(owner)
    owner.clinician.history[:] = noor.history
    with pytest.raises(ForeignBackupError):
        judge(owner, found)


def test_another_identity_of_the_same_account_is_named_so(owner: Owner) -> None:
    """As after everything was lost, and somebody began anew: the old sheet opens an old account."""
    anew = Clinician(owner.clinician.keyring.create(owner.clinician.id))
    owner.clinician.history[:] = anew.history
    with pytest.raises(ForeignBackupError):
        judge(owner, portable(owner, n=1))


def test_one_sealed_for_another_code_is_named_so(owner: Owner) -> None:
    """Whoever knows a recipient can seal to it: a device that had the code in force says which."""
    other = derive(new_code(), owner.clinician.id).recipient
    with pytest.raises(ForeignBackupError):
        judge(owner, opened(owner, sealed_to(owner, portable(owner, recovery_recipient=other).encode())))


def test_one_behind_the_accounts_entries_is_named_an_older_backup(owner: Owner) -> None:
    before = portable(owner)
    owner.clinician.change(add_device=new_device())
    with pytest.raises(BackupRolledBackError, match="older backup") as told:
        judge(owner, before)
    assert (told.value.members["n"], told.value.members["newest"]) == (1, 2)


def test_one_behind_the_accounts_encryption_key_is_named_an_older_backup(owner: Owner) -> None:
    before = portable(owner, n=2)
    owner.clinician.rotate()
    with pytest.raises(BackupRolledBackError, match="older backup"):
        judge(owner, before)


def test_a_history_that_is_older_than_the_backup_is_told(owner: Owner) -> None:
    """The directory holds back the newest entry: what was added or revoked by it would be forgotten."""
    owner.clinician.change(add_device=new_device())
    found = portable(owner)
    owner.clinician.history.pop()
    with pytest.raises(BackupRolledBackError, match="older key history"):
        judge(owner, found)


def test_a_history_that_is_not_sound_is_refused(owner: Owner, noor: Clinician) -> None:
    found = portable(owner)
    owner.clinician.history.append(noor.history[0])
    with pytest.raises(MalformedBackupError):
        judge(owner, found)


def test_what_only_goes_on_by_the_minute_is_not_worth_a_backup(owner: Owner) -> None:
    before = portable(owner)
    documents = dict(before.documents)
    assert content_digest(replace(before, documents=documents | {"key-log": {"size": 7}})) == content_digest(before)
    assert content_digest(replace(before, documents=documents | {"pins": {}})) != content_digest(before)
    assert content_digest(replace(before, n=before.n + 1)) != content_digest(before)


def test_the_order_of_members_is_no_change(owner: Owner) -> None:
    before = portable(owner)
    turned = dict(reversed(before.documents.items()))
    assert content_digest(replace(before, documents=turned)) == content_digest(before)


def test_one_of_an_identity_that_a_recovery_replaced_is_named_so(owner: Owner) -> None:
    """Its first entry stands in the history still: whoever accepts an older backup is not to come back with it."""
    found = portable(owner)
    after = recovered(owner.clinician)
    recipient = derive(owner.code, owner.clinician.id).recipient
    with pytest.raises(ForeignBackupError, match="another identity"):
        check_backup(found, owner.clinician.id, after.history, recipient)


def test_one_that_says_another_account_is_named_so(owner: Owner) -> None:
    recipient = derive(owner.code, owner.clinician.id).recipient
    with pytest.raises(ForeignBackupError, match="another account"):
        check_backup(portable(owner, account=uuid4()), owner.clinician.id, owner.clinician.history, recipient)
    with pytest.raises(ForeignBackupError, match="another account"):
        check_backup(portable(owner), uuid4(), owner.clinician.history, recipient)


def test_one_with_a_later_key_than_the_history_is_no_older_backup(owner: Owner) -> None:
    """As many entries, and a key fewer: it is the history that is not the newest one."""
    keyring = owner.clinician.keyring.with_new_encryption_key().with_published_key()
    found = portable(owner, encryption_seeds=keyring.encryption_seeds)
    for accept_older in (False, True):
        with pytest.raises(BackupRolledBackError, match="older key history"):
            check_not_behind(found, owner.clinician.entry, accept_older=accept_older)
