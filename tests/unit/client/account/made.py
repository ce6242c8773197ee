"""An account as it is handed on, for the tests of its written forms."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from concord.account import entries, verify
from concord.account.sheet import AccountSheet
from concord.api import Organization, Practitioner
from concord.api.teams import Team
from concord.errors import ServiceError

from tests.unit.client.account.log import RECIPIENT, SENDER, TOKEN, Log

PATIENT = "Jaime Armendáriz"
MADE_AT = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
PRACTICE = Organization(id=uuid4(), name="Riverside Health")


def practitioner(id_: UUID, name: str, organization: Organization = PRACTICE) -> Practitioner:
    """A person of the directory."""
    return Practitioner(
        id=id_, role="practitioner", name=name, npi="1245319599", organization=organization, status="active"
    )


DELEGATOR, TEAM = UUID("5d1f3c9e-7a42-4c52-9a55-6b1c8d0e2f31"), UUID("0b8a5c54-2f0e-4a2b-8d0b-3f6a1c9e7d42")
PEOPLE = {
    SENDER: practitioner(SENDER, "Dr. Ana Silva"),
    RECIPIENT: practitioner(RECIPIENT, "Dr. Noor Haddad"),
    DELEGATOR: practitioner(DELEGATOR, "Dr. Bo Park"),
}


def full_log() -> Log:
    """Everything that a line can be: each kind, an emergency, a refusal, a notice, labels left out, a
    letter that somebody sent for another to a team.
    """
    log = Log()
    log.append(kind="released")
    log.append(kind="handed-out")
    log.append(kind="opened")
    log.append(kind="refused", reason="recipient-not-covered")
    log.append(kind="released", basis="emergency", purpose="emergency", sensitivity=["part-2"], notice=True)
    log.append(kind="released", sensitivity=["substance-use", "sud-counseling-notes"], notice=True)
    log.append(kind="released", label_reason="ruled-out")
    log.append(kind="released", on_behalf_of=str(DELEGATOR), team=str(TEAM))
    log.append(kind="forwarded", purpose="later-purpose", information=["later-kind"])
    return log


def sheet(
    log: Log | None = None,
    *,
    blinded: frozenset[int] = frozenset(),
    people: dict[UUID, Practitioner] = PEOPLE,
    team: str | None = "Intake",
    **changed: Any,
) -> AccountSheet:
    """The account of TOKEN, verified and named."""
    account = verify((log or full_log()).export(TOKEN, blinded=blinded))

    def find(person: UUID) -> Practitioner:
        if person not in people:
            raise ServiceError(404, "not-found", "There is no such person.")
        return people[person]

    def find_team(wanted: UUID) -> Team:
        if team is None:
            raise ServiceError(404, "not-found", "There is no such team.")
        return Team(id=wanted, name=team, organization=PRACTICE, status="active")

    usual: dict[str, Any] = {"made_at": MADE_AT, "patient_name": PATIENT}
    return AccountSheet(account, entries(account.events, find, find_team), **(usual | changed))
