"""What the consent service refuses, as problems a reader can act on.

Owns the wording and the statuses. Refuses to decide when: rules and use cases do. The list of types is
`spec/problems.md`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict

from services.chassis.problems import Problem, invalid_field, not_found

from .rules.elements import IncompleteError
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
    Status.EXPIRED: (
        "consent-expired",
        "Consent has expired",
        "The window of this version has ended. Draft a new version.",
    ),
}
