"""The people of the journeys: enrolled through the services' own front door, with keys of their own.

Owns enrolment and the consent between two people, for tests. Refuses shortcuts into databases.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import httpx
from concord.api import Consent, Party, Terms
from concord.client import Client
from concord.consents import Form
from concord.errors import ServiceError
from concord.letters import Draft, Sent
from concord.profile import Profile
from concord_formats.identity_checks import Checked
from concord_formats.vocabulary import ConsentType, Information, PartyKind, Purpose, Sensitivity

from tests.deployment import wait_for

PASSPHRASE = "an entirely usual passphrase"
# scrypt at 2^10: tests do not need to be slow to be right; the default is tested where it is set.
WORK_FACTOR = 10
EFFECTIVE_SECONDS = 60.0
NPIS = {"Dr. Ana Whitfield": "1245319599", "Dr. Noor Haddad": "1679576722"}

# How the operator of the tests makes sure who an administrator is.
CHECKED = ("--checked", "known-in-person")

Operator = Callable[..., str]
"""Runs `concord-server directory …` and gives what it printed."""


@dataclass
class Practice:
    """One organization with its administrator."""

    organization: UUID
    office: Client


@dataclass
class People:
    """A physician and a psychologist of two practices."""

    physician: Client
    psychologist: Client
    practices: tuple[Practice, Practice]

    def close(self) -> None:
        """Close everybody's connections."""
        for person in (self.physician, self.psychologist, *(practice.office for practice in self.practices)):
            person.close()


def enrol_people(folder: Path, operator: Operator, transport: Callable[[], httpx.BaseTransport | None]) -> People:
    """Two practices, each with an administrator who invites a clinician."""
    practices = tuple(_practice(folder, name, operator, transport) for name in ("Riverside", "Harbor"))
    physician, psychologist = (
        enrol_person(folder, practice, name, transport) for practice, name in zip(practices, NPIS, strict=True)
    )
    return People(physician, psychologist, (practices[0], practices[1]))


def enrol_person(
    folder: Path,
    practice: Practice,
    name: str,
    transport: Callable[[], httpx.BaseTransport | None],
    npi: str | None = None,
) -> Client:
    """Invite and enrol one clinician of a practice."""
    invitation = practice.office.administration.invite(
        name, Checked.IN_PERSON_PHOTO_ID, npi=npi or NPIS[name], taxonomy="207Q00000X"
    )
    profile = Profile(folder / name.rsplit(maxsplit=1)[-1].lower())
    return Client.enrol(profile, invitation.code, PASSPHRASE, transport=transport(), work_factor=WORK_FACTOR)


def _practice(
    folder: Path, name: str, operator: Operator, transport: Callable[[], httpx.BaseTransport | None]
) -> Practice:
    organization = json.loads(operator("add-organization", name, "--json"))["organization"]
    options = ("--organization", organization, "--name", f"Office of {name}", *CHECKED, "--json")
    code = json.loads(operator("invite-administrator", *options))["code"]
    profile = Profile(folder / f"office-{name.lower()}")
    office = Client.enrol(profile, code, PASSPHRASE, transport=transport(), work_factor=WORK_FACTOR)
    return Practice(UUID(organization), office)


def until_known(rows: Callable[[str, str], int]) -> None:
    """Messaging hears of a new device a moment after the directory; until then its owner is no recipient.

    `rows` counts those of a service's table.
    """

    def behind() -> int:
        return rows("directory", "device") - rows("messaging", "known_device")

    wait_for(lambda: behind() == 0, EFFECTIVE_SECONDS, "messaging to know every device", lambda: str(behind()))


def terms(people: People, token: str, *, mutual: bool = True, **changed: object) -> Terms:
    """Terms between the two people that cover a note about care."""
    now = datetime.now(UTC)
    usual: dict[str, object] = {
        "type": ConsentType.HIPAA_AUTHORIZATION,
        "patient": token,
        "discloser": Party(kind=PartyKind.PRACTITIONER, id=people.physician.practitioner),
        "recipient": Party(kind=PartyKind.PRACTITIONER, id=people.psychologist.practitioner),
        "mutual": mutual,
        "purposes": [Purpose.TREATMENT],
        "information": [Information.COORDINATION, Information.DIAGNOSES, Information.MEDICATIONS],
        "sensitivity": [Sensitivity.GENERAL],
        "valid_from": now - timedelta(minutes=1),
        "valid_until": now + timedelta(days=30),
    }
    return Terms.model_validate(usual | changed)


def active_consent(people: People, *, mutual: bool = True, **changed: object) -> Consent:
    """A consent that the patient signed and the physician accepted."""
    alias = f"patient-{len(people.physician.address_book.entries())}"
    token = people.physician.address_book.add(alias, "Jaime Armendáriz").token
    written = terms(people, token, mutual=mutual, **changed)
    form = Form.concord(b"signed by Jaime Armendariz", written.type, datetime.now(UTC).date(), "ink", copy_given=True)
    draft = people.physician.consents.create(written, form)
    return accepted(people.physician, draft.id)


def accepted(person: Client, consent: UUID) -> Consent:
    """Accept one's direction, and wait until that holds everywhere."""
    person.consents.accept(consent)
    until_effective(lambda: person.consents.show(consent).latest.effective_at)
    return person.consents.show(consent)


def until_effective(since: Callable[[], object]) -> None:
    """Until there is a moment since when a change holds everywhere.

    The services' own answer does not wait for it as long as a busy machine may take, and says so.
    """
    wait_for(lambda: since() is not None, EFFECTIVE_SECONDS, "a change to hold everywhere")


def note(consent: UUID, text: bytes = b"A note about care.", **changed: object) -> Draft:
    """A short text letter that the usual terms cover."""
    usual: dict[str, object] = {
        "body": io.BytesIO(text),
        "media_type": "text/plain",
        "consent": consent,
        "purpose": Purpose.TREATMENT,
        "information": frozenset({Information.COORDINATION}),
        "sensitivity": frozenset({Sensitivity.GENERAL}),
    }
    return Draft(**(usual | changed))  # type: ignore[arg-type]


def settled(person: Client, letter: UUID) -> str:
    """What became of a letter, also of one that was held: it met a process that had just started, without a lease."""
    wait_for(lambda: person.letters.status(letter)[0].state != "held", EFFECTIVE_SECONDS, "the held letter to settle")
    return person.letters.status(letter)[0].state


def stopped(people: People, consent: UUID) -> None:
    """Nothing goes under this consent any more: it is refused, or, while nobody can tell, held and refused then."""
    try:
        sent = send_note(people, consent)
    except ServiceError as error:
        assert error.type == "consent-revoked"
        return
    assert sent.answer["state"] == "held", "released after its revocation was acknowledged"
    assert settled(people.physician, sent.letter) == "refused"
    assert people.physician.letters.status(sent.letter)[0].reason == "consent-revoked"


def send_note(people: People, consent: UUID, text: bytes = b"A note about care.") -> Sent:
    """Send it, from the physician to the psychologist."""
    return people.physician.letters.send(note(consent, text))


def released(people: People, consent: UUID, text: bytes = b"A note about care.") -> Sent:
    """As `send_note`, for a letter that must pass; see `delivered`."""
    return delivered(people.physician, note(consent, text))


def delivered(person: Client, draft: Draft) -> Sent:
    """Send a letter that must pass, and see it released.

    The gate may have had no time for it, or its process no lease yet: then it was held, and is waited for.
    """
    sent = person.letters.send(draft)
    if sent.answer["state"] == "held":
        settled(person, sent.letter)
        sent = person.letters.resend(sent.letter)  # changes nothing, and answers what became of it
    assert sent.answer["state"] == "released"
    return sent
