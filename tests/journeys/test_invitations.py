"""An invitation: by an administrator who checked who that is, used once, and shown to every colleague afterwards."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import pytest
from concord import errors
from concord.client import Client
from concord.identity import KnownIdentity
from concord.profile import Profile
from concord_formats.identity_checks import Checked
from concord_formats.signatures import from_base64url, to_base64url

from tests.journeys.hostile import Altered, opens
from tests.journeys.test_recovery import Terminal, terminal  # noqa: F401 - used below by its name
from tests.journeys.world import EmbeddedWorld, World, refusal
from tests.people import PASSPHRASE, WORK_FACTOR, People, active_consent, released


@dataclass
class Door:
    """Where people come in; `opened` is closed at the end."""

    world: World
    folder: Path
    opened: list[Client] = field(default_factory=list)

    def code(self, name: str) -> str:
        """An invitation of the first practice."""
        return self.world.people.practices[0].office.administration.invite(name, Checked.VIDEO_PHOTO_ID).code

    def enrol(self, code: str) -> Client:
        """Somebody uses it, in a home folder of their own."""
        home = Profile(self.folder / str(uuid4()))
        found = Client.enrol(home, code, PASSPHRASE, transport=self.world.transport(), work_factor=WORK_FACTOR)
        self.opened.append(found)
        return found


@pytest.fixture
def door(world: World, tmp_path: Path) -> Iterator[Door]:
    made = Door(world, tmp_path)
    yield made
    for client in made.opened:
        client.close()


def test_an_invitation_that_was_used_lets_nobody_else_in_and_the_first_is_unharmed(door: Door) -> None:
    code = door.code("Dr. Una Moss")
    first = door.enrol(code)
    keys = first.colleagues.own_history()
    assert refusal(lambda: door.enrol(code)).type == "invitation-refused"
    assert first.colleagues.own_history() == keys
    assert first.key_log.alarms() == []
    pair = People(first, door.world.people.psychologist, door.world.people.practices)
    assert opens(pair.psychologist, released(pair, active_consent(pair).id, b"Still me.").letter) == b"Still me."


def test_of_several_who_use_one_invitation_at_once_one_comes_in(door: Door) -> None:
    code = door.code("Dr. Una Moss")

    def use(_: int) -> Client | errors.ServiceError:
        try:
            return door.enrol(code)
        except errors.ServiceError as refused:
            return refused

    with ThreadPoolExecutor(3) as pool:
        outcomes = list(pool.map(use, range(3)))
    (winner,) = (each for each in outcomes if isinstance(each, Client))
    lost = {each.type for each in outcomes if isinstance(each, errors.ServiceError)}
    assert lost <= {"invitation-refused", "already-enrolled"}
    assert winner.whoami().status == "active"
    assert winner.colleagues.entry(winner.practitioner).devices[0].id == winner.settings.device


def test_a_colleague_elsewhere_sees_who_was_checked_how_and_by_whom(door: Door) -> None:
    reader, office = door.world.people.psychologist, door.world.people.practices[0].office
    person = reader.colleagues.person(door.world.people.physician.practitioner)
    found = reader.identities.of(person)
    assert found is not None
    assert (found.how, found.attestor) == (Checked.IN_PERSON_PHOTO_ID, office.practitioner)
    of_office = reader.identities.of(reader.colleagues.person(office.practitioner))
    assert of_office == KnownIdentity(Checked.KNOWN_IN_PERSON, found.checked_on, None), "the operator's word"


def test_what_the_directory_makes_of_a_check_does_not_verify(door: Door) -> None:
    """Neither another way of checking, nor the true word about somebody else."""
    people = door.world.people
    person = people.psychologist.colleagues.person(people.physician.practitioner)
    other = people.physician.directory.identity(people.psychologist.practitioner)

    def better(raw: bytes) -> bytes:
        answer = json.loads(raw)
        line = from_base64url(answer["line"]).replace(b"in-person-photo-id", b"credentialing-file")
        return json.dumps(answer | {"line": to_base64url(line)}).encode()

    def exchanged(raw: bytes) -> bytes:
        return json.dumps(json.loads(raw) | {"line": other.line, "signature": other.signature}).encode()

    for change in (better, exchanged):
        lied_to = door.world.again(people.psychologist, Altered(door.world.transport(), "/identity", change))
        with pytest.raises(errors.UncheckedIdentityError):
            lied_to.identities.of(person)


def test_who_cannot_be_signed_for_is_not_invited(door: Door) -> None:
    office = door.world.people.practices[0].office
    with pytest.raises(errors.NotInvitedError, match="npi"):
        office.administration.invite("Dr. Una Moss", Checked.VIDEO_PHOTO_ID, npi="123")
    physician = door.world.people.physician
    assert refusal(lambda: physician.administration.invite("Me Two", Checked.KNOWN_IN_PERSON)).type == (
        "administrator-only"
    )


def test_as_it_is_typed(
    embedded: EmbeddedWorld,
    terminal: Callable[[Path], Terminal],  # noqa: F811 - the fixture
) -> None:
    office, physician = embedded.people.practices[0].office, embedded.people.physician
    typed = terminal(embedded.people.psychologist.profile.home)
    shown = typed.run("directory", "show", str(physician.practitioner))[0]
    day = embedded.people.psychologist.directory.identity(physician.practitioner).checked_on
    assert f"Identity checked in person with photo ID on {day} by Office of Riverside" in shown
    value = typed.json("directory", "show", str(physician.practitioner))["identity"]
    assert value == {"how": "in-person-photo-id", "checked_on": str(day), "attestor": str(office.practitioner)}
    of_office = typed.run("directory", "show", str(office.practitioner))[0]
    assert "by the directory's operator, by its word alone" in of_office
    typed = terminal(office.profile.home)
    options = ("--name", "Dr. Una Moss", "--checked", "known-in-person")
    assert typed.run("admin", "invite", *options, "--checked-on", "2026-01-15")[0].startswith("concord-invitation:")
    assert "checked_on" in typed.run("admin", "invite", *options, "--checked-on", "2999-01-15", status=1)[1]
    assert "--checked" in typed.run("admin", "invite", "--name", "Dr. Una Moss", status=2)[1]
