"""Who reads which line of a patient's account.

Owns the rule. Refuses to look anything up. A letter that was refused was disclosed to nobody: to tell its recipient of
its labels, or that something is withheld, would disclose what the gate has just kept back. Sources: 45 CFR 164.502(a),
164.522(a)(1)(iii); 42 CFR 2.13(a).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from .standing import Actor, Patient

REFUSED = "refused"


@dataclass(frozen=True)
class Happening:
    """What decides who reads a line. The sender's organization is known of refusals, since messaging tells it."""

    event: str
    consent: UUID
    sender: UUID
    sender_organization: UUID | None


def sees(actor: Actor, consents: Collection[UUID], line: Happening) -> bool:
    """Whether `actor`, who may read the accounts of these consents, reads the line: the patient every one of theirs; a
    party those of its consents, and of refusals only those of its own side.
    """
    if isinstance(actor, Patient):
        return True
    if line.consent not in consents:
        return False
    return line.event != REFUSED or actor.practitioner == line.sender or actor.organization == line.sender_organization


__all__ = ["REFUSED", "Happening", "sees"]
