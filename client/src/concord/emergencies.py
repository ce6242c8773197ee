"""Emergencies as a clinician handles them: declare one for one letter, read its documentation, review.

Owns the sealing of the documentation: to oneself and to those of one's organization who review. Refuses to declare
without saying where the letter goes and what the emergency is. Source: 42 CFR 2.51(c).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from concord_formats.vocabulary import Information, Sensitivity

from .age import decrypt_bytes, encrypt_bytes, parse_recipient
from .api import Consent
from .api.emergencies import Emergency, EmergencyApi, Notice
from .colleagues import Colleagues
from .errors import EmergencyError
from .own_keys import OwnKeys

# Who of one's organization can read the documentation, beside oneself.
REVIEWERS = ("privacy-officer", "administrator")
MAX_NATURE = 2000


class Emergencies:
    """Releases without consent, and notices of them and of consents that end."""

    def __init__(self, api: EmergencyApi, colleagues: Colleagues, own: OwnKeys) -> None:
        self.api = api
        self._colleagues = colleagues
        self._own_keys = own

    def declare(
        self,
        patient: str,
        recipient: UUID,
        information: frozenset[Information],
        sensitivity: frozenset[Sensitivity],
        nature: str,
    ) -> Consent:
        """Record an emergency; the record that comes back is what the one letter cites, for the purpose `emergency`.

        Raises `EmergencyError`, `ServiceError` (`emergency-limit`).
        """
        if not nature.strip() or len(nature) > MAX_NATURE:
            raise EmergencyError(f"say what the emergency is, in at most {MAX_NATURE} characters")
        sealed = self._seal(self._documentation(patient, recipient, nature))
        return self.api.declare(uuid4(), patient, recipient, sorted(information), sorted(sensitivity), sealed)

    def documentation(self, consent: UUID) -> dict[str, Any]:
        """What was documented of an emergency, opened: patient, recipient, facility, discloser, at, nature."""
        sealed = self.api.documentation(consent)
        found = json.loads(self._own_keys.opening(lambda identities: decrypt_bytes(sealed, identities)))
        return dict(found)

    def waiting(self) -> Iterator[Emergency]:
        """Those that wait for a review, to a reviewer."""
        return self.api.emergencies(waiting=True)

    def all(self) -> Iterator[Emergency]:
        """Every one of one's organization, to a reviewer."""
        return self.api.emergencies(waiting=False)

    def review(self, consent: UUID, outcome: str) -> Emergency:
        """Note what one found."""
        return self.api.review(consent, outcome)

    def notices(self) -> Iterator[Notice]:
        """What one should know, oldest first."""
        return self.api.notices()

    def _documentation(self, patient: str, recipient: UUID, nature: str) -> dict[str, Any]:
        to = self._colleagues.person(recipient)
        me = self._colleagues.directory.practitioner(self._colleagues.me)
        return {
            "v": 1,
            "patient": patient,
            "recipient": to.name,
            "facility": to.organization.name,
            "discloser": me.name,
            "at": datetime.now(UTC).isoformat(),
            "nature": nature.strip(),
        }

    def _seal(self, documentation: dict[str, Any]) -> bytes:
        readers = self._colleagues.of_organization(self._colleagues.organization, *REVIEWERS)
        people = sorted({each.id for each in readers} | {self._colleagues.me})
        entries = self._colleagues.entries(people)
        recipients = [parse_recipient(entries[person].encryption) for person in people]
        return encrypt_bytes(json.dumps(documentation).encode(), recipients)


__all__ = ["Emergencies"]
