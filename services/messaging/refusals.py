"""Refusals in words: each reason of the gate as a problem that says how to mend it.

Owns the texts. Refuses to know more than a reason and what may be told of it: what is masked was masked before
(`rules.told`).
"""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from services.chassis.problems import Problem, unavailable

from .gate import GateClosedError
from .rules import Reason, Refusal

_TEXTS: Mapping[Reason, tuple[str, str]] = {
    Reason.NO_ACTIVE_CONSENT: (
        "No active consent",
        "No active consent of this patient covers this letter. Cite a consent that you are a party to, or ask for one.",
    ),
    Reason.CONSENT_REVOKED: ("Consent revoked", "The consent was revoked. Nothing may be disclosed under it any more."),
    Reason.CONSENT_EXPIRED: ("Consent expired", "The consent's period has ended. Ask the patient for a new one."),
    Reason.CONSENT_NOT_YET_VALID: ("Consent not yet valid", "The consent's period has not begun. Send when it has."),
    Reason.CONSENT_SUPERSEDED: (
        "Consent superseded",
        "A newer version of the consent is in force. Seal the letter again",
    ),
    Reason.RECIPIENT_NOT_COVERED: (
        "Recipient not covered",
        "The consent allows nothing from you to this recipient. Check the recipient, or have that direction accepted.",
    ),
    Reason.PURPOSE_NOT_COVERED: ("Purpose not covered", "The consent does not allow disclosure for this purpose."),
    Reason.LABEL_NOT_COVERED: ("Label not covered", "The consent does not cover every label of the letter"),
    Reason.NOTES_ONLY: (
        "Notes only",
        "This consent is for the notes that it names and for nothing beside. Cite another consent, or label the notes.",
    ),
    Reason.RESTRICTED: (
        "Restricted",
        "Your side agreed with the patient to withhold this. Leave that part out, or end the restriction first.",
    ),
    Reason.SENDER_SUSPENDED: ("Sender suspended", "The sender is suspended or not known to the directory."),
    Reason.RECIPIENT_SUSPENDED: ("Recipient suspended", "The recipient is suspended, and can receive nothing."),
    Reason.UNKNOWN_RECIPIENT: ("Unknown recipient", "The directory knows no such recipient. Look them up again."),
    Reason.DEVICE_REVOKED: ("Device revoked", "This device is revoked, or belongs to somebody else. Use another one."),
    Reason.NOT_DELEGATED: (
        "Not delegated",
        "No delegation in force lets the sender write for them: it was revoked, its time is over, it names others, or "
        "whoever gave it is suspended or of another organization. Ask them for a new one, or write for yourself.",
    ),
    Reason.BEYOND_DELEGATION: (
        "Beyond the delegation",
        "The delegation does not reach as far as the letter's purpose and labels. Ask whoever gave it to send this",
    ),
    Reason.NOT_A_MEMBER: (
        "Not a member",
        "The letter is for a team, and this reader is no member of it now. Its sender may seal it to those who are.",
    ),
}


def refusal_problem(refusals: Mapping[UUID, Refusal]) -> Problem:
    """The refusals of a letter as one problem 403.

    Its type is the first recipient's reason; `refusals` lists every one.
    """
    first = next(iter(refusals.values()))
    title, _ = _TEXTS[first.reason]
    listed = [{"recipient": str(who), "reason": each.reason.value} for who, each in refusals.items()]
    more = {"labels": sorted(first.labels)} if first.labels else {}
    return Problem(403, first.reason.value, title, _detail(first), refusals=listed, **more)


def closed_problem(closed: GateClosedError) -> Problem:
    """The gate cannot decide just now: problem 503 `gate-closed`."""
    detail = f"Whether the consent still stands cannot be told just now ({closed.reason}). Try again in a moment."
    return unavailable("gate-closed", "Gate closed", detail, retry_after=2)


def _detail(refusal: Refusal) -> str:
    _, text = _TEXTS[refusal.reason]
    if refusal.version is not None:
        return f"{text} under version {refusal.version}."
    if refusal.labels:
        return f"{text}: {', '.join(sorted(refusal.labels))}."
    return text if text.endswith(".") else f"{text}."
