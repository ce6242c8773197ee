"""A new device: interrupted anywhere, lied to by the directory, with a code that others have seen."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from concord import errors
from concord.address_book import AddressBook
from concord.devices.pairing import JoinRequest, PairingCode, new_secret, seal_answer
from concord.keyring import Keyring
from concord.portable import Portable
from concord.seeds import DeviceSeeds
from concord.signing import next_entry
from concord_formats.key_entries import MAX_DEVICES
from concord_formats.signatures import from_base64url, to_base64url

from tests.unit.client.household import Household, kinds, once
from tests.unit.client.people import Clinician


@pytest.fixture
def home(ana: Clinician, tmp_path: Path) -> Household:
    return Household.of(ana.keyring, tmp_path)


def test_a_device_joins_and_is_one_of_the_accounts(home: Household) -> None:
    AddressBook(home.first.store).add("jaime", "Jaime Armendáriz")
    told: list[UUID] = []
    code = home.first.adding.open().code
    second = home.join(code, answering=home.first, announce=told.append)
    assert list(kinds(home.directory)) == ["enrolled", "device-added"]
    assert told == [second.id]
    assert AddressBook(second.store).entries() == AddressBook(home.first.store).entries()
    both = {home.first.id, second.id}
    assert set(second.saved.transfer_recipients) == set(home.first.saved.transfer_recipients) == both
    assert not list(second.profile.home.glob("joining*"))
    assert second.profile.load().device == second.id


def test_the_directory_sees_neither_the_secret_nor_a_recipient_nor_a_key(home: Household) -> None:
    """All that it was ever sent is searched, base64url undone."""
    seen: list[bytes] = []
    handle = home.directory.handle_request

    def listening(request: httpx.Request) -> httpx.Response:
        raw = request.read()
        seen.append(raw + b"".join(from_base64url(t) for t in _texts(raw)))
        return handle(request)

    home.directory.handle_request = listening  # type: ignore[method-assign]  # a wire-tap
    code = home.first.adding.open().code
    second = home.join(code, answering=home.first)
    home.first.devices.rotate()
    secrets = {code.secret.encode(), from_base64url(code.secret), *second.own.keyring.encryption_seeds}
    secrets |= {text.encode() for text in second.own.keyring.transfer_recipients.values()}
    secrets |= {home.first.own.keyring.identity_seed, second.own.keyring.signing_seed}
    assert len(seen) > 10
    assert not [secret for secret in secrets if any(secret in each for each in seen)]


def _texts(raw: bytes) -> list[str]:
    try:
        members = json.loads(raw)
    except ValueError:
        return []
    return [text for name, text in members.items() if name in {"request", "answer", "transfer", "credential"}]


STEPS = ["PUT /pairings/ID/request", "POST /pairings/ID/answer", "POST /token", "GET /practitioners/ID/keys"]


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("step", STEPS)
def test_a_joining_that_is_cut_is_done_again(home: Household, step: str, when: str) -> None:
    code = home.first.adding.open().code
    profile = home.home()
    cut = once(step)

    def on_the_new_device(asked: str) -> None:
        if not answering:
            cut(asked)

    answering: list[bool] = []
    answer = home.first.adding.answer

    def answered(*arguments: Any) -> Any:
        answering.append(True)  # the line of the other device holds
        try:
            return answer(*arguments)
        finally:
            answering.clear()

    home.first.adding.answer = answered  # type: ignore[method-assign]  # watched
    setattr(home.directory, when, on_the_new_device)
    with pytest.raises(errors.UnreachableError):
        home.join(code, profile, answering=home.first)
    second = home.join(code, profile, answering=home.first)
    assert list(kinds(home.directory)) == ["enrolled", "device-added"]
    assert home.directory.entries[-1].device(second.id) is not None
    assert second.saved.encryption_seeds == home.first.saved.encryption_seeds


@pytest.mark.parametrize("step", ["save", "unpack", "settings"])
def test_a_joining_that_stops_on_its_own_disk_is_done_again_after_the_pairing_is_over(
    home: Household, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = {"save": (Keyring, "save"), "unpack": (Portable, "unpack"), "settings": (type(home.home()), "save")}[step]
    code = home.first.adding.open().code
    profile = home.home()
    original = getattr(*target)

    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    def wait_then_fill(*arguments: Any) -> Any:
        result = answer(*arguments)
        monkeypatch.setattr(*target, full)
        return result

    answer = home.first.adding.answer
    monkeypatch.setattr(home.first.adding, "answer", wait_then_fill)
    with pytest.raises(OSError, match="No space"):
        home.join(code, profile, answering=home.first)
    assert not profile.enrolled
    monkeypatch.setattr(*target, original)
    home.directory.pairings.clear()
    second = home.join(code, profile)
    assert list(kinds(home.directory)) == ["enrolled", "device-added"]
    assert home.directory.entries[-1].device(second.id) is not None


def test_the_entry_was_published_and_the_answer_never_came(home: Household) -> None:
    """The next pairing answers the device that stands in the history already, and signs nothing."""
    code = home.first.adding.open().code
    profile = home.home()
    home.directory.before = once("PUT /pairings/ID/answer")
    with pytest.raises(errors.UnreachableError):
        home.join(code, profile, answering=home.first)
    assert list(kinds(home.directory)) == ["enrolled", "device-added"]
    home.directory.pairings[code.pairing]["state"] = "expired"
    with pytest.raises(errors.PairingOverError):
        home.join(code, profile)
    second = home.add(profile=profile)
    assert list(kinds(home.directory)) == ["enrolled", "device-added"]
    assert home.directory.entries[-1].device(second.id) is not None


def test_a_request_that_the_directory_swapped_is_not_signed_for(home: Household) -> None:
    code = home.first.adding.open().code
    other = replace(code, secret=new_secret())
    swapped = to_base64url(JoinRequest.of(DeviceSeeds.create()).seal(other))

    def swap(asked: str) -> None:
        if asked == "PUT /pairings/ID/request":
            home.directory.pairings[code.pairing]["request"] = swapped

    home.directory.after = swap
    with pytest.raises(errors.PairingForgedError) as caught:
        home.join(code, answering=home.first)
    assert "request" in caught.value.message
    assert list(kinds(home.directory)) == ["enrolled"]


@pytest.mark.parametrize(
    "swapped", ["aGVsbG8", to_base64url(bytes(500)), "no base64url"], ids=["short", "long", "none"]
)
def test_an_answer_that_the_directory_swapped_leaves_nothing(home: Household, swapped: str) -> None:
    code = home.first.adding.open().code
    profile = home.home()

    def swap(asked: str) -> None:
        if asked == "PUT /pairings/ID/answer":
            home.directory.pairings[code.pairing]["answer"] = swapped

    home.directory.after = swap
    with pytest.raises(errors.PairingForgedError):
        home.join(code, profile, answering=home.first)
    assert not profile.enrolled
    assert not profile.keyring.exists()
    assert not list(profile.home.glob("*.answer"))


def _another_history(home: Household) -> None:
    """The directory shows the account with an identity of its own making, and the new device in it."""
    forged = Clinician(Keyring.create(home.first.own.keyring.account))  # its device is the new one: see below
    forged.rotate()  # as long as the right one
    home.directory.history = forged.history


def _rolled_back(home: Household) -> None:
    home.directory.history = home.directory.history[:1]


@pytest.mark.parametrize(("lie", "said"), [(_another_history, "another identity"), (_rolled_back, "older")])
def test_a_history_that_is_not_that_of_the_answer_is_refused(
    home: Household, lie: Callable[[Household], None], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    seeds = DeviceSeeds.create()
    monkeypatch.setattr(DeviceSeeds, "create", lambda: seeds)
    code = home.first.adding.open().code
    profile = home.home()

    def before(asked: str) -> None:
        if asked == "GET /practitioners/ID/keys" and home.directory.pairings[code.pairing]["answer"] and not done:
            done.append(True)
            lie(home)

    done: list[bool] = []
    answer = home.first.adding.answer

    def then_lie(*arguments: Any) -> Any:
        result = answer(*arguments)
        home.directory.before = before
        return result

    monkeypatch.setattr(home.first.adding, "answer", then_lie)
    with pytest.raises(errors.PairingForgedError) as caught:
        home.join(code, profile, answering=home.first)
    assert said in caught.value.message
    assert not profile.enrolled
    assert not profile.keyring.exists()


def test_an_answer_with_another_identity_is_refused_even_from_who_has_the_code(home: Household, eve: Clinician) -> None:
    """A second person at the first device's screen: the code alone makes nobody the account."""
    code = home.first.adding.open().code
    profile = home.home()

    def wait(_seconds: float) -> None:
        request = home.first.adding.wait_for(code)
        home.first.adding.answer(code, request)
        other = replace(Portable.of(eve.keyring, None, 1), account=code.account)
        answer = code.keys.seal("answer", code.pairing, _sealed_to(request, other))
        home.directory.pairings[code.pairing]["answer"] = to_base64url(answer)

    with pytest.raises(errors.ConcordError) as caught:
        _join_waiting(home, code, profile, wait)
    assert isinstance(caught.value, errors.PairingForgedError | errors.PortableError)
    assert not profile.keyring.exists()


def _sealed_to(request: JoinRequest, portable: Portable) -> bytes:
    from concord.age import encrypt_bytes, parse_recipient  # noqa: PLC0415 - for this test alone

    return encrypt_bytes(portable.encode(), [parse_recipient(request.transfer)])


def _join_waiting(home: Household, code: PairingCode, profile: Any, wait: Callable[[float], None]) -> None:
    from concord.devices.joining import join  # noqa: PLC0415 - for this test alone
    from concord.own_keys import KeyringFile  # noqa: PLC0415 - for this test alone

    join(
        profile,
        code,
        KeyringFile(profile.keyring, "words", 2),
        check=lambda *_: None,
        transport=home.directory,
        wait=wait,
    )


def test_a_code_that_two_devices_use_lets_one_in_and_tells_the_other(home: Household) -> None:
    code = home.first.adding.open().code
    second = home.join(code, answering=home.first)
    with pytest.raises(errors.PairingTakenError) as caught:
        home.join(code)
    assert "seen the code" in caught.value.hint
    assert [device.id for device in home.directory.entries[-1].devices] == [home.first.id, second.id]


def test_who_was_first_with_the_code_is_seen_before_anything_is_signed(home: Household) -> None:
    """The owner sees an id that is not on the screen of the new device, and says no."""
    code = home.first.adding.open().code
    thief = DeviceSeeds.create()
    home.directory.pairings[code.pairing].update(
        request=to_base64url(JoinRequest.of(thief).seal(code)), state="requested"
    )
    request = home.first.adding.wait_for(code)
    assert request.device.id == thief.device
    home.first.adding.decline(code)
    assert list(kinds(home.directory)) == ["enrolled"]
    with pytest.raises(errors.PairingOverError):
        home.join(code)


def test_a_code_whose_time_is_over_is_told_on_both_sides(home: Household) -> None:
    code = home.first.adding.open().code
    home.directory.pairings[code.pairing]["state"] = "expired"
    with pytest.raises(errors.PairingOverError):
        home.join(code)
    with pytest.raises(errors.PairingOverError):
        home.first.adding.wait_for(code)


def test_an_answer_that_comes_too_late_is_told(home: Household) -> None:
    code = home.first.adding.open().code
    with pytest.raises(AssertionError, match="nobody answers"):
        home.join(code)
    request = home.first.adding.wait_for(code)
    home.directory.pairings[code.pairing]["state"] = "expired"
    with pytest.raises(errors.PairingOverError):
        home.first.adding.answer(code, request)


def test_a_device_that_was_revoked_does_not_come_back_and_begins_anew(home: Household) -> None:
    profile = home.home()
    code = home.first.adding.open().code
    home.directory.before = once("PUT /pairings/ID/answer")
    with pytest.raises(errors.UnreachableError):
        home.join(code, profile, answering=home.first)
    begun = home.directory.entries[-1].devices[-1].id
    home.first.devices.revoke(begun)
    with pytest.raises(errors.PairingError) as caught:
        home.add(profile=profile)
    assert "--new-keys" in caught.value.hint
    second = home.join(home.first.adding.open().code, profile, answering=home.first, new_keys=True)
    assert second.id != begun


def _fill(home: Household) -> None:
    """As many devices as an account may have."""
    identity, history = home.first.own.keyring.identity_key(), home.directory.history
    for _ in range(MAX_DEVICES - 1):
        history.append(next_entry(identity, history[-1], add_device=DeviceSeeds.create().public()))


def test_there_is_no_room_for_one_device_more(home: Household) -> None:
    _fill(home)
    with pytest.raises(errors.TooManyDevicesError) as caught:
        home.first.adding.open()
    assert "revoke" in caught.value.hint
    assert "POST /pairings" not in home.directory.asked


def test_the_last_place_was_taken_while_the_new_device_asked(home: Household) -> None:
    code = home.first.adding.open().code
    _fill(home)
    with pytest.raises(errors.TooManyDevicesError):
        home.join(code, answering=home.first)


def test_another_entry_that_came_first_is_followed(home: Household) -> None:
    code = home.first.adding.open().code

    def other(asked: str) -> None:
        if asked == "POST /practitioners/ID/keys":
            home.directory.before = lambda asked: None
            home.first.devices.history.append(home.directory.history[-1], add_device=DeviceSeeds.create().public())

    home.directory.before = other
    second = home.join(code, answering=home.first)
    assert list(kinds(home.directory)) == ["enrolled", "device-added", "device-added"]
    assert home.directory.entries[-1].device(second.id)


def test_a_folder_in_use_is_left_alone(home: Household, noor: Clinician) -> None:
    code = home.first.adding.open().code
    begun = home.home()
    noor.keyring.save(begun.keyring, "words", work_factor=2)
    second = home.add()
    for profile in (begun, second.profile):
        before = profile.keyring.read_bytes()
        with pytest.raises(errors.AlreadyEnrolledError):
            home.join(code, profile)
        assert profile.keyring.read_bytes() == before


def test_the_passphrase_of_the_first_try_goes_on(home: Household) -> None:
    code = home.first.adding.open().code
    profile = home.home()
    home.directory.after = once("PUT /pairings/ID/request")
    with pytest.raises(errors.UnreachableError):
        home.join(code, profile)
    with pytest.raises(errors.WrongPassphraseError):
        home.join(code, profile, passphrase="other words")
    with pytest.raises(errors.KeyringError):
        home.join(code, home.home(), passphrase="")
    (profile.home / "joining.age").write_bytes(b"age-encryption.org/v1\n")
    with pytest.raises(errors.KeyringError) as caught:
        home.join(code, profile)
    assert "joining.age" in caught.value.hint


def test_nothing_of_a_joining_lies_unsealed(home: Household) -> None:
    code = home.first.adding.open().code
    profile = home.home()
    with pytest.raises(AssertionError, match="nobody answers"):
        home.join(code, profile)
    assert [path.name for path in profile.home.iterdir()] == ["joining.age"]
    raw = (profile.home / "joining.age").read_bytes()
    assert raw.startswith(b"age-encryption.org/v1\n-> scrypt ")
    assert code.secret.encode() not in raw


def test_a_third_device_is_made_known_to_all(home: Household) -> None:
    second = home.add()
    third = home.add(second)
    home.first.devices.catch_up()
    everybody = {home.first.id, second.id, third.id}
    for side in (home.first, second, third):
        assert set(side.saved.transfer_recipients) == everybody


def test_a_portable_that_is_too_large_is_told_before_anything_is_signed(home: Household) -> None:
    home.first.store.write("address-book", {"jaime": {"name": "x" * 5 * 1024 * 1024, "token": "pt_"}})
    with pytest.raises(errors.PortableError):
        home.first.adding.open()
    assert "POST /pairings" not in home.directory.asked


def test_the_answer_goes_to_one_request(home: Household) -> None:
    """Two answers to one request: the second is told, whatever the directory made of the first."""
    code = home.first.adding.open().code
    with pytest.raises(AssertionError, match="nobody answers"):
        home.join(code)
    request = home.first.adding.wait_for(code)
    home.first.adding.answer(code, request)
    with pytest.raises(errors.PairingTakenError):
        home.first.adding.answer(code, request)
    assert seal_answer(Portable.of(home.first.own.keyring, None, 2), request, code)
