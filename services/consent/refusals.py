"""What the consent service refuses, as problems a reader can act on.

Owns the wording and the statuses. Refuses to decide when: rules and use cases do. The list of types is
`spec/problems.md`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict

from services.chassis.problems import Problem, invalid_field, not_found

from .rules.elements import IncompleteError
from .rules.emergency import HabitError
from .rules.lifecycle import LifecycleError, Status
from .rules.terms import TermsError


def no_such_consent() -> Problem:
    """Unknown, or a stranger asks: both read the same."""
    return not_found("consent")


def no_such_version() -> Problem:
    """The consent has no such version."""
    return not_found("version of this consent")


def no_evidence() -> Problem:
    """The version has no evidence yet."""
    return not_found("evidence of this version")


def not_a_party() -> Problem:
    """A consent between others."""
    detail = "You, or your organization, must be the discloser or the recipient of a consent that you draft."
    return Problem(403, "not-a-party", "Not a party to this consent", detail)


def not_the_discloser() -> Problem:
    """A party of the wrong side."""
    detail = "Only the party that discloses can accept to disclose. Ask the other side to accept."
    return Problem(403, "not-the-discloser", "Not the disclosing party", detail)


def unknown_party(field: str) -> Problem:
    """A party that the directory does not know as active."""
    detail = f"{field}: the directory knows no active party of this kind and id. Look it up again."
    return Problem(422, "unknown-party", "Unknown party", detail, field=field)


def wrong_terms(error: TermsError) -> Problem:
    """Terms that cannot stand."""
    return invalid_field(error.field, error.detail)


def incomplete(error: IncompleteError) -> Problem:
    """A version that lacks elements: each is listed with its citation."""
    names = ", ".join(each.element for each in error.missing)
    detail = f"This version cannot be put in force while it lacks: {names}."
    missing = [asdict(each) for each in error.missing]
    return Problem(409, "consent-incomplete", "Consent is incomplete", detail, missing=missing)


def evidence_differs() -> Problem:
    """The acceptance names other evidence than is on record."""
    detail = "The evidence on record is not the one you name. Fetch it, check it, and accept that one."
    return Problem(409, "evidence-differs", "Other evidence", detail)


def evidence_settled() -> Problem:
    """The evidence was accepted, or the version is no draft any more."""
    detail = "The evidence of this version has been accepted and stays as it is. Draft a new version to replace it."
    return Problem(409, "evidence-settled", "Evidence is settled", detail)


def evidence_not_sealed() -> Problem:
    """The body is no age file: it might be the form in the clear, and none of it was kept."""
    detail = "Evidence must be an age v1 file. Seal the form to the parties first; nothing of what was sent was kept."
    return Problem(422, "evidence-not-sealed", "Evidence is not sealed", detail, field="body")


def upload_lost() -> Problem:
    """The upload took so long that it was swept."""
    return Problem(400, "truncated", "Body cut short", "The upload took too long and was given up. Send it again.")


def draft_exists(number: int) -> Problem:
    """There is a draft already."""
    detail = f"Version {number} is a draft already. Activate it first."
    return Problem(409, "draft-exists", "There is a draft already", detail, version=number)


def no_expiry_event() -> Problem:
    """The version names no event on which it expires."""
    detail = "This version ends on its last day only. To stop it sooner, revoke it."
    return Problem(409, "no-expiry-event", "No expiry event", detail)


def no_such_restriction() -> Problem:
    """Unknown, or it is not one of the caller's own side."""
    return not_found("restriction")


def no_such_declined() -> Problem:
    """Unknown, or another organization recorded it."""
    return not_found("record")


def not_own_side() -> Problem:
    """A restriction that another provider would have to keep."""
    detail = "You, or your organization, must be the discloser: a restriction binds whoever agreed to it."
    return Problem(403, "not-the-discloser", "Not the disclosing party", detail)


def restriction_not_agreed() -> Problem:
    """There is nothing to end: the provider did not agree."""
    detail = "This request was not agreed to, and withholds nothing. There is nothing to end."
    return Problem(409, "restriction-not-agreed", "Nobody agreed to this restriction", detail)


def too_many_restrictions(most: int) -> Problem:
    """More than anybody asks for: a slip, or worse."""
    detail = f"At most {most} restrictions of one patient stand with one provider. Agree to one that says it all."
    return Problem(409, "too-many-restrictions", "Too many restrictions", detail)


def no_such_patient() -> Problem:
    """Unknown, or the caller is no party to any consent of theirs: both read the same."""
    return not_found("patient")


def not_your_organization() -> Problem:
    """Another organization's, or the caller is no administrator."""
    detail = "Only an administrator of that organization may do this."
    return Problem(403, "administrator-only", "For administrators", detail)


def no_such_emergency() -> Problem:
    """Unknown, or another organization's: both read the same."""
    return not_found("emergency")


def not_a_reviewer() -> Problem:
    """Somebody without the role."""
    detail = "Only your organization's privacy officer, or an administrator, may see and review emergency releases."
    return Problem(403, "not-a-reviewer", "Not a reviewer", detail)


def own_emergency() -> Problem:
    """Nobody reviews their own."""
    detail = "Nobody reviews their own emergency release. Ask another reviewer of your organization."
    return Problem(403, "own-emergency", "Own emergency", detail)


def emergency_limit(error: HabitError) -> Problem:
    """Exceptions that became a habit."""
    return Problem(403, "emergency-limit", "Too many emergency releases", error.detail)


def emergency_is_one_letter() -> Problem:
    """The record of an emergency has no further versions."""
    detail = "An emergency is about one letter. For more, ask the patient for a consent, or declare another one."
    return Problem(409, "emergency-is-one-letter", "An emergency is about one letter", detail)


def invalid_recipient() -> Problem:
    """An emergency between a person and themselves."""
    return invalid_field("recipient", "is yourself; name the person who treats the patient")


def not_in_this_status(error: LifecycleError) -> Problem:
    """What was asked is not done to a version in this status."""
    type_, title, detail = _BY_STATUS[error.status]
    return Problem(409, type_, title, detail)


_BY_STATUS: Mapping[Status, tuple[str, str, str]] = {
    Status.DRAFT: ("consent-draft", "Consent is a draft", "This version is a draft. Activate it first."),
    Status.ACTIVE: (
        "consent-active",
        "Consent is in force",
        "This version is in force. Draft a new version to change it.",
    ),
    Status.REVOKED: ("consent-revoked", "Consent was revoked", "This consent was revoked. A new one takes a new form."),
    Status.SUPERSEDED: (
        "consent-superseded",
        "Consent was superseded",
        "A later version took this one's place. Use that.",
    ),
    Status.DEFICIENT: (
        "consent-deficient",
        "Consent is deficient",
        "This version lacks what the law asks for now, and allows nothing. Draft a new version.",
    ),
    Status.EXPIRED: (
        "consent-expired",
        "Consent has expired",
        "The window of this version has ended. Draft a new version.",
    ),
}
