"""A directory that turned malicious, with the log's own key in its hands: each thing that it can do is caught, and
named.
"""

from __future__ import annotations

import dataclasses
import io
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest
from concord import errors
from concord.client import Client
from concord.keyring import Keyring
from concord.profile import Profile
from concord.signing import next_entry
from concord_formats.identity_checks import Checked
from concord_formats.key_entries import SignedEntry
from concord_formats.key_log import Binding, BindingKind
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.journeys.lying import LyingDirectory
from tests.journeys.world import EmbeddedWorld
from tests.people import PASSPHRASE, WORK_FACTOR, accepted, active_consent, delivered, note
from tests.unit.client.key_log.fake_log import stranger


@dataclass
class Scene:
    """Ana writes to Noor; `ana` asks a directory that lies to her, once it is told how. `honest` is she on a true one,
    on the same device.
    """

    consent: UUID
    honest: Client
    ana: Client
    noor: Client
    directory: LyingDirectory

    def sends(self) -> None:
        """Ana sends a note, and asks for the newest of the log first."""
        self.ana.key_log.forget()
        self.ana.letters.send(note(self.consent))

    def alarms(self, person: Client | None = None) -> list[str]:
        """Whatever somebody was alarmed of."""
        return [alarm.kind for alarm in (person or self.ana).key_log.alarms()]


@dataclass
class Pair:
    """Two people and a consent between them."""

    ana: Client
    noor: Client
    consent: UUID

    @classmethod
    def enrolled(cls, embedded: EmbeddedWorld) -> Pair:
        """Two whom nobody has met."""
        offices = embedded.people.practices
        ana, noor = (embedded.another(each, name) for each, name in zip(offices, ("Dr. Ana", "Dr. Noor"), strict=True))
        people = dataclasses.replace(embedded.people, physician=ana, psychologist=noor)
        return cls(ana, noor, accepted(noor, active_consent(people).id).id)

    def lied_to(self, embedded: EmbeddedWorld) -> Scene:
        """They, with a directory that lies to Ana."""
        directory = LyingDirectory(embedded, self.ana)
        return Scene(self.consent, self.ana, embedded.again(self.ana, directory), self.noor, directory)


@pytest.fixture(scope="module")
def pair(embedded: EmbeddedWorld) -> Pair:
    """Enrolled once; each test has their devices as they were then."""
    return Pair.enrolled(embedded)


@pytest.fixture
def scene(embedded: EmbeddedWorld, pair: Pair, tmp_path: Path) -> Scene:
    """Ana and Noor, on copies of their devices: what is found here stops them from sealing."""
    copies = (_copied(embedded, person, tmp_path / str(person.practitioner)) for person in (pair.ana, pair.noor))
    return Pair(*copies, pair.consent).lied_to(embedded)


@pytest.fixture
def changing(embedded: EmbeddedWorld) -> Scene:
    """As `scene`, with two people who change their keys for good."""
    return Pair.enrolled(embedded).lied_to(embedded)


def _copied(embedded: EmbeddedWorld, person: Client, home: Path) -> Client:
    shutil.copytree(person.profile.home, home)
    return embedded.unlocked(Profile(home))


def rotated(person: Client) -> SignedEntry:
    """The next entry of somebody, with another encryption key; not published."""
    recipient = str(person.keyring.with_new_encryption_key().encryption_identities()[0].recipient())
    last = person.directory.keys(person.practitioner)[-1]
    return next_entry(person.keyring.identity_key(), last, encryption_recipient=recipient)


def published(person: Client) -> SignedEntry:
    """As `rotated`, and published."""
    entry = rotated(person)
    person.colleagues.publish(entry)
    return entry


def binding(account: UUID, n: int, kind: BindingKind, digest: str) -> Binding:
    """Somebody's further binding, as this directory would like to have it."""
    return Binding(v=1, account=account, n=n, kind=kind, entry=digest, at=datetime.now(UTC))


class TestKeys:
    def test_swapped_before_anybody_has_met_their_owner(self, embedded: EmbeddedWorld, scene: Scene) -> None:
        """Not logged, or logged for one pair of eyes: then the log that is shown has two."""
        new = embedded.another(embedded.people.practices[0], "Dr. New")
        directory = LyingDirectory(embedded, new)
        swapped = Keyring.create(scene.noor.practitioner).first_entry
        directory.histories[scene.noor.practitioner] = [swapped]
        lied_to = embedded.again(new, directory)
        with pytest.raises(errors.SwappedKeyError):
            lied_to.colleagues.entry(scene.noor.practitioner)
        assert new.colleagues.entry(scene.noor.practitioner)  # and nothing false was pinned
        directory.lie().bind(stranger("Dr. Noor", account=scene.noor.practitioner, entry=swapped.digest))
        with pytest.raises(errors.SwappedKeyError):
            embedded.again(new, directory).colleagues.trust(scene.noor.practitioner, "0" * 60)

    def test_a_rotation_that_is_hidden(self, changing: Scene) -> None:
        before = changing.noor.directory.keys(changing.noor.practitioner)
        published(changing.noor)
        changing.directory.histories[changing.noor.practitioner] = before
        with pytest.raises(errors.HiddenRotationError):
            changing.sends()
        assert changing.alarms() == ["hidden-rotation"]
        assert changing.ana.letters.unsent() == []

    def test_a_rotation_and_its_binding_that_are_hidden_are_found_by_the_next_letter(self, changing: Scene) -> None:
        """Ana is kept in the past: her letter says of which log it is."""
        before, log = changing.noor.directory.keys(changing.noor.practitioner), changing.directory.lie()
        published(changing.noor)
        changing.directory.histories[changing.noor.practitioner] = before
        log.bind(stranger("So that it grows"))
        sent = delivered(changing.ana, note(changing.consent))
        opened = changing.noor.letters.open(sent.letter, io.BytesIO())
        assert "another log" in opened.doubts[0]
        assert changing.alarms(changing.noor) == ["forked-log"]

    def test_an_entry_that_is_in_no_log(self, scene: Scene) -> None:
        history = [*scene.noor.directory.keys(scene.noor.practitioner), rotated(scene.noor)]
        scene.directory.histories[scene.noor.practitioner] = history
        with pytest.raises(errors.UnloggedKeyError):
            scene.sends()
        assert scene.alarms() == ["unlogged-key"]

    def test_keys_under_another_persons_name(self, scene: Scene) -> None:
        scene.directory.people[scene.noor.practitioner] = {"name": "Dr. Somebody Else"}
        with pytest.raises(errors.NameMismatchError):
            scene.ana.colleagues.find("Noor")
        sent = delivered(scene.noor, note(scene.consent))
        target = io.BytesIO()
        with pytest.raises(errors.NameMismatchError):
            scene.ana.letters.open(sent.letter, target)
        assert target.getvalue() == b""


class TestTheLog:
    def test_two_logs_are_found_by_two_people_who_write_to_each_other(self, scene: Scene) -> None:
        log = scene.directory.lie()
        log.bind(stranger("For Ana's eyes only"))
        sent = delivered(scene.ana, note(scene.consent, b"An ordinary letter."))
        assert scene.alarms() == []
        target = io.BytesIO()
        opened = scene.noor.letters.open(sent.letter, target)
        assert target.getvalue() == b"An ordinary letter."
        assert ("Doubt", opened.doubts[0]) in scene.noor.letters.before(opened)
        [alarm] = scene.noor.key_log.alarms()
        assert alarm.kind in {"forked-log", "rolled-back-log"}
        assert alarm.evidence["seen"] and alarm.evidence["shown"]
        with pytest.raises((errors.ForkedLogError, errors.RolledBackLogError)):
            scene.noor.letters.send(note(scene.consent))
        assert scene.noor.key_log.acknowledge(alarm.id)
        delivered(scene.noor, note(scene.consent))

    @pytest.mark.parametrize(
        ("turn", "error", "kind"),
        [
            (lambda log: log.lines.pop(), errors.RolledBackLogError, "rolled-back-log"),
            (lambda log: log.lines.__setitem__(-1, stranger("X").encode()), errors.ForkedLogError, "forked-log"),
            (lambda log: log.lines.insert(0, stranger("X").encode()), errors.ForkedLogError, "forked-log"),
            (lambda log: setattr(log, "clock", time.time() - 3600), errors.StalledLogError, "stalled-log"),
            (lambda log: setattr(log, "signing", Ed25519PrivateKey.generate()), errors.LogKeyError, "log-key"),
        ],
        ids=["rolls back", "changes a leaf", "puts one in between", "stops growing", "signs with another key"],
    )
    def test_that_turns(
        self, scene: Scene, turn: Callable[[object], object], error: type[errors.KeyLogError], kind: str
    ) -> None:
        scene.honest.key_log.refresh(within=0)
        turn(scene.directory.lie())
        with pytest.raises(error) as refused:
            scene.sends()
        assert refused.value.hint
        assert scene.alarms() == [kind]
        assert scene.ana.letters.unsent() == []

    def test_that_stopped_growing_still_lets_letters_be_read(self, scene: Scene) -> None:
        """What was sealed to Ana is hers; who sealed it stands in the log that she has."""
        sent = delivered(scene.noor, note(scene.consent))
        scene.honest.key_log.refresh(within=0)
        scene.directory.lie().clock = time.time() - 3600
        assert scene.ana.letters.open(sent.letter, io.BytesIO()).signer.in_force


class TestOnesOwnAccount:
    def test_a_device_that_is_none_of_ones_own(self, scene: Scene) -> None:
        account = scene.ana.practitioner
        forged = Keyring.create(account).first_entry
        log = scene.directory.lie()
        log.bind(binding(account, 2, BindingKind.DEVICE_ADDED, forged.digest))
        scene.ana.key_log.refresh(within=0)
        [alarm] = scene.ana.key_log.alarms()
        assert (alarm.kind, alarm.loud) == ("own-account", True)

    def test_ones_number_over_another_account(self, scene: Scene) -> None:
        mine = scene.ana.whoami()
        scene.directory.lie().bind(stranger("Dr. Mallory", npi=mine.npi))
        scene.ana.key_log.refresh(within=0)
        [alarm] = scene.ana.key_log.alarms()
        assert alarm.kind == "own-name" and "NPI" in alarm.message

    def test_an_entry_of_ones_own_that_the_log_does_not_have(self, changing: Scene) -> None:
        changing.directory.lie()
        published(changing.honest)
        with pytest.raises(errors.StalledLogError, match="your own"):
            changing.sends()

    def test_an_enrolment_that_nobody_can_see_is_not_complete(self, embedded: EmbeddedWorld, tmp_path: Path) -> None:
        """And goes on, with the same keys, once it is there for everybody."""
        office = embedded.people.practices[0].office
        code = office.administration.invite("Dr. Unseen", Checked.KNOWN_IN_PERSON, taxonomy="207Q00000X").code
        directory, profile = LyingDirectory(embedded, office), Profile(tmp_path)

        def enrols() -> Client:
            return Client.enrol(profile, code, PASSPHRASE, transport=directory, work_factor=WORK_FACTOR)

        directory.lie()
        with pytest.raises(errors.StalledLogError, match="your own"):
            enrols()
        assert not profile.enrolled
        directory.log = None
        with enrols() as enrolled:
            assert enrolled.colleagues.entry(enrolled.practitioner).n == 1
