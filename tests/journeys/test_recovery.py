"""Every device is lost, and a sheet of paper is left: the account comes back, and guessing at it does not pay."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from concord import errors
from concord.api import Party
from concord.api.recovery import RecoveryApi
from concord.cli.app import main
from concord.client import Client
from concord.keyring import Keyring
from concord.profile import Profile
from concord.recovery import Kit, derive, new_code, read_kit
from concord.store import SealedStore
from concord.transport import Transport
from concord_formats.identity_checks import Checked
from concord_formats.recovery_codes import grouped
from concord_formats.vocabulary import PartyKind
from pypdf import PdfReader

from tests.journeys.world import EmbeddedWorld, World
from tests.people import PASSPHRASE, WORK_FACTOR, active_consent, delivered, note

Recovering = Callable[[Kit], Client]


def kit_of(person: Client) -> Kit:
    """What stands on a person's sheet, right after their enrolment."""
    assert person.recovery_code is not None
    return Kit(person.settings.base_url, person.practitioner, person.recovery_code)


@pytest.fixture
def owner(world: World) -> Client:
    """A clinician nobody else uses."""
    return world.another(world.people.practices[1], "Dr. Lee Sorensen")


@pytest.fixture
def recovering(world: World, tmp_path: Path) -> Iterator[Recovering]:
    """Recovers on a device of its own."""
    made: list[Client] = []

    def recover(kit: Kit) -> Client:
        profile = Profile(tmp_path / str(uuid4()))
        made.append(Client.recover(profile, kit, PASSPHRASE, transport=world.transport(), work_factor=WORK_FACTOR))
        return made[-1]

    yield recover
    for client in made:
        client.close()


def test_everything_comes_back_from_the_sheet(world: World, owner: Client, recovering: Recovering) -> None:
    """Letters that came before, patients' names, colleagues' pins; the lost device is stopped afterwards."""
    owner.address_book.add("grey-owl", "Jaime Armendáriz")
    owner.colleagues.keys(world.people.physician.practitioner)
    assert owner.backup.keep() is None
    recipient = Party(kind=PartyKind.PRACTITIONER, id=owner.practitioner)
    consent = active_consent(world.people, recipient=recipient, mutual=False)
    letter = delivered(world.people.physician, note(consent.id, b"Sealed before everything was lost.")).letter

    back = recovering(kit_of(owner))
    assert back.whoami() == owner.whoami()
    assert back.address_book.find("grey-owl") is not None
    assert not back.colleagues.keys(world.people.physician.practitioner).first_use
    assert back.watch.look() is None  # it knows itself who used the code
    assert not back.backup.behind

    assert back.devices.revoke(owner.settings.device).device == owner.settings.device
    back.devices.rotate()
    target = io.BytesIO()
    back.letters.open(letter, target)
    assert target.getvalue() == b"Sealed before everything was lost."
    with pytest.raises(errors.ServiceError):
        world.again(owner, world.transport()).whoami()
    assert back.backup.keep() is None
    again = recovering(kit_of(owner))
    assert again.keyring.encryption_seeds == back.keyring.encryption_seeds


def test_a_device_that_came_by_the_sheet_is_an_alarm_on_the_others(owner: Client, recovering: Recovering) -> None:
    """Whoever found the sheet is seen, whatever the directory tells of tries: the key log has the new device."""
    found = recovering(kit_of(owner))
    assert found.key_log.alarms() == []
    owner.colleagues.keys(owner.practitioner)
    assert [(alarm.kind, alarm.open) for alarm in owner.key_log.alarms()] == [("own-change", True)]


def test_a_new_code_makes_the_old_sheet_worthless(owner: Client, recovering: Recovering) -> None:
    old = kit_of(owner)
    made = owner.renew_recovery_code()
    assert not owner.backup.behind
    with pytest.raises(errors.RecoveryRefusedError):
        recovering(old)
    back = recovering(Kit(old.base_url, old.account, made))
    assert back.keyring.recovery_version == 2


def test_another_device_goes_on_under_the_new_code(owner: Client, recovering: Recovering) -> None:
    """And never brings the old one back."""
    old = kit_of(owner)
    second = recovering(old)
    owner.devices.catch_up()  # it hears of the second one
    made = owner.renew_recovery_code()
    second.address_book.add("grey-owl", "Jaime Armendáriz")
    assert second.backup.keep() is None
    with pytest.raises(errors.RecoveryRefusedError):
        recovering(old)
    third = recovering(Kit(old.base_url, old.account, made))
    assert third.address_book.find("grey-owl") is not None


def test_an_interrupted_enrolment_ends_with_a_code_that_opens_the_backup(
    world: World, tmp_path: Path, recovering: Recovering
) -> None:
    office = world.people.practices[1].office
    invitation = office.administration.invite("Dr. Ida Berg", Checked.KNOWN_IN_PERSON, taxonomy="103T00000X")
    profile = Profile(tmp_path / "interrupted")

    def cut(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("cut", request=request)

    with pytest.raises(errors.UnreachableError):
        Client.enrol(profile, invitation.code, PASSPHRASE, transport=httpx.MockTransport(cut), work_factor=WORK_FACTOR)
    with Client.enrol(
        profile, invitation.code, PASSPHRASE, transport=world.transport(), work_factor=WORK_FACTOR
    ) as person:
        recovering(kit_of(person))


# From here on in the embedded world alone: guesses are counted by address, and each test has an address of its own.
@dataclass
class Outside:
    """Somebody on the network, at an address of their own."""

    world: EmbeddedWorld
    address: str

    def transport(self) -> httpx.BaseTransport:
        """Their way to the services."""
        return httpx.WSGITransport(self.world.services.wsgi, remote_addr=self.address)  # type: ignore[arg-type]

    def guess(self, account: Kit) -> None:
        """Try a code that is not the right one."""
        transport = Transport(account.base_url, transport=self.transport())
        with pytest.raises(errors.ServiceError):
            RecoveryApi(transport).fetch(account.account, derive(new_code(), account.account).credential)

    def recover(self, folder: Path, kit: Kit) -> Client:
        """Try this one, as a person does."""
        return Client.recover(Profile(folder), kit, PASSPHRASE, transport=self.transport(), work_factor=WORK_FACTOR)


@pytest.fixture
def target(embedded: EmbeddedWorld) -> Client:
    """Whose account is guessed at."""
    return embedded.another(embedded.people.practices[1], "Dr. Kim Aalto")


def test_who_guesses_is_stopped_and_the_owner_is_told(embedded: EmbeddedWorld, target: Client, tmp_path: Path) -> None:
    thief, home = Outside(embedded, "198.51.100.7"), tmp_path / "thief"
    wrong = Kit(target.settings.base_url, target.practitioner, new_code())
    left = []
    for _ in range(10):
        with pytest.raises(errors.RecoveryRefusedError) as refused:
            thief.recover(home, wrong)
        left.append(refused.value.members["left"])
    assert left == list(range(9, -1, -1))
    with pytest.raises(errors.TooManyGuessesError) as stopped:
        thief.recover(home, kit_of(target))  # not even with the right one, from there
    assert 0 < stopped.value.members["retry_after"] <= 900
    assert not home.exists()

    tried = target.watch.look()
    assert tried is not None and tried.failed == 10 and tried.last_failed_at is not None
    with Outside(embedded, "203.0.113.20").recover(tmp_path / "owner", kit_of(target)) as back:
        assert back.practitioner == target.practitioner
    target.watch.acknowledge()
    stored = target.watch.stored()
    assert stored is not None and stored.failed == 0 and stored.used_at is not None


class Terminal:
    """Commands as they are typed, in this process: what they ask goes to the embedded services."""

    def __init__(self, home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self._capsys, self._monkeypatch = capsys, monkeypatch
        monkeypatch.setenv("CONCORD_HOME", str(home))

    def run(self, *words: str, typed: str = "", status: int = 0) -> tuple[str, str]:
        """Type a command; what it printed."""
        self._monkeypatch.setattr(sys, "argv", ["concord", *words])
        self._monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
        self._capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        printed = self._capsys.readouterr()
        assert (ended.value.code or 0) == status, printed.err
        return printed.out, printed.err

    def json(self, *words: str, typed: str = "") -> Any:
        """What a command tells a program."""
        return json.loads(self.run(*words, "--json", typed=typed)[0])


@pytest.fixture
def terminal(
    embedded: EmbeddedWorld, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[[Path], Terminal]:
    """A terminal of a home folder; the passphrase is in a file, and keyrings are made at a tests' cost."""
    way = embedded.transport()
    monkeypatch.setattr(httpx.HTTPTransport, "handle_request", lambda self, request: way.handle_request(request))
    passphrase = tmp_path / "passphrase"
    passphrase.write_text(PASSPHRASE + "\n")
    monkeypatch.setenv("CONCORD_PASSPHRASE_FILE", str(passphrase))
    save = Keyring.save
    monkeypatch.setattr(
        Keyring, "save", lambda self, path, words, work_factor=0: save(self, path, words, work_factor=WORK_FACTOR)
    )
    return lambda home: Terminal(home, capsys, monkeypatch)


def test_an_enrolment_prints_the_code_once_and_a_kit(
    embedded: EmbeddedWorld, terminal: Callable[[Path], Terminal], tmp_path: Path
) -> None:
    office = embedded.people.practices[0].office
    invitation = office.administration.invite("Dr. Uma Rao", Checked.KNOWN_IN_PERSON, taxonomy="207Q00000X")
    at = terminal(tmp_path / "home")
    kit = tmp_path / "kit.pdf"
    output, remarks = at.run("enroll", "--invitation", "-", "--kit", str(kit), "--json", typed=invitation.code)
    told = json.loads(output)
    printed = PdfReader(kit).pages[0].extract_text()
    assert told["recovery_code"] in printed and told["id"] in printed and embedded.base_url in printed
    assert "delete the file" in " ".join(remarks.split())
    assert "recovery_code" not in at.json("whoami")
    written = b"".join(path.read_bytes() for path in (tmp_path / "home").rglob("*") if path.is_file())
    assert told["recovery_code"].replace("-", "").encode() not in written
    status = at.json("recovery", "status")
    assert (status["code"], status["in_force"], status["behind"], status["stored"]["generation"]) == (
        True,
        True,
        False,
        1,
    )


def test_a_kit_that_could_not_be_written_is_told_before_a_code_is_made(
    target: Client, terminal: Callable[[Path], Terminal], tmp_path: Path
) -> None:
    at = terminal(target.profile.home)
    output, told = at.run("recovery", "kit", "--output", str(tmp_path / "nowhere" / "kit.pdf"), status=1)
    assert output == "" and told.startswith("error: ")
    assert Keyring.load(target.profile.keyring, PASSPHRASE).recovery_version == 1  # that of the enrolment


def test_the_code_at_the_terminal(
    embedded: EmbeddedWorld, target: Client, terminal: Callable[[Path], Terminal], tmp_path: Path
) -> None:
    """A patient is added: stored. A wrong try: told once, until it was read of. A new code; everything lost; back."""
    at = terminal(target.profile.home)
    at.run("patient", "add", "grey-owl", typed="Jaime Armendáriz\n")
    assert at.json("recovery", "status")["stored"]["generation"] == 2

    Outside(embedded, "198.51.100.99").guess(kit_of(target))
    _an_hour_passes(target)
    assert "wrong recovery code for your account once" in at.run("whoami")[1]
    assert "recovery code" not in at.run("whoami")[1]
    assert at.json("recovery", "status", "--acknowledge")["stored"]["failed"] == 1
    assert at.json("recovery", "status")["stored"]["failed"] == 0
    assert at.json("recovery", "backup") == {"generation": 3}

    sheet = tmp_path / "sheet.txt"
    output, _ = at.run("recovery", "kit", "-o", str(sheet))
    assert output == ""
    square = next(line.strip() for line in sheet.read_text().splitlines() if "concord-recovery-kit:v1:" in line)
    assert grouped(read_kit(square).code) in sheet.read_text()

    lost, back = target.settings.device, terminal(tmp_path / "new")
    told = back.json("recover", "--kit-file", "-", typed=square + "\n")
    assert (told["practitioner"], told["others"]) == (str(target.practitioner), [str(lost)])
    assert "grey-owl" in back.run("patient", "list")[0]
    assert "already" in back.run("recover", "--kit-file", "-", typed=square, status=1)[1]
    at = terminal(target.profile.home)
    _an_hour_passes(target)
    assert "Your recovery code was used on" in at.run("whoami")[1]


def _an_hour_passes(person: Client) -> None:
    """Since the directory was last asked."""
    with SealedStore(person.profile.sealed, person.keyring.store_identity()).changing("recovery") as known:
        known["asked"] -= 3600


@pytest.mark.parametrize("typed", ["", "concord-recovery-kit:v1:AAAA", "7K3M-9QX2", "\x00" * 40])
def test_what_is_no_kit_is_told_at_the_terminal(
    terminal: Callable[[Path], Terminal], tmp_path: Path, typed: str
) -> None:
    at = terminal(tmp_path / "nobody")
    output, told = at.run("recover", "--kit-file", "-", typed=typed, status=1)
    assert output == "" and told.startswith("error: ") and "hint: " in told
    assert not (tmp_path / "nobody").exists()


def test_without_a_terminal_and_a_kit_nothing_is_asked(terminal: Callable[[Path], Terminal], tmp_path: Path) -> None:
    assert "--kit-file" in terminal(tmp_path / "nobody").run("recover", status=1)[1]
