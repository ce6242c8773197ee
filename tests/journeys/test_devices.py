"""Several devices of one clinician: added, stopped, and one key that follows all of them."""

from __future__ import annotations

import io
import json
import stat
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from concord import errors
from concord.age import HybridIdentity
from concord.api import Consent, Party
from concord.cli.app import app
from concord.client import Client
from concord.devices.pairing import PairingCode
from concord.profile import Profile
from concord.recovery import Kit
from concord.transport import Transport
from concord_formats.key_entries import read_entries
from concord_formats.vocabulary import PartyKind

from tests.deployment import wait_for
from tests.journeys.world import World, refusal
from tests.people import PASSPHRASE, WORK_FACTOR, active_consent, delivered, note


@dataclass
class Desk:
    """Where devices are put: a world, and a folder for their homes."""

    world: World
    folder: Path
    opened: list[Client]

    def home(self) -> Profile:
        """A home folder that nobody has used."""
        return Profile(self.folder / str(uuid4()))

    def unlock(self, client: Client) -> Client:
        """The same device, started again."""
        found = Client.unlock(Profile(client.profile.home), PASSPHRASE, transport=self.world.transport())
        self.opened.append(found)
        return found

    def add(self, client: Client, *, profile: Profile | None = None) -> Client:
        """Add a device, both sides at once as two people at two screens."""
        code = client.adding.open().code
        with ThreadPoolExecutor(1) as other:
            joining = other.submit(self.join, code, profile or self.home())
            client.adding.answer(code, client.adding.wait_for(code))
            return joining.result(60)

    def join(self, code: PairingCode, profile: Profile, wait: Callable[[float], object] | None = None) -> Client:
        """The new device's side."""
        found = Client.join(
            profile,
            code.encode(),
            PASSPHRASE,
            transport=self.world.transport(),
            work_factor=WORK_FACTOR,
            wait=wait or (lambda _seconds: time.sleep(0.05)),
        )
        self.opened.append(found)
        return found


@pytest.fixture
def desk(world: World, tmp_path: Path) -> Iterator[Desk]:
    made = Desk(world, tmp_path, [])
    yield made
    for client in made.opened:
        client.close()


# What the services have no part in is tried in one world.
ONE_WORLD = pytest.mark.parametrize("world", ["embedded"], indirect=True)


@pytest.fixture
def laptop(desk: Desk) -> Client:
    """A clinician nobody else uses, on their first device."""
    first = desk.world.another(desk.world.people.practices[1], "Dr. Sam Okafor")
    return desk.unlock(first)


def _consent(desk: Desk, clinician: Client) -> Consent:
    """Letters from the physician to this clinician."""
    recipient = Party(kind=PartyKind.PRACTITIONER, id=clinician.practitioner)
    return active_consent(desk.world.people, recipient=recipient)


def _read(client: Client, letter: UUID) -> bytes:
    target = io.BytesIO()
    client.letters.open(letter, target)
    return target.getvalue()


def _status(client: Client) -> dict[UUID, str]:
    return {device.id: device.status for device in client.devices.list()}


@ONE_WORLD
def test_a_second_device_has_the_account_and_what_it_knows(desk: Desk, laptop: Client) -> None:
    token = laptop.address_book.add("jaime", "Jaime Armendáriz").token
    phone = desk.add(laptop)
    assert phone.practitioner == laptop.practitioner
    assert phone.address_book.token("jaime") == token
    assert phone.whoami().name == laptop.whoami().name
    assert _status(phone) == {laptop.settings.device: "in force", phone.settings.device: "in force"}
    assert [device.this for device in phone.devices.list()] == [False, True]
    assert all(device.last_signed_in_at for device in phone.devices.list())
    assert list(phone.profile.home.glob("joining*")) == []
    again = desk.unlock(phone)
    assert again.keyring.encryption_seeds == laptop.keyring.encryption_seeds


def test_a_key_changed_on_one_device_opens_letters_on_the_other(desk: Desk, laptop: Client) -> None:
    """The letter sealed to the old key stays readable, and so does the one sealed to the new key."""
    people = desk.world.people
    phone = desk.add(laptop)
    consent = _consent(desk, laptop)
    before = delivered(people.physician, note(consent.id, b"Sealed to the old key."))
    rotated = laptop.devices.rotate()
    assert (rotated.version, rotated.by_this_device, rotated.missed) == (2, True, ())
    after = delivered(people.physician, note(consent.id, b"Sealed to the new key."))
    for device in (laptop, phone):  # the phone was running all the time
        assert _read(device, before.letter) == b"Sealed to the old key."
        assert _read(device, after.letter) == b"Sealed to the new key."
    assert desk.unlock(phone).keyring.encryption_seeds == laptop.keyring.encryption_seeds


def test_a_stolen_device_signs_in_no_more_and_gets_no_letter(desk: Desk, laptop: Client) -> None:
    """Nor does it open what is sealed after the key was changed, should somebody hand it the bytes."""
    people = desk.world.people
    stolen = desk.add(laptop)
    consent = _consent(desk, laptop)
    early = delivered(people.physician, note(consent.id, b"Before the theft."))
    revoked = laptop.devices.revoke(stolen.settings.device)
    assert revoked.effective_at is not None
    assert refusal(lambda: stolen.letters.open(early.letter, io.BytesIO())).type == "device-revoked"
    assert refusal(lambda: desk.unlock(stolen).whoami()).type in {"device-revoked", "invalid-client", "invalid_client"}
    assert _status(laptop)[stolen.settings.device] == "revoked"
    laptop.devices.rotate()
    late = delivered(people.physician, note(consent.id, b"After the theft."))
    assert _read(laptop, late.letter) == b"After the theft."
    box = laptop.profile.letters / f"{late.letter}.letter"
    (stolen.profile.letters / box.name).write_bytes(box.read_bytes())
    stolen.own_keys.renew = lambda: False  # it is not let in to ask
    with pytest.raises(errors.NotARecipientError):
        _read(stolen, late.letter)
    assert laptop.devices.revoke(stolen.settings.device).effective_at is not None  # again: waits again


@ONE_WORLD
def test_two_devices_that_change_the_key_at_once_have_the_same_one_in_the_end(desk: Desk, laptop: Client) -> None:
    """Who came second is told so, or that the key of the first has not arrived yet, and then it has."""
    phone = desk.add(laptop)
    with ThreadPoolExecutor(2) as both:
        tried = [both.submit(device.devices.rotate) for device in (laptop, phone)]
        failed = [found for each in tried if (found := each.exception(60))]
    assert all(isinstance(each, errors.TransferMissingError) for each in failed), failed
    for device in (laptop, phone):
        device.devices.catch_up()
    newest = read_entries(laptop.colleagues.history(laptop.practitioner, fresh=True))[-1]
    assert newest.encryption_version in {2, 3}
    for device in (laptop, phone):
        assert str(HybridIdentity.from_seed(device.keyring.encryption_seeds[-1]).recipient()) == newest.encryption


def test_a_code_lets_one_device_in(desk: Desk, laptop: Client) -> None:
    code = laptop.adding.open().code
    with ThreadPoolExecutor(1) as other:
        joining = other.submit(desk.join, code, desk.home())
        request = laptop.adding.wait_for(code)
        with pytest.raises(errors.PairingTakenError):
            desk.join(code, desk.home())
        laptop.adding.answer(code, request)
        assert joining.result(60).settings.device == request.device.id


@ONE_WORLD
def test_a_joining_whose_pairing_is_over_goes_on_with_the_next_one(desk: Desk, laptop: Client) -> None:
    """The entry was published, and the answer never came: the device is in already, and is answered."""
    profile = desk.home()
    code = laptop.adding.open().code
    with pytest.raises(_StoppedError):
        desk.join(code, profile, wait=_stop)
    request = laptop.adding.wait_for(code)
    laptop.devices.history.append(laptop.devices.history.signed()[-1], add_device=request.device)
    laptop.adding.decline(code)
    with pytest.raises(errors.PairingOverError):
        desk.join(code, profile)
    phone = desk.add(laptop, profile=profile)
    assert phone.settings.device == request.device.id
    assert set(_status(phone)) == {laptop.settings.device, phone.settings.device}


class _StoppedError(Exception):
    """Somebody closed the lid."""


def _stop(_seconds: float) -> None:
    raise _StoppedError


@ONE_WORLD
def test_the_commands_do_what_they_say(
    desk: Desk, laptop: Client, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`device add` and `join` at two screens, then `list`, `rotate-key`, `sync` and `revoke`."""
    home, other, code = laptop.profile.home, desk.home().home, desk.folder / "code"
    _near(desk, monkeypatch)

    def run(at: Path, *words: str) -> Any:
        capsys.readouterr()
        app(["device", *words, "--home", str(at), "--json"], standalone_mode=False)
        return json.loads(capsys.readouterr().out)

    with ThreadPoolExecutor(1) as first_screen:
        adding = first_screen.submit(
            app, ["device", "add", "--yes", "-o", str(code), "--home", str(home)], standalone_mode=False
        )
        wait_for(lambda: adding.done() or (code.exists() and code.read_text().endswith("\n")), 30, "the code")
        assert stat.S_IMODE(code.stat().st_mode) == 0o600
        app(["device", "join", "--code", str(code), "--home", str(other)], standalone_mode=False)
        adding.result(60)
    said = capsys.readouterr()
    assert PairingCode.read(code.read_text()).secret not in said.out + said.err
    listed = run(other, "list")
    assert [each["this"] for each in listed] == [False, True]
    joined = listed[1]["id"]
    assert f"This is device {joined}" in said.err  # for the comparison: the same id on both screens
    assert f"Device {joined} asks to be yours" in said.err
    assert run(home, "rotate-key") == {"encryption_version": 2, "by_this_device": True, "missed": []}
    assert run(other, "sync") == {"missed": []}
    gone = run(home, "revoke", joined)
    assert gone["effective_at"]
    assert gone["encryption_version"] == 3
    assert [each["status"] for each in run(home, "list")] == ["in force", "revoked"]
    with pytest.raises(errors.ServiceError):
        run(other, "list")


def _near(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The commands reach the services of this world, and a passphrase costs what it does in tests."""
    original = Transport.__init__

    def here(self: Transport, *arguments: Any, **named: Any) -> None:
        original(self, *arguments, **({"transport": desk.world.transport()} | _given(named)))

    monkeypatch.setattr(Transport, "__init__", here)
    monkeypatch.setitem(Client.join.__func__.__kwdefaults__, "work_factor", WORK_FACTOR)  # type: ignore[attr-defined]
    (desk.folder / "passphrase").write_text(PASSPHRASE + "\n")
    monkeypatch.setenv("CONCORD_PASSPHRASE_FILE", str(desk.folder / "passphrase"))


def _given(named: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in named.items() if value is not None}


@ONE_WORLD
def test_the_address_book_follows_its_owner_and_comes_back_from_the_sheet(
    desk: Desk, laptop: Client, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A patient added on each device, one removed on the other; then both devices are lost."""
    made = laptop.renew_recovery_code()
    phone = desk.add(laptop)
    _near(desk, monkeypatch)

    def run(client: Client, *words: str, typed: str = "") -> str:
        capsys.readouterr()
        monkeypatch.setattr("sys.stdin", io.StringIO(typed + "\n"))
        app([*words, "--home", str(client.profile.home)], standalone_mode=False)
        said = capsys.readouterr()
        assert "Jaime" not in said.err
        return said.out + said.err

    run(laptop, "patient", "add", "blue-heron", typed="Jaime Armendáriz")
    run(laptop, "patient", "add", "red-kite", typed="Kim Osei")
    run(phone, "patient", "add", "grey-owl", typed="Robin Vale")
    run(phone, "device", "sync")
    assert set(phone.address_book.entries()) == {"blue-heron", "red-kite", "grey-owl"}
    run(laptop, "device", "sync")
    assert laptop.address_book.entries() == phone.address_book.entries()

    assert "on your other devices" in run(laptop, "patient", "remove", "red-kite")
    run(phone, "device", "sync")
    assert phone.address_book.find("red-kite") is None

    # Each stores a backup in turn, and the last one has what the other one knows.
    token = laptop.address_book.token("blue-heron")
    run(laptop, "patient", "add", "osprey", typed="Noor Haddad")
    run(phone, "patient", "add", "wren", typed="Sol Rivera")
    kit = Kit(laptop.settings.base_url, laptop.practitioner, made)
    back = Client.recover(desk.home(), kit, PASSPHRASE, transport=desk.world.transport(), work_factor=WORK_FACTOR)
    desk.opened.append(back)
    assert set(back.address_book.entries()) == {"blue-heron", "grey-owl", "osprey", "wren"}
    assert back.address_book.token("blue-heron") == token


@ONE_WORLD
def test_a_stolen_device_changes_no_address_book_once_it_is_revoked(desk: Desk, laptop: Client) -> None:
    """Neither by what it left before, unread, nor by anything after."""
    stolen = desk.add(laptop)
    laptop.devices.catch_up(look=True)
    laptop.address_book.add("blue-heron", "Jaime Armendáriz")
    assert laptop.devices.keep_book() == ()
    stolen.devices.catch_up(look=True)
    stolen.address_book.remove("blue-heron")
    stolen.address_book.add("mallory", "Mallory")
    assert stolen.devices.keep_book() == ()
    laptop.devices.revoke(stolen.settings.device)
    laptop.devices.catch_up(look=True)
    laptop.devices.rotate()
    assert list(laptop.address_book.entries()) == ["blue-heron"]
    stolen.address_book.remove("mallory")
    with pytest.raises(errors.ConcordError):
        stolen.devices.keep_book()
