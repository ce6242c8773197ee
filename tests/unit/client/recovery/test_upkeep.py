"""Keeping the backup up: when one is stored, and when it must not be."""

from __future__ import annotations

import pytest
from concord.address_book import AddressBook
from concord.errors import (
    BackupTooLargeError,
    ConcordError,
    NoRecoveryCodeError,
    RecoveryCodeChangedError,
    ServiceError,
    UnseenRecoveryCodeError,
)
from concord.errors.devices import TransferError, TransferMissingError
from concord.keyring import Keyring
from concord.recovery import Upkeep, derive, with_new_code
from concord.recovery.backup import open_backup
from concord.store import SealedStore

from tests.unit.client.people import new_device
from tests.unit.client.recovery.made import Owner

PUT = "PUT /backup"


def stored_names(owner: Owner) -> list[str]:
    """The aliases in the backup that the directory has now."""
    found = open_backup(owner.directory.backup or b"", derive(owner.code, owner.clinician.id).identity)
    return sorted(found.documents["address-book"])


def add(owner: Owner, alias: str, store: SealedStore | None = None) -> None:
    """One more patient."""
    with (store or owner.store).changing("address-book") as book:
        book[alias] = {"name": "Somebody", "token": "pt_" + "b" * 26}


def second_device(owner: Owner) -> tuple[Keyring, SealedStore]:
    """Another device of the account, as it was set up from what the first one takes along."""
    from concord.portable import Portable  # noqa: PLC0415 - for this one

    along = Portable.of(owner.clinician.keyring, owner.store, 1)
    keyring = along.keyring()
    store = SealedStore(owner.folder / "second", keyring.store_identity())
    along.unpack(store)
    return keyring, store


def test_the_first_one_is_stored_under_the_codes_verifier(owner: Owner) -> None:
    assert owner.upkeep.keep() is None
    assert owner.directory.verifier == derive(owner.code, owner.clinician.id).verifier
    assert (owner.directory.generation, stored_names(owner)) == (1, ["blue-heron"])


def test_nothing_new_is_not_stored_again(owner: Owner) -> None:
    owner.upkeep.keep()
    owner.upkeep.keep()
    assert owner.directory.asked == [PUT]
    assert not owner.upkeep.behind


def test_something_new_is_stored_and_counted(owner: Owner) -> None:
    owner.upkeep.keep()
    add(owner, "grey-owl")
    assert owner.upkeep.behind
    assert owner.upkeep.keep() is None
    assert (owner.directory.generation, stored_names(owner)) == (2, ["blue-heron", "grey-owl"])


def test_a_new_key_is_stored(owner: Owner) -> None:
    owner.upkeep.keep()
    owner.clinician.change(add_device=new_device())
    owner.see_own_keys()
    owner.upkeep.keep()
    found = open_backup(owner.directory.backup or b"", derive(owner.code, owner.clinician.id).identity)
    assert (found.n, owner.directory.generation) == (2, 2)


def test_it_has_the_number_of_the_entry_that_the_directory_shows_now(owner: Owner) -> None:
    """Not of the last one that this device happened to see: another device's newer backup would be put back."""
    owner.upkeep.keep()
    owner.clinician.change(add_device=new_device())
    owner.upkeep.store()
    found = open_backup(owner.directory.backup or b"", derive(owner.code, owner.clinician.id).identity)
    assert found.n == 2


def test_a_refusal_is_given_back_and_not_raised(owner: Owner) -> None:
    owner.directory.refusing = (503, "busy")
    failed = owner.upkeep.keep()
    assert isinstance(failed, ServiceError)
    owner.directory.refusing = None
    assert owner.upkeep.behind


def test_what_failed_is_tried_again_later_and_not_at_each_command(owner: Owner) -> None:
    owner.directory.refusing = (500, "internal")
    owner.upkeep.keep()
    tries = len(owner.directory.asked)
    assert owner.upkeep.keep() is None
    assert len(owner.directory.asked) == tries
    owner.directory.refusing = None
    owner.now += 600
    assert owner.upkeep.keep() is None
    assert owner.directory.generation == 1


def test_what_failed_is_tried_again_with_something_new(owner: Owner) -> None:
    owner.directory.refusing = (500, "internal")
    owner.upkeep.keep()
    owner.directory.refusing = None
    add(owner, "grey-owl")
    owner.upkeep.keep()
    assert owner.directory.generation == 1


def test_a_clock_that_was_set_back_stops_nothing(owner: Owner) -> None:
    owner.directory.refusing = (500, "internal")
    owner.upkeep.keep()
    owner.directory.refusing = None
    owner.now -= 10_000
    owner.upkeep.keep()
    assert owner.directory.generation == 1


def test_an_account_without_a_code_has_no_backup(owner: Owner) -> None:
    owner.clinician.keyring = Keyring.create(owner.clinician.id)
    assert owner.upkeep.keep() is None
    assert owner.directory.asked == []
    with pytest.raises(NoRecoveryCodeError):
        owner.upkeep.store()


def test_what_does_not_fit_is_told(owner: Owner) -> None:
    owner.directory.refusing = (413, "too-large")
    with pytest.raises(BackupTooLargeError) as told:
        owner.upkeep.store()
    assert "patient remove" in told.value.hint


def test_two_devices_take_turns(owner: Owner) -> None:
    owner.upkeep.keep()
    keyring, store = second_device(owner)
    second = owner.device(keyring, store)
    add(owner, "grey-owl", store)
    assert second.keep() is None
    assert (owner.directory.generation, stored_names(owner)) == (2, ["blue-heron", "grey-owl"])
    add(owner, "red-kite")
    assert owner.upkeep.keep() is None
    assert owner.directory.generation == 3


def test_what_another_device_knows_is_in_the_backup_that_takes_the_place_of_its_own(owner: Owner) -> None:
    """The last device would win otherwise, and a patient of the other one be lost with it."""
    owner.upkeep.keep()
    keyring, store = second_device(owner)
    here, there = AddressBook(owner.store), AddressBook(store)
    looked: list[str] = []

    def catch_up() -> None:
        looked.append("looked")
        there.take_in(here.document())

    second = Upkeep(owner.api(), store, lambda: keyring, lambda: owner.clinician.entry, catch_up)
    here.add("grey-owl", "Robin")
    assert owner.upkeep.keep() is None
    there.add("red-kite", "Kim")
    assert second.keep() is None
    assert stored_names(owner) == ["blue-heron", "grey-owl", "red-kite"]
    assert not second.behind, "what it stored is what it knew after the look"
    there.add("osprey", "Noor")
    assert second.keep() is None
    assert looked == ["looked"], "not where the last one is its own"


def test_what_cannot_be_taken_over_does_not_keep_the_backup_from_being_stored(owner: Owner) -> None:
    owner.upkeep.keep()
    keyring, store = second_device(owner)

    def catch_up() -> None:
        raise TransferError("what was handed over to this device is not from a device of yours")

    second = Upkeep(owner.api(), store, lambda: keyring, lambda: owner.clinician.entry, catch_up)
    add(owner, "grey-owl", store)
    assert second.keep() is None
    assert stored_names(owner) == ["blue-heron", "grey-owl"]


def test_a_device_that_has_not_heard_of_the_new_code_does_not_bring_the_old_one_back(owner: Owner) -> None:
    owner.upkeep.keep()
    keyring, store = second_device(owner)
    second = owner.device(keyring, store)
    second.keep()
    owner.clinician.keyring, owner.code = with_new_code(owner.clinician.keyring)
    assert owner.upkeep.keep() is None
    verifier, generation = owner.directory.verifier, owner.directory.generation
    add(owner, "grey-owl", store)
    failed = second.keep()
    assert isinstance(failed, RecoveryCodeChangedError)
    assert (owner.directory.verifier, owner.directory.generation) == (verifier, generation)


def test_a_device_that_is_handed_the_new_code_goes_on_under_it(owner: Owner) -> None:
    owner.upkeep.keep()
    keyring, store = second_device(owner)
    owner.clinician.keyring, owner.code = with_new_code(owner.clinician.keyring)
    owner.upkeep.keep()
    held = [keyring]

    def catch_up() -> None:
        held[0] = held[0].with_recovery(
            owner.clinician.keyring.recovery_recipient or "", owner.clinician.keyring.recovery_verifier or ""
        )

    second = Upkeep(owner.api(), store, lambda: held[0], lambda: owner.clinician.entry, catch_up)
    add(owner, "grey-owl", store)
    assert second.keep() is None
    assert stored_names(owner) == ["blue-heron", "grey-owl"]


def test_a_new_code_is_stored_even_when_the_answer_to_the_first_try_was_lost(owner: Owner) -> None:
    owner.upkeep.keep()
    owner.clinician.keyring, owner.code = with_new_code(owner.clinician.keyring)
    owner.upkeep.keep()
    owner.store.write("recovery", {"generation": 1, "verifier": "0" * 64})  # as if it had never been told
    owner.directory.asked.clear()
    add(owner, "grey-owl")
    assert owner.upkeep.keep() is None
    assert stored_names(owner) == ["blue-heron", "grey-owl"]


def test_a_code_made_here_takes_the_place_of_one_that_another_device_made(owner: Owner) -> None:
    """Of which this device had not heard: its owner asked for a new one, and holds the sheet."""
    owner.upkeep.keep()
    other, _ = with_new_code(owner.clinician.keyring)
    owner.directory.verifier, owner.directory.generation = other.recovery_verifier or "", 7
    owner.clinician.keyring, owner.code = with_new_code(owner.clinician.keyring)
    owner.upkeep.new_code_made()
    assert owner.upkeep.keep() is None
    assert (owner.directory.verifier, owner.directory.generation) == (owner.clinician.keyring.recovery_verifier, 8)


def test_a_process_that_began_before_the_new_code_does_not_bring_the_old_one_back(owner: Owner) -> None:
    """A command that waits for letters, and one that makes a code meanwhile, in one folder."""
    owner.upkeep.keep()
    before = owner.clinician.keyring
    waiting = owner.device(before)
    owner.clinician.keyring, owner.code = with_new_code(before)
    owner.upkeep.new_code_made()
    add(owner, "grey-owl")
    assert isinstance(waiting.keep(), RecoveryCodeChangedError), "made, and not stored yet"
    owner.upkeep.store()
    verifier = owner.directory.verifier
    add(owner, "red-kite")
    owner.now += 600
    assert isinstance(waiting.keep(), RecoveryCodeChangedError)
    assert owner.directory.verifier == verifier == owner.clinician.keyring.recovery_verifier
    assert owner.upkeep.keep() is None
    assert "red-kite" in stored_names(owner)


def test_a_code_that_nobody_saw_does_not_take_the_place_of_the_one_on_paper(owner: Owner) -> None:
    """Interrupted between making it and showing it: the next command would end the sheet without a word."""
    owner.upkeep.keep()
    on_paper = owner.directory.verifier
    made, code = with_new_code(owner.clinician.keyring)
    owner.upkeep.making(made.recovery_verifier or "")
    assert owner.upkeep.keep() is None, "until it is in the keyring, nothing has happened"
    owner.clinician.keyring, owner.code = made, code
    owner.upkeep.new_code_made()
    failed = owner.upkeep.keep()
    assert isinstance(failed, UnseenRecoveryCodeError)
    assert owner.directory.verifier == on_paper
    assert owner.upkeep.behind
    owner.upkeep.store()  # asked for: its owner has it
    assert owner.directory.verifier == made.recovery_verifier
    add(owner, "grey-owl")
    assert owner.upkeep.keep() is None


def test_a_code_that_was_shown_is_stored_by_itself(owner: Owner) -> None:
    owner.upkeep.keep()
    owner.clinician.keyring, owner.code = with_new_code(owner.clinician.keyring)
    owner.upkeep.making(owner.clinician.keyring.recovery_verifier or "")
    owner.upkeep.new_code_made()
    owner.upkeep.shown()
    assert owner.upkeep.keep() is None
    assert owner.directory.verifier == owner.clinician.keyring.recovery_verifier


def test_once_it_is_stored_the_next_one_made_elsewhere_stands(owner: Owner) -> None:
    owner.upkeep.new_code_made()
    owner.upkeep.keep()
    other, _ = with_new_code(owner.clinician.keyring)
    owner.directory.verifier, owner.directory.generation = other.recovery_verifier or "", 7
    add(owner, "grey-owl")
    assert isinstance(owner.upkeep.keep(), RecoveryCodeChangedError)
    assert owner.directory.generation == 7


def test_the_old_code_fetches_nothing_once_the_new_one_is_stored(owner: Owner) -> None:
    owner.upkeep.keep()
    old = derive(owner.code, owner.clinician.id)
    owner.clinician.keyring, owner.code = with_new_code(owner.clinician.keyring)
    owner.upkeep.keep()
    with pytest.raises(ConcordError):
        owner.api().fetch(owner.clinician.id, old.credential)
    with pytest.raises(ConcordError):
        open_backup(owner.directory.backup or b"", old.identity)


def test_a_device_that_lacks_the_newest_key_stores_nothing(owner: Owner) -> None:
    """It would take the place of a backup that has it, and a recovery would lose what was sealed since."""
    owner.upkeep.keep()
    keyring, store = second_device(owner)
    owner.clinician.keyring = owner.clinician.keyring.with_new_encryption_key().with_published_key()
    owner.clinician.change(encryption_recipient=str(owner.clinician.keyring.encryption_identities()[0].recipient()))
    before = owner.directory.generation
    with pytest.raises(TransferMissingError):
        owner.device(keyring, store).store()
    assert owner.directory.generation == before
    owner.see_own_keys()
    assert owner.upkeep.keep() is None


def test_the_code_is_kept_nowhere(owner: Owner) -> None:
    owner.upkeep.keep()
    kept = repr(owner.upkeep.known()).encode() + owner.store.read("recovery").__repr__().encode()
    for path in owner.folder.rglob("*"):
        kept += path.read_bytes() if path.is_file() else b""
    keys = derive(owner.code, owner.clinician.id)
    for secret in (owner.code.encode(), keys.credential, keys.identity.seed, keys.credential.hex().encode()):
        assert secret not in kept
