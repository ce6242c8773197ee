"""A consent form as it is printed for the patient: the terms, and the names that no server knows.

Owns the shapes and their check. Refuses a form that no law lets a patient sign, such as notes combined with other
records, before it is printed; whether a draft is complete is the consent service's to say. Sources: 45 CFR
164.508(b)(3)(ii), (c); 42 CFR 2.31(a), (b).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from uuid import UUID

from concord_formats.plain_words import LANGUAGES
from concord_formats.vocabulary import ConsentType, ExpiryEvent, Information, Purpose, Sensitivity, SignerAuthority

from ..errors import FormError
from .filled import check_all
from .fit import check_fit


@dataclass(frozen=True)
class FormParty:
    """A discloser or recipient as a patient knows it; `organization` where a person there is named."""

    name: str
    organization: str | None = None
    address: str | None = None


@dataclass(frozen=True)
class Practice:
    """Where the patient cancels in writing: 45 CFR 164.508(c)(2)(i), 42 CFR 2.31(a)(6)."""

    name: str
    address: str
    phone: str | None = None

    def written(self, field: str = "practice") -> tuple[tuple[str, str | None], ...]:
        """Its texts, each under the name of its field."""
        return ((f"{field}.name", self.name), (f"{field}.address", self.address), (f"{field}.phone", self.phone))


@dataclass(frozen=True)
class Representative:
    """Who signs for the patient, and by what authority: 45 CFR 164.508(c)(1)(vi)."""

    name: str
    authority: SignerAuthority


@dataclass(frozen=True)
class Form:
    """Everything that stands on one form. Raises `FormError` with `field` where something cannot stand.

    `valid_from` and `valid_until` are the first and the last day, both included (see `days_of`). `language` is `en` or
    `es`. `consent` and `version` tie the paper to the record.
    """

    type: ConsentType
    language: str
    patient_name: str
    birth_date: date | None
    discloser: FormParty
    recipient: FormParty
    mutual: bool
    purposes: frozenset[Purpose]
    information: frozenset[Information]
    sensitivity: frozenset[Sensitivity]
    valid_from: date
    valid_until: date
    expires_on: ExpiryEvent | None
    practice: Practice
    representative: Representative | None
    consent: UUID
    version: int

    def __post_init__(self) -> None:
        if self.language not in LANGUAGES:
            raise FormError("language", f"there is no form in this language; there are {', '.join(LANGUAGES)}")
        check_all(self.written())
        _check_days(self)
        check_fit(self.type, self.purposes, self.information, self.sensitivity, self.expires_on)

    @property
    def reference(self) -> str:
        """The last group of the consent's id: short, and to be found again in the id as every list shows it."""
        return str(self.consent)[-12:]

    def written(self) -> tuple[tuple[str, str | None], ...]:
        """Every text that the practice filled in, under the name of its field."""
        parties = (("discloser", self.discloser), ("recipient", self.recipient))
        return (
            ("patient_name", self.patient_name),
            *((f"{side}.name", party.name) for side, party in parties),
            *((f"{side}.organization", party.organization) for side, party in parties),
            *((f"{side}.address", party.address) for side, party in parties),
            *self.practice.written(),
            ("representative.name", self.representative.name if self.representative else None),
        )


def days_of(valid_from: datetime, valid_until: datetime, zone: tzinfo | None = None) -> tuple[date, date]:
    """The first and the last day, both included, of terms that hold from one moment until before another.

    `zone` is this machine's own when it is None.
    """
    last = valid_until.astimezone(zone) - timedelta(microseconds=1)
    return valid_from.astimezone(zone).date(), last.date()


def _check_days(form: Form) -> None:
    for field in ("birth_date", "valid_from", "valid_until"):
        if isinstance(getattr(form, field), datetime):
            raise FormError(field, "is a moment; a form has days")
    if form.valid_until < form.valid_from:
        raise FormError("valid_until", "is before the permission starts")
    if form.birth_date is not None and form.birth_date > form.valid_from:
        raise FormError("birth_date", "is after the permission starts")
