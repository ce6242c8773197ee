"""What a consent lacks for a letter, where that is written, and how a clinician mends it.

Owns the dimensions of a decision and the sentence for each way to miss one. Refuses to compare: that is `explain`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from concord_formats.vocabulary import ConsentType, Information, Purpose, Sensitivity

from .elements import ELEMENTS, EXPIRED
from .elements import Missing as MissingElement
from .fit import OWN_CONSENT, broken_prohibitions
from .lifecycle import Status
from .terms import Party, Terms, Text


class Dimension(StrEnum):
    """What a letter and a consent are compared by."""

    PATIENT = "patient"
    DISCLOSER = "discloser"
    RECIPIENT = "recipient"
    PURPOSE = "purpose"
    INFORMATION = "information"
    SENSITIVITY = "sensitivity"
    WINDOW = "window"
    STATUS = "status"
    NOTES = "notes"
    ELEMENT = "element"
    RESTRICTION = "restriction"


@dataclass(frozen=True)
class Missing:
    """What is missing in one dimension.

    `value` is the word, the party, the instant or the element that it is about; `mend` a sentence to act on.
    """

    dimension: Dimension
    value: str
    citation: str | None
    mend: str


_ASKED_FOR: Mapping[str, Mapping[ConsentType, str]] = {each.name: each.citations for each in ELEMENTS}
_REVOKED = "45 CFR 164.508(b)(2)(iii); 42 CFR 2.31(c)(3)"
_RESTRICTED = "45 CFR 164.522(a)(1)(iii); 42 CFR 2.26"


def patient(terms: Terms) -> Missing:
    """It is another patient's."""
    mend = "This is another patient's consent. Ask this patient for one."
    return Missing(Dimension.PATIENT, terms.patient, _cited("patient", terms), mend)


def discloser(terms: Terms, party: Party) -> Missing:
    """The sender is not the one who may disclose."""
    mend = "It does not let you disclose. Ask the patient for a consent that names you, or your organization, for it."
    return Missing(Dimension.DISCLOSER, _party(party), _cited("discloser", terms), mend)


def acceptance(terms: Terms, party: Party) -> Missing:
    """The discloser has not accepted this direction."""
    mend = "Your side has not accepted to disclose under it. Read the signed form, and accept it."
    return Missing(Dimension.DISCLOSER, _party(party), _cited("acceptance", terms), mend)


def recipient(terms: Terms, party: Party) -> Missing:
    """The recipient is not the one to whom may be disclosed."""
    mend = "It names another recipient. Send to that one, or ask the patient for a consent that names this one."
    return Missing(Dimension.RECIPIENT, _party(party), _cited("recipient", terms), mend)


def suspended(practitioner: UUID) -> Missing:
    """The recipient can receive nothing."""
    mend = "The recipient's account is not active. Call their practice: a colleague there may take over."
    return Missing(Dimension.RECIPIENT, f"practitioner:{practitioner}", None, mend)


def purpose(terms: Terms, word: Purpose) -> Missing:
    """The purpose is not among those that the patient allowed."""
    added = replace(terms, purposes=terms.purposes | {word})
    if forbidden := _first_broken(terms, added):
        return Missing(Dimension.PURPOSE, word.value, *forbidden)
    allowed = f"The patient allowed: {', '.join(sorted(terms.purposes))}. " if terms.purposes else ""
    mend = f"{allowed}Ask the patient to sign a version that allows {word.value}."
    return Missing(Dimension.PURPOSE, word.value, _cited("purpose", terms), mend)


def information(terms: Terms, word: Information) -> Missing:
    """The letter carries a kind of information that the patient did not name."""
    mend = f"Leave {word.value} out, or ask the patient to sign a version that names it."
    return Missing(Dimension.INFORMATION, word.value, _cited("information", terms), mend)


def sensitivity(terms: Terms, word: Sensitivity) -> Missing:
    """The letter is of a sensitivity that the patient did not name."""
    added = replace(terms, sensitivity=terms.sensitivity | {word})
    if forbidden := _first_broken(terms, added):
        return Missing(Dimension.SENSITIVITY, word.value, *forbidden)
    mend = f"Leave out what is {word.value}, or ask the patient to sign a version that names it."
    return Missing(Dimension.SENSITIVITY, word.value, _cited("sensitivity", terms), mend)


def notes(label: Sensitivity) -> Missing:
    """A consent for notes covers those notes, and nothing beside."""
    citation = _ASKED_FOR["own-notes"][OWN_CONSENT[label]]
    mend = f"It is for {label.value} alone. Use another consent for what is none."
    return Missing(Dimension.NOTES, label.value, citation, mend)


def not_yet(terms: Terms) -> Missing:
    """Its window has not begun."""
    mend = f"It begins at {_instant(terms.valid_from)}. Wait until then."
    return Missing(Dimension.WINDOW, _instant(terms.valid_from), _cited("expiration", terms), mend)


def over(ended_at: datetime) -> Missing:
    """Its window is over, or the event came on which it expires."""
    mend = "It has expired. Ask the patient to sign a new version."
    return Missing(Dimension.WINDOW, _instant(ended_at), EXPIRED.citation, mend)


def status(found: Status) -> Missing:
    """The version is not in force."""
    return Missing(Dimension.STATUS, found.value, _REVOKED if found is Status.REVOKED else None, _BY_STATUS[found])


def element(found: MissingElement, text: Text, at: Status) -> Missing:
    """The law asks for more than is there. What a draft lacks can be put right in it; anything else takes a new one."""
    if text.evidence is None:
        mend = "Attach the signed form."
    else:
        where = "attach it" if at is Status.DRAFT else "attach it to a new version"
        mend = _BY_ELEMENT.get(found.element, "Have the form completed and signed again, and {attach}.")
        mend = mend.format(attach=where)
    return Missing(Dimension.ELEMENT, found.element, found.citation, mend)


def restriction() -> Missing:
    """The sender's side agreed to withhold it, and no consent outweighs that."""
    mend = (
        "Your side agreed with the patient to withhold this. Leave it out; or, if the patient agrees, end that first."
    )
    return Missing(Dimension.RESTRICTION, "withheld", _RESTRICTED, mend)


_BY_STATUS: Mapping[Status, str] = {
    Status.DRAFT: "It is a draft. Attach the signed form, have the discloser's side accept it, and put it in force.",
    Status.REVOKED: "It was revoked, for ever. A new consent takes the patient's new signature.",
    Status.SUPERSEDED: "A later version took its place. Use that one.",
}
_BY_ELEMENT: Mapping[str, str] = {
    "signature": "It takes a signature, in ink or electronic: have the form signed, and {attach}.",
    "representative-authority": "Take the form, {attach}, and say by what authority the representative signed.",
    "copy-to-signer": "Give the signer a copy; then take the form, {attach}, and say that they have one.",
}


def _first_broken(terms: Terms, added: Terms) -> tuple[str, str] | None:
    """The citation and mend of the first prohibition that the further word would break."""
    before = broken_prohibitions(terms)
    broken = next((each for each in broken_prohibitions(added) if each not in before), None)
    return None if broken is None else (broken.citation, f"{broken.mend[:1].upper()}{broken.mend[1:]}.")


def _cited(name: str, terms: Terms) -> str | None:
    return _ASKED_FOR[name].get(terms.type)


def _party(party: Party) -> str:
    return f"{party.kind.value}:{party.id}"


def _instant(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")
