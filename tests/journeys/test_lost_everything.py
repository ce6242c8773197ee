"""Somebody has lost every device, and the sheet: two administrators vouch, and everybody sees it.

A letter comes back by its sender's hand alone.
"""

from __future__ import annotations

import io
import json
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from concord import errors
from concord.client import Client
from concord.profile import Profile
from concord.recovery_cases.person import CaseProgress
from concord_formats.attestations import Proof
from concord_formats.key_log import BindingKind

from tests.deployment import wait_for
from tests.journeys.test_recovery import Terminal, terminal  # noqa: F401 - used below by its name
from tests.journeys.world import EmbeddedWorld, World
from tests.people import (
    CHECKED,
    PASSPHRASE,
    WORK_FACTOR,
    People,
    Practice,
    active_consent,
    delivered,
    note,
    until_known,
)


@dataclass
class Loss:
    """A psychologist at a new device, the two administrators of the practice, and a physician of another one."""

    world: World
    lost: Client
    practice: Practice
    second: Client
    physician: Client
    profile: Profile

    @property
    def office(self) -> Client:
        """The first administrator."""
        return self.practice.office

    def step(self, code: str | None = None) -> CaseProgress:
        """The person runs `concord recover-case`."""
        way = self.world.transport()
        return Client.recover_case(self.profile, code, PASSPHRASE, transport=way, work_factor=WORK_FACTOR)

    def announced(self) -> CaseProgress:
        """Up to the delay."""
        opened = self.office.recovery_cases.open(self.lost.practitioner)
        waiting = self.step(opened.code)
        for each in (self.office, self.second):
            each.recovery_cases.attest(opened.case, waiting.fingerprint, Proof.IN_PERSON, self.lost.practitioner)
        return waiting

    def back(self) -> Client:
        """The whole way."""
        self.announced()
        wait_for(lambda: self.step().state == "completed", 60, "the delay to be over")
        return self.world.unlocked(self.profile)


@pytest.fixture
def loss(world: World, tmp_path: Path) -> Loss:
    return _loss(world, tmp_path)


def _loss(world: World, tmp_path: Path) -> Loss:
    there, practice = world.people.practices
    lost, physician = (world.another(each, "Dr. Someone") for each in (practice, there))
    options = ("--organization", str(practice.organization), "--name", "Second Office", *CHECKED, "--json")
    code = json.loads(world.operator("invite-administrator", *options))["code"]
    second = Client.enrol(
        Profile(tmp_path / "second"), code, PASSPHRASE, transport=world.transport(), work_factor=WORK_FACTOR
    )
    return Loss(world, lost, practice, second, physician, Profile(tmp_path / "new"))


def pair(loss: Loss) -> People:
    """Physician and psychologist, for a consent between them."""
    return People(loss.physician, loss.lost, (loss.practice, loss.practice))


def test_all_is_lost_and_comes_back_by_two_administrators_and_each_sender(loss: Loss) -> None:
    consent = active_consent(pair(loss)).id
    sent = delivered(loss.physician, note(consent, b"Before the loss."))

    new = loss.back()

    assert new.whoami().status == "active"
    assert [alarm for alarm in new.key_log.alarms() if alarm.open] == []
    with pytest.raises(errors.ServiceError) as gone:
        loss.world.again(loss.lost, loss.world.transport()).whoami()
    assert gone.value.type in {"invalid-client", "invalid_client"}
    kinds = [each.kind for each in loss.physician.key_log.mirror.bindings(new.practitioner, _size(loss.physician))]
    assert kinds[-2:] == [BindingKind.RECOVERY_ANNOUNCED, BindingKind.RECOVERED]

    with pytest.raises(errors.NotARecipientError):
        new.letters.open(sent.letter, io.BytesIO())
    with pytest.raises(errors.RecoveredKeysError) as caught:
        loss.physician.letters_again.send(sent.letter)
    assert set(caught.value.attested_by) == {loss.office.practitioner, loss.second.practitioner}
    loss.physician.colleagues.trust(new.practitioner, new.keyring.identity_key().public().fingerprint())
    until_known(lambda service, table: loss.world._tables(service)[table])
    again = loss.physician.letters_again.send(sent.letter)
    wait_for(lambda: _has(new, again.letter), 60, "the letter to be released again")
    body = io.BytesIO()
    new.letters.open(again.letter, body)
    assert body.getvalue() == b"Before the loss."

    loss.physician.consents.revoke(consent)
    with pytest.raises(errors.ServiceError) as stopped:
        loss.physician.letters_again.send(sent.letter)
    assert stopped.value.type == "consent-revoked"


def _size(person: Client) -> int:
    return person.key_log.refresh(within=0).checkpoint.size


def _has(person: Client, letter: object) -> bool:
    return any(entry.letter == letter for entry in person.letters.inbox()[0])


def test_the_owner_who_has_a_device_is_told_and_stops_it(loss: Loss) -> None:
    loss.announced()
    loss.lost.key_log.refresh(within=0)
    assert any(alarm.kind == "recovery-announced" for alarm in loss.lost.key_log.alarms())
    [case] = [each for each in loss.lost.recovery_cases.list() if each.state == "announced"]
    assert loss.lost.recovery_cases.refuse(case.case).ending == "objected"
    with pytest.raises(errors.CaseRefusedError):
        loss.step()
    assert loss.lost.whoami().status == "active"
    assert loss.physician.colleagues.entry(loss.lost.practitioner).n == 1


@pytest.fixture
def lost_here(embedded: EmbeddedWorld, tmp_path: Path) -> Loss:
    """The same, where commands are typed: in the embedded world."""
    return _loss(embedded, tmp_path)


def test_the_whole_of_it_as_it_is_typed(
    lost_here: Loss,
    terminal: Callable[[Path], Terminal],  # noqa: F811 - the fixture
    tmp_path: Path,
) -> None:
    loss, file = lost_here, tmp_path / "code.txt"
    office, second = (terminal(each.profile.home) for each in (loss.office, loss.second))
    account = str(loss.lost.practitioner)
    opened = office.json("admin", "recovery", "open", account, "-o", str(file))
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "code" not in opened
    case = opened["case"]

    new = terminal(loss.profile.home)
    assert "no terminal to ask on" in new.run("recover-case", status=1)[1]
    assert "is damaged" in new.run("recover-case", "--code", "-", typed="concord-recovery:AAAA", status=1)[1]
    waiting = new.json("recover-case", "--code", str(file))
    file.unlink()
    assert waiting["state"] == "entered"
    assert waiting["fingerprint"] in new.run("recover-case")[0]

    office = terminal(loss.office.profile.home)
    [row] = [each for each in office.json("admin", "recovery", "list") if each["id"] == case]
    assert (row["state"], row["attestations"]) == ("entered", 0)
    assert waiting["fingerprint"] not in office.run("admin", "recovery", "list")[0], "they hear it from the person"
    attest = ("admin", "recovery", "attest", case, "--how", "video", "--account", account, "--fingerprint")
    unsaid = ("admin", "recovery", "attest", case, "--how", "video", "--fingerprint", waiting["fingerprint"])
    assert "--account" in office.run(*unsaid, status=1)[1], "the number of a case says not whose it is"
    assert "refuse the case" in office.run(*attest, "0" * 60, status=1)[1]
    assert office.json(*attest, waiting["fingerprint"])["state"] == "attested"
    second = terminal(loss.second.profile.home)
    assert "key log" in second.run(*attest, waiting["fingerprint"])[0]

    new = terminal(loss.profile.home)
    wait_for(lambda: new.json("recover-case")["state"] == "completed", 60, "the delay to be over")
    assert "already" in new.run("recover-case", status=1)[1]
    assert new.json("whoami")["fingerprint"] == waiting["fingerprint"]
    office = terminal(loss.office.profile.home)
    assert office.run("admin", "recovery", "refuse", case, status=1)[1].startswith("error: ")
    physician = terminal(loss.physician.profile.home)
    physician.run("directory", "show", account)
    assert "hint: " in physician.run("send-again", case, status=1)[1]


def test_a_recovery_is_refused_as_it_is_typed(
    lost_here: Loss,
    terminal: Callable[[Path], Terminal],  # noqa: F811 - the fixture
) -> None:
    loss = lost_here
    loss.announced()
    owner = terminal(loss.lost.profile.home)
    [row] = owner.json("admin", "recovery", "list")
    assert row["state"] == "announced"
    assert owner.json("admin", "recovery", "refuse", row["id"])["state"] == "refused"
    assert owner.json("admin", "recovery", "list")[0]["state"] == "objected"
    assert "refused" in terminal(loss.profile.home).run("recover-case", status=1)[1]
