"""The form and the consent service refuse the same combinations: neither takes what the other would not."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import product
from uuid import uuid4

from concord.errors import FormError
from concord.forms.fit import OWN_NOTES, check_fit
from concord_formats.vocabulary import ConsentType, ExpiryEvent, Information, PartyKind, Purpose, Sensitivity

from services.consent.rules.fit import broken_prohibitions
from services.consent.rules.terms import Party, Terms

_PARTIES = [Party(PartyKind.PRACTITIONER, uuid4()) for _ in range(2)]


def _terms(type_: ConsentType, purpose: Purpose, labels: frozenset[Sensitivity], event: ExpiryEvent | None) -> Terms:
    return Terms(
        type=type_,
        patient="pt_" + "a" * 26,
        discloser=_PARTIES[0],
        recipient=_PARTIES[1],
        mutual=False,
        purposes=frozenset({purpose}),
        information=frozenset({Information.DIAGNOSES}),
        sensitivity=labels,
        valid_from=datetime(2026, 3, 1, tzinfo=UTC),
        valid_until=datetime(2027, 3, 1, tzinfo=UTC),
        expires_on=event,
    )


def test_what_the_service_prohibits_is_not_printed_and_the_rest_is() -> None:
    """Every type with every purpose, event and pair of sensitivities."""
    pairs = [frozenset(pair) for pair in product(Sensitivity, Sensitivity)]
    for type_, purpose, labels, event in product(ConsentType, Purpose, pairs, (None, *ExpiryEvent)):
        terms = _terms(type_, purpose, labels, event)
        unnamed = type_ in OWN_NOTES and OWN_NOTES[type_] not in labels
        assert _printed(terms) == (not broken_prohibitions(terms) and not unnamed), terms


def _printed(terms: Terms) -> bool:
    try:
        check_fit(terms.type, terms.purposes, terms.information, terms.sensitivity, terms.expires_on)
    except FormError:
        return False
    return True
