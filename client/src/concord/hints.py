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
    "consent-deficient": "Draft a version that has what it lacks: concord consent create --version-of",
    "consent-incomplete": "Attach a form that has it (concord consent attach), and have the discloser accept it.",
    "consent-not-yet-valid": "Wait for the day on which the consent begins.",
    "consent-revoked": "Send nothing more under this consent. A new one needs the patient's new signature.",
    "consent-superseded": "Seal the document anew: it then goes under the version in force.",
    "device-revoked": "Use another device, or ask your administrator for a new invitation.",
    "emergency-is-one-letter": "Declare another emergency, or ask the patient: concord consent create",
    "emergency-limit": "Call the recipient. Your privacy officer reviews with: concord emergency list",
    "evidence-differs": "Read the form again before you accept it: concord consent form",
    "invalid-field": "Mend the field that is named, and try again.",
    "invalid-client": "Check the clock of this machine. If it is right, ask your administrator about this device.",
    "invitation-refused": "Ask your administrator for a new invitation.",
    "label-not-covered": "Leave that part out, or ask the patient for a consent that covers it.",
    "letter-deleted": "Its sender has to seal the document anew, as a new letter: concord send",
    "letter-id-taken": "Seal the document anew.",
    "no-active-consent": "See what is in force: concord consent list",
    "no-expiry-event": "To stop it sooner: concord consent revoke",
    "not-a-party": "Only a party to a consent may do this.",
    "not-a-reviewer": _ADMINISTRATOR,
    "not-found": "Check the id; what is not yours to see reads the same.",
    "not-the-sender": "Send from the device that sealed the letter.",
    "own-emergency": "Ask another reviewer of your organization.",
    "purpose-not-covered": "Choose a purpose that the patient allowed: concord consent show",
    "notes-only": "Cite a consent for other records, or label the letter as the notes it holds.",
    "recipient-not-covered": "Check the recipient, or ask the discloser's side to accept: concord consent accept",
    "recipient-suspended": "Call the recipient's practice; another colleague there may take over.",
    "restriction-not-agreed": "Nothing is withheld by it: see concord restriction list",
    "restricted": "Leave that part out. See what was agreed with the patient: concord restriction list",
    "sender-suspended": _ADMINISTRATOR,
    "too-large": "Send the document in parts.",
    "too-many-restrictions": "End those that one restriction would say in their place: concord restriction end",
    "unknown-party": "Find them again: concord directory find",
    "unknown-recipient": "Find the colleague again: concord directory find",
    "already-attested": "It takes a second administrator of your organization.",
    "attestation-lapsed": "Ask an administrator to refuse the case, and to open another.",
    "case-code-refused": "Ask your administrator for a new code: concord admin recovery open",
    "invalid-attestation": "Check the clock of this machine, and that this device is in force: concord device list",
    "not-yourself": "Ask another administrator of your organization.",
    "recovery-case-open": "See it: concord admin recovery list",
    "recovery-case-over": "See what there is: concord admin recovery list",
    "recovery-case-overtaken": "If every device is lost all the same, open another case.",
    "recovery-case-stopped": "If it should go on, talk to who refused it, and open another case.",
    "recovery-not-entered": "The person uses the code first: concord recover-case",
    "key-entry-conflict": "Another device of yours changed the keys at the same moment. Try again.",
    "pairing-not-answerable": "Start over on the device that is in: concord device add",
    "pairing-taken": "If another device than yours used the code, somebody has seen it: start over, concord device add",
    "too-many-pairings": "Let one run out, which takes ten minutes, and try again.",
}
