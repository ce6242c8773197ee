"""What can stop a clinician in handling consents, restrictions and emergencies.

Owns these errors. Refuses names of patients: a consent is named by its id.
"""

from __future__ import annotations

from uuid import UUID

from .base import ConcordError


class NoRecipientError(ConcordError):
    """A consent has nobody to send to."""

    def __init__(self, consent: UUID) -> None:
        super().__init__(
            f"consent {consent} has no active recipient to send to",
            f"See its directions with: concord consent show {consent}",
            consent=consent,
        )


class TooManyRecipientsError(ConcordError):
    """More people than a letter goes to."""

    def __init__(self, people: int, most: int) -> None:
        super().__init__(
            f"a letter goes to at most {most} people, and this one would go to {people}",
            "Name its recipients with --to, or a team of theirs with --to-team.",
            people=people,
        )


class EvidenceError(ConcordError):
    """The signed form of a consent is missing or not the one on record."""

    hint_by_default = "Do not accept this consent. Ask the colleague who drafted it to attach the form again."


class EmergencyError(ConcordError):
    """An emergency cannot be declared as asked."""

    hint_by_default = "Nothing was recorded and nothing was sent."


class RevocationPendingError(ConcordError):
    """The revocation is recorded, and could not be confirmed everywhere in time."""

    def __init__(self, consent: UUID) -> None:
        super().__init__(
            f"consent {consent} is revoked, but not yet confirmed everywhere",
            f"Ask again until it is confirmed: concord consent revoke {consent}",
            consent=consent,
        )


class RestrictionPendingError(ConcordError):
    """The restriction is recorded, and could not be confirmed everywhere in time."""

    def __init__(self, restriction: UUID) -> None:
        super().__init__(
            f"restriction {restriction} is recorded, but not yet confirmed everywhere",
            "Agree to the same again until it is confirmed; it is recorded once.",
            restriction=restriction,
        )
