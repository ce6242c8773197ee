"""What to do about a refusal of the services, by the problem's type.

Owns one sentence for each refusal that a clinician meets; the problem itself says what is wrong. Refuses the operator's
problems: those are mended elsewhere. The types are listed in `spec/problems.md`.
"""

from __future__ import annotations

_ADMINISTRATOR = "Ask an administrator of your organization."

HINTS = {
    "account-suspended": _ADMINISTRATOR,
    "administrator-only": _ADMINISTRATOR,
    "already-enrolled": "Use the device that you enrolled, or ask your administrator.",
    "consent-expired": "Ask the patient to sign again: concord consent create --version-of",
    "consent-incomplete": "Attach the signed form, and have your side accept it: concord consent accept",
    "consent-not-yet-valid": "Wait for the day on which the consent begins.",
    "consent-revoked": "Send nothing more under this consent. A new one needs the patient's new signature.",
    "consent-superseded": "Seal the document anew: it then goes under the version in force.",
    "device-revoked": "Use another device, or ask your administrator for a new invitation.",
    "evidence-differs": "Read the form again before you accept it: concord consent form",
    "invalid-field": "Mend the field that is named, and try again.",
    "invalid-client": "Check the clock of this machine. If it is right, ask your administrator about this device.",
    "invitation-refused": "Ask your administrator for a new invitation.",
    "label-not-covered": "Leave that part out, or ask the patient for a consent that covers it.",
    "letter-id-taken": "Seal the document anew.",
    "no-active-consent": "See what is in force: concord consent list",
    "not-a-party": "Only a party to a consent may do this.",
    "not-found": "Check the id; what is not yours to see reads the same.",
    "not-the-sender": "Send from the device that sealed the letter.",
    "purpose-not-covered": "Choose a purpose that the patient allowed: concord consent show",
    "recipient-not-covered": "Check the recipient, or ask the discloser's side to accept: concord consent accept",
    "recipient-suspended": "Call the recipient's practice; another colleague there may take over.",
    "sender-suspended": _ADMINISTRATOR,
    "too-large": "Send the document in parts.",
    "unknown-recipient": "Find the colleague again: concord directory find",
}
