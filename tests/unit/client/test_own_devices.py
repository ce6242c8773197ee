"""One's own devices: told apart, stopped, and one encryption key among them, whatever is interrupted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest
from concord import errors
from concord.address_book import AddressBook
from concord.age import HybridIdentity, NoMatchError, decrypt_bytes, encrypt_bytes
from concord.devices.handing_over import RETRY_SECONDS
from concord.devices.transfers import recipient_of
from concord.own_keys import KeyringFile, OwnKeys
from concord.portable import MAX_PORTABLE_BYTES
from concord.seeds import DeviceSeeds
from concord_formats.signatures import to_base64url

from tests.unit.client.household import FAST, PASSPHRASE, Household, Side, kinds, once
from tests.unit.client.people import Clinician


@pytest.fixture
def home(ana: Clinician, tmp_path: Path) -> Household:
    return Household.of(ana.keyring, tmp_path)


def _newest(home: Household) -> str:
    return home.directory.entries[-1].encryption


def _opens_newest(home: Household, side: Side) -> bool:
    return recipient_of(side.saved.encryption_seeds[-1]) == _newest(home)


def test_the_list_is_that_of_ones_own_keys_with_what_the_directory_adds(home: Household) -> None:
    second, third = home.add(), home.add()
    home.first.devices.revoke(second.id)
    home.directory.revoked.add(third.id)  # by an administrator: one's own keys still list it
    home.directory.extra_devices.append(stranger := uuid4())
    listed = {device.id: (device.this, device.status) for device in home.first.devices.list()}
    assert listed == {
        home.first.id: (True, "in force"),
        second.id: (False, "revoked"),
        third.id: (False, "stopped"),
        stranger: (False, "unknown"),
    }


def test_a_revocation_says_since_when_it_holds(home: Household) -> None:
    second = home.add()
    assert home.first.devices.revoke(second.id).effective_at is not None
    assert list(kinds(home.directory)) == ["enrolled", "device-added", "device-revoked"]
    assert home.first.devices.revoke(second.id).effective_at is not None
    assert list(kinds(home.directory)) == ["enrolled", "device-added", "device-revoked"]


def test_a_revocation_that_does_not_hold_everywhere_yet_is_not_called_done(home: Household) -> None:
    second = home.add()
    home.directory.effective = False
    assert home.first.devices.revoke(second.id).effective_at is None
    assert home.directory.asked.count("POST /devices/ID/revocation") == 2
    home.directory.effective = True
    assert home.first.devices.revoke(second.id).effective_at is not None


def test_neither_this_device_nor_an_unknown_one_is_revoked(home: Household) -> None:
    with pytest.raises(errors.DeviceError) as caught:
        home.first.devices.revoke(home.first.id)
    assert caught.value.hint
    with pytest.raises(errors.UnknownDeviceError):
        home.first.devices.revoke(uuid4())
    assert list(kinds(home.directory)) == ["enrolled"]


def test_a_revocation_follows_an_entry_that_came_first(home: Household) -> None:
    second = home.add()
    home.directory.before = _first(home, lambda: _other_device(home))
    home.first.devices.revoke(second.id)
    assert list(kinds(home.directory))[-2:] == ["device-added", "device-revoked"]


def _first(home: Household, act: Callable[[], object]) -> Callable[[str], None]:
    """Another device is faster with the next entry, once."""

    def before(asked: str) -> None:
        if asked == "POST /practitioners/ID/keys":
            home.directory.before = lambda asked: None
            act()

    return before


def _other_device(home: Household) -> None:
    home.first.devices.history.append(home.directory.history[-1], add_device=DeviceSeeds.create().public())


def test_a_rotation_reaches_the_other_devices(home: Household) -> None:
    second, third = home.add(), home.add()
    assert third.devices.catch_up() is False
    rotated = home.first.devices.rotate()
    assert (rotated.version, rotated.by_this_device, rotated.missed) == (2, True, ())
    for side in (second, third):
        assert not _opens_newest(home, side)
        assert side.devices.catch_up()
        assert _opens_newest(home, side)
        assert side.saved.encryption_seeds == home.first.saved.encryption_seeds
        assert not side.devices.catch_up()


def test_what_is_sealed_to_the_old_key_and_to_the_new_one_opens_on_a_device_that_runs(home: Household) -> None:
    second = home.add()
    old = encrypt_bytes(b"old", [home.first.own.identities()[0].recipient()])
    home.first.devices.rotate()
    new = encrypt_bytes(b"new", [home.first.own.identities()[0].recipient()])
    for sealed, plain in ((new, b"new"), (old, b"old")):
        assert second.own.opening(lambda ids, sealed=sealed: decrypt_bytes(sealed, ids)) == plain  # type: ignore[misc]
    for_others = encrypt_bytes(b"", [HybridIdentity.generate().recipient()])
    with pytest.raises(NoMatchError):
        second.own.opening(lambda ids: decrypt_bytes(for_others, ids))


def test_a_revoked_device_gets_no_new_key(home: Household) -> None:
    second, third = home.add(), home.add()
    home.first.devices.revoke(second.id)
    home.directory.transfers.clear()
    home.first.devices.rotate()
    assert set(home.directory.transfers) == {third.id}
    with pytest.raises(errors.ServiceError):
        home.unlock(second.profile).devices.catch_up()


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_rotation_that_is_cut_goes_on_with_the_key_that_was_saved(home: Household, when: str) -> None:
    """Whether the entry got through or not: one new key, published once, and it was on the disk before."""
    second = home.add()
    setattr(home.directory, when, once("POST /practitioners/ID/keys"))
    with pytest.raises(errors.UnreachableError):
        home.first.devices.rotate()
    saved = home.first.saved.pending_seed
    assert saved is not None
    again = home.unlock(home.first.profile)
    assert again.devices.rotate().by_this_device
    assert again.saved.pending_seed is None
    assert again.saved.encryption_seeds[-1] == saved
    assert list(kinds(home.directory)) == ["enrolled", "device-added", "keys-changed"]
    assert second.devices.catch_up()
    assert second.saved.encryption_seeds[-1] == saved


def test_a_letter_to_a_key_whose_rotation_was_cut_opens_at_once(home: Household) -> None:
    """And the other devices get that key as soon as this one has looked."""
    second = home.add()
    home.directory.after = once("POST /practitioners/ID/keys")
    with pytest.raises(errors.UnreachableError):
        home.first.devices.rotate()
    pending = home.first.saved.pending_seed
    assert pending is not None
    sealed = encrypt_bytes(b"new", [HybridIdentity.from_seed(pending).recipient()])
    again = home.unlock(home.first.profile)
    assert again.own.opening(lambda ids: decrypt_bytes(sealed, ids)) == b"new"
    again.devices.catch_up()
    assert again.saved.pending_seed is None
    assert second.devices.catch_up()


def test_a_key_is_on_the_disk_before_it_is_published(home: Household) -> None:
    saved: list[bytes | None] = []

    def look(asked: str) -> None:
        if asked == "POST /practitioners/ID/keys":
            saved.append(home.first.saved.pending_seed)

    home.directory.before = look
    home.first.devices.rotate()
    assert saved[0] is not None
    assert recipient_of(saved[0]) == _newest(home)


def test_two_devices_that_rotate_at_once_end_with_one_new_key(home: Household) -> None:
    second = home.add()
    home.directory.before = _first(home, home.first.devices.rotate)
    rotated = second.devices.rotate()
    assert (rotated.version, rotated.by_this_device) == (2, False)
    assert list(kinds(home.directory)) == ["enrolled", "device-added", "keys-changed"]
    for side in (home.first, second):
        assert _opens_newest(home, side)
    kept = second.saved.pending_seed
    assert second.devices.rotate().by_this_device
    assert second.saved.encryption_seeds[-1] == kept  # it was never published, and never left this device


def test_a_rotation_follows_an_entry_of_another_kind(home: Household) -> None:
    home.directory.before = _first(home, lambda: _other_device(home))
    rotated = home.first.devices.rotate()
    assert rotated.by_this_device
    assert len(rotated.missed) == 1  # the new device's recipient is not known yet
    assert list(kinds(home.directory)) == ["enrolled", "device-added", "keys-changed"]


def test_who_is_overtaken_again_and_again_is_told(home: Household) -> None:
    def always(asked: str) -> None:
        if asked == "POST /practitioners/ID/keys":
            home.directory.before = lambda asked: None
            _other_device(home)
            home.directory.before = always

    home.directory.before = always
    with pytest.raises(errors.RotationRaceError) as caught:
        home.first.devices.rotate()
    assert caught.value.hint
    assert home.first.saved.pending_seed is not None


def test_a_device_to_which_nothing_was_handed_says_so(home: Household) -> None:
    second = home.add()
    home.first.devices.rotate()
    home.directory.transfers.clear()
    for act in (second.devices.catch_up, second.devices.rotate, second.adding.open):
        with pytest.raises(errors.TransferMissingError) as caught:
            act()
        assert "sync" in caught.value.hint
    home.first.devices.hand_over()
    assert second.devices.catch_up()


def test_a_key_that_a_thief_published_does_not_stand_in_the_way(home: Household) -> None:
    """The thief's device changes the key and hands it to nobody; its owner revokes it and goes on without."""
    stolen = home.add()
    stolen.devices.rotate()
    home.directory.transfers.clear()
    home.first.devices.revoke(stolen.id)
    with pytest.raises(errors.TransferMissingError):
        home.first.devices.rotate()
    assert home.first.devices.rotate(without_missing=True).version == 3
    assert _opens_newest(home, home.first)


def test_a_transfer_that_the_directory_forged_changes_nothing(home: Household) -> None:
    second = home.add()
    home.first.devices.rotate()
    before = second.profile.keyring.read_bytes()
    forged = encrypt_bytes(b'{"v":1}\n\n{}', [second.own.identities()[0].recipient()])
    for text in (to_base64url(forged), "aGVsbG8", "no base64url", ""):
        home.directory.transfers[second.id] = text
        with pytest.raises(errors.TransferError):
            second.devices.catch_up()
    assert second.profile.keyring.read_bytes() == before


def test_a_transfer_that_was_overwritten_by_one_who_knew_less_is_mended(home: Household) -> None:
    """Each device has one place for a transfer, so the one that catches up hands on what it has learned."""
    second, third = home.add(), home.add()
    third.devices.catch_up()
    second.devices.catch_up()
    home.first.devices.rotate()
    third.devices.hand_over()  # without the new key: it has not looked yet
    with pytest.raises(errors.TransferMissingError):
        second.devices.catch_up()
    assert third.devices.catch_up()
    assert second.devices.catch_up()
    assert second.saved.encryption_seeds == home.first.saved.encryption_seeds


def test_a_look_is_taken_once_an_hour_whatever_comes_of_it(home: Household) -> None:
    second = home.add()
    now = [1_800_000_000.0]
    assert second.devices.look(lambda: now[0]) is False
    home.first.devices.rotate()
    asked = len(home.directory.asked)
    assert second.devices.look(lambda: now[0] + 3599) is False
    assert len(home.directory.asked) == asked
    home.directory.before = once("GET /devices/self/transfer")
    with pytest.raises(errors.UnreachableError):
        second.devices.look(lambda: now[0] + 3600)
    assert second.devices.look(lambda: now[0] + 3601) is False
    assert second.devices.look(lambda: now[0] - 60)  # somebody set the clock back: better once more than never
    assert _opens_newest(home, second)


def test_a_transfer_that_comes_while_one_is_read_stays(home: Household) -> None:
    """What is cleared is what was read."""
    second = home.add()
    home.first.devices.rotate()

    def meanwhile(asked: str) -> None:
        if asked == "GET /devices/self/transfer":
            home.directory.after = lambda asked: None
            home.first.devices.rotate()

    home.directory.after = meanwhile
    assert second.devices.catch_up()
    assert second.id in home.directory.transfers
    assert second.devices.catch_up()
    assert _opens_newest(home, second)
    assert second.id not in home.directory.transfers


def test_a_keyring_without_its_passphrase_is_not_changed(home: Household) -> None:
    own = OwnKeys(home.first.own.keyring)
    with pytest.raises(errors.KeyringError, match="read only"):
        own.change(lambda keyring: keyring.with_new_encryption_key())
    assert own.keyring.pending_seed is None


def test_an_older_keyring_gets_what_it_lacks_when_a_device_is_added(home: Household) -> None:
    keyring = replace(home.first.own.keyring, transfer_seed=None, transfer_recipients={})
    keyring.save(home.first.profile.keyring, PASSPHRASE, work_factor=FAST)
    first = home.unlock(home.first.profile)
    second = home.add(first)
    assert set(first.saved.transfer_recipients) == {first.id, second.id} == set(second.saved.transfer_recipients)
    second.devices.rotate()
    assert first.devices.catch_up()


def test_a_change_keeps_the_work_that_a_passphrase_costs(home: Household) -> None:
    path = home.first.profile.keyring
    for factor in (3, 11):
        home.first.own.keyring.save(path, PASSPHRASE, work_factor=factor)
        OwnKeys(home.first.own.keyring, KeyringFile(path, PASSPHRASE)).change(
            lambda keyring: keyring.with_new_encryption_key()
        )
        assert path.read_bytes().split(b"\n")[1].endswith(b" %d" % factor)
        home.first.own.keyring.save(path, PASSPHRASE, work_factor=factor)


def test_a_change_is_made_to_what_is_saved_and_not_to_what_was_read_once(home: Household) -> None:
    """Two processes of one device: what the other one saved meanwhile is not lost."""
    other = home.unlock(home.first.profile)
    other.own.change(lambda keyring: keyring.with_recovery("age1pq1somebody", "0" * 64))
    home.first.own.change(lambda keyring: keyring.with_new_encryption_key())
    assert home.first.saved.recovery_verifier == "0" * 64
    assert home.first.saved.pending_seed is not None


NOW = 1_000_000.0


def _aliases(side: Side) -> list[str]:
    return list(AddressBook(side.store).entries())


def _looks(side: Side) -> None:
    side.devices.catch_up(look=True)


def test_a_patient_who_is_added_on_one_device_comes_to_the_other_and_goes_from_both(home: Household) -> None:
    second = home.add()
    AddressBook(home.first.store).add("jaime", "Jaime Armendáriz")
    AddressBook(second.store).add("robin", "Robin")
    assert home.first.devices.keep_book(lambda: NOW) == ()
    assert second.devices.keep_book(lambda: NOW) == ()  # takes what waits for it before it answers
    _looks(home.first)
    assert _aliases(home.first) == _aliases(second) == ["jaime", "robin"]
    AddressBook(second.store).remove("jaime")
    second.devices.keep_book(lambda: NOW)
    _looks(home.first)
    assert _aliases(home.first) == _aliases(second) == ["robin"]


def test_once_both_know_the_same_nothing_is_handed_over_any_more(home: Household) -> None:
    second = home.add()
    AddressBook(home.first.store).add("jaime", "Jaime Armendáriz")
    home.first.devices.keep_book(lambda: NOW)
    for _ in range(2):
        _looks(second)
        _looks(home.first)
    home.directory.asked.clear()
    for side in (home.first, second):
        assert side.devices.keep_book(lambda: NOW) == ()
    assert home.directory.asked == []
    assert home.directory.transfers == {}


def test_with_one_device_alone_nothing_is_asked(home: Household) -> None:
    AddressBook(home.first.store).add("jaime", "Jaime Armendáriz")
    assert home.first.devices.keep_book(lambda: NOW) == ()
    assert home.directory.asked == []


def test_a_book_that_was_not_handed_over_is_tried_again_later_and_at_the_next_change(home: Household) -> None:
    second = home.add()
    _looks(home.first)
    _looks(second)
    AddressBook(home.first.store).add("jaime", "Jaime Armendáriz")
    home.directory.before = once("PUT /devices/ID/transfer")
    assert home.first.devices.keep_book(lambda: NOW) == (second.id,)
    home.directory.asked.clear()
    assert home.first.devices.keep_book(lambda: NOW + RETRY_SECONDS - 1) == ()
    assert home.directory.asked == []
    assert home.first.devices.keep_book(lambda: NOW + RETRY_SECONDS) == ()
    _looks(second)
    assert _aliases(second) == ["jaime"]
    home.directory.before = once("PUT /devices/ID/transfer")
    AddressBook(home.first.store).add("robin", "Robin")
    assert home.first.devices.keep_book(lambda: NOW + RETRY_SECONDS) == (second.id,)
    AddressBook(home.first.store).add("kim", "Kim")
    assert home.first.devices.keep_book(lambda: NOW + RETRY_SECONDS) == ()


def test_a_book_that_was_replaced_before_it_was_read_comes_all_the_same(home: Household) -> None:
    """Each device has one place: a key that another one changed took the place of the book at the third."""
    second, third = home.add(), home.add()
    for side in (home.first, second, third):
        _looks(side)
    AddressBook(home.first.store).add("jaime", "Jaime Armendáriz")
    home.first.devices.keep_book(lambda: NOW)
    home.directory.transfers.pop(second.id)  # as if the third one had given it something else
    second.devices.rotate()
    for _ in range(3):
        for side in (third, home.first, second):
            _looks(side)
    assert _aliases(home.first) == _aliases(second) == _aliases(third) == ["jaime"]
    assert all(_opens_newest(home, side) for side in (home.first, second, third))
    assert home.directory.transfers == {}


def test_a_revoked_device_changes_no_address_book(home: Household) -> None:
    """What a thief left before they were noticed, and the owner's device reads after."""
    second = home.add()
    AddressBook(home.first.store).add("jaime", "Jaime Armendáriz")
    home.first.devices.keep_book(lambda: NOW)
    _looks(second)
    AddressBook(second.store).remove("jaime")
    AddressBook(second.store).add("mallory", "Mallory")
    second.devices.hand_over()
    assert home.first.id in home.directory.transfers
    home.first.devices.revoke(second.id)
    _looks(home.first)
    assert home.first.id not in home.directory.transfers, "it was read"
    assert _aliases(home.first) == ["jaime"]


def test_a_book_that_cannot_be_read_changes_neither_book_nor_keys(home: Household) -> None:
    second = home.add()
    _looks(home.first)
    AddressBook(home.first.store).add("jaime", "Jaime Armendáriz")
    second.store.write("address-book", {"robin": {"name": "Robin", "token": "none"}})
    second.devices.rotate()
    before = home.first.saved
    with pytest.raises(errors.TransferError, match="address book"):
        _looks(home.first)
    assert home.first.saved == before
    assert _aliases(home.first) == ["jaime"]


def test_a_book_that_does_not_fit_is_left_out_and_the_keys_arrive(home: Household) -> None:
    second = home.add()
    _looks(second)
    large = {"jaime": {"name": "x" * MAX_PORTABLE_BYTES, "token": "pt_" + "a" * 26}}
    home.first.store.write("address-book", large)
    assert not home.first.devices.book_left_out
    home.first.devices.rotate()
    assert home.first.devices.book_left_out
    _looks(second)
    assert _opens_newest(home, second)
    assert _aliases(second) == []


def test_the_same_alias_on_two_devices_is_nobodys_and_both_say_so(home: Household) -> None:
    second = home.add()
    AddressBook(home.first.store, lambda: 1.0).add("jaime", "Jaime Armendáriz")
    AddressBook(second.store, lambda: 2.0).add("jaime", "Jaime B.")
    home.first.devices.keep_book(lambda: NOW)
    second.devices.keep_book(lambda: NOW)
    _looks(home.first)
    both = AddressBook(home.first.store).document()
    ends = {entry["name"]: f"jaime-{entry['token'][3:7]}" for entry in both.values()}
    assert home.first.devices.moved == [("jaime", ends["Jaime Armendáriz"])]
    assert second.devices.moved == [("jaime", ends["Jaime B."])]
    assert AddressBook(home.first.store).document() == AddressBook(second.store).document()


def test_whose_book_lacks_somebody_is_told_by_who_reads_it(home: Household) -> None:
    """What was left for the second device was lost; its next hand-over says so without a word."""
    second = home.add()
    _looks(home.first)
    AddressBook(home.first.store).add("jaime", "Jaime Armendáriz")
    home.first.devices.keep_book(lambda: NOW)
    del home.directory.transfers[second.id]
    second.devices.hand_over()
    _looks(home.first)
    _looks(second)
    assert _aliases(second) == ["jaime"]


def test_a_device_that_learned_of_a_patient_tells_a_third_one(home: Household) -> None:
    second, third = home.add(), home.add()
    for side in (home.first, second, third):
        _looks(side)
    AddressBook(home.first.store).add("jaime", "Jaime Armendáriz")
    home.first.devices.keep_book(lambda: NOW)
    del home.directory.transfers[third.id]
    _looks(second)
    _looks(third)
    assert _aliases(third) == ["jaime"]
