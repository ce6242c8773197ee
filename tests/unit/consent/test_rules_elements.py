"""What a consent must hold, by its type."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from concord_formats.vocabulary import (
    ConsentType,
    ExpiryEvent,
    FormStatement,
    Information,
    Purpose,
    Sensitivity,
    SignerAuthority,
)

from services.consent.rules.elements import ELEMENTS, LAW, IncompleteError, check_activation, missing_elements
from services.consent.rules.fit import PROHIBITIONS, broken_prohibitions, check_fit
from services.consent.rules.terms import SignatureMethod, Signer, Terms, TermsError, Text, check_attestation
from tests.unit.consent.examples import DAY, EVIDENCE, NOW, SIGNABLE, SIGNED, TERMS, text

EMPTY = frozenset[str]()
HIPAA = ConsentType.HIPAA_AUTHORIZATION
PART_2 = ConsentType.PART_2_CONSENT
TPO = ConsentType.PART_2_TPO
PSYCHOTHERAPY = ConsentType.PSYCHOTHERAPY_NOTES
COUNSELING = ConsentType.SUD_COUNSELING_NOTES
OWN_LABEL = {
    PSYCHOTHERAPY: frozenset({Sensitivity.PSYCHOTHERAPY_NOTES}),
    COUNSELING: frozenset({Sensitivity.SUD_COUNSELING_NOTES}),
}
# What a form has to state, by the type of consent.
STATEMENTS = {
    HIPAA: {"right-to-revoke", "revocation-exceptions", "how-to-revoke", "conditioning", "redisclosure"}
    | {"plain-language"},
    PART_2: {"right-to-revoke", "revocation-exceptions", "how-to-revoke", "hipaa-redisclosure"},
    TPO: {"right-to-revoke", "revocation-exceptions", "how-to-revoke", "redisclosure", "hipaa-redisclosure"}
    | {"consequences-of-refusal"},
}
STATEMENTS |= {PSYCHOTHERAPY: STATEMENTS[HIPAA], COUNSELING: STATEMENTS[PART_2]}


def terms_of(type_: ConsentType, **changed: Any) -> Terms:
    """Terms of a type that lack nothing."""
    own = OWN_LABEL.get(type_, TERMS.sensitivity)
    return replace(TERMS, **({"type": type_, "sensitivity": own} | changed))


def signed(**changed: Any) -> Any:
    return replace(EVIDENCE, attested=replace(SIGNED, **changed))


def names(lacking: Text) -> list[str]:
    return [each.element for each in missing_elements(lacking)]


@pytest.mark.parametrize("type_", SIGNABLE)
def test_a_consent_with_everything_lacks_nothing(type_: ConsentType) -> None:
    assert missing_elements(text(terms_of(type_))) == ()


@pytest.mark.parametrize("type_", SIGNABLE)
@pytest.mark.parametrize(
    ("changed", "element"),
    [
        ({"patient": ""}, "patient"),
        ({"purposes": EMPTY}, "purpose"),
        ({"information": EMPTY}, "information"),
        ({"valid_until": TERMS.valid_from}, "expiration"),
    ],
)
def test_every_missing_word_is_named(type_: ConsentType, changed: dict[str, Any], element: str) -> None:
    assert names(text(terms_of(type_, **changed))) == [element]


def test_a_consent_without_sensitivity_is_incomplete() -> None:
    assert names(text(replace(TERMS, sensitivity=EMPTY))) == ["sensitivity"]
    assert names(text(terms_of(PSYCHOTHERAPY, sensitivity=EMPTY))) == ["sensitivity", "own-notes"]


@pytest.mark.parametrize("type_", SIGNABLE)
@pytest.mark.parametrize("statement", FormStatement)
def test_a_statement_is_asked_of_the_types_whose_law_asks_for_it(type_: ConsentType, statement: FormStatement) -> None:
    without = signed(statements=frozenset(FormStatement) - {statement})
    expected = [statement.value] if statement.value in STATEMENTS[type_] else []
    assert names(text(terms_of(type_), evidence=without)) == expected


@pytest.mark.parametrize("type_", SIGNABLE)
def test_spoken_words_are_no_signature(type_: ConsentType) -> None:
    assert names(text(terms_of(type_), evidence=signed(method=SignatureMethod.VERBAL))) == ["signature"]


@pytest.mark.parametrize("type_", SIGNABLE)
def test_a_representative_needs_an_authority(type_: ConsentType) -> None:
    representative = signed(signer=Signer.REPRESENTATIVE)
    assert names(text(terms_of(type_), evidence=representative)) == ["representative-authority"]
    with_authority = signed(signer=Signer.REPRESENTATIVE, authority=SignerAuthority.GUARDIAN)
    assert names(text(terms_of(type_), evidence=with_authority)) == []


def test_an_authority_goes_with_a_representative_only() -> None:
    with pytest.raises(TermsError, match="Signer-Authority"):
        check_attestation(replace(SIGNED, authority=SignerAuthority.PARENT))


def test_a_hipaa_authorization_asks_for_a_copy_to_the_signer() -> None:
    without = signed(copy_given=False)
    assert names(text(terms_of(HIPAA), evidence=without)) == ["copy-to-signer"]
    assert names(text(terms_of(PART_2), evidence=without)) == []


def test_everything_that_lacks_is_listed_at_once_with_its_citation() -> None:
    lacking = text(replace(TERMS, purposes=EMPTY, information=EMPTY), accept=(), evidence=None)
    listed = missing_elements(lacking)
    assert [each.element for each in listed] == [
        *("purpose", "information", "signature", "signature-date", "representative-authority"),
        *("right-to-revoke", "revocation-exceptions", "how-to-revoke", "conditioning", "redisclosure"),
        *("plain-language", "copy-to-signer", "acceptance"),
    ]
    assert all(each.citation.startswith("45 CFR 164.508(c)") for each in listed)


def test_each_element_cites_where_it_is_written_for_each_type() -> None:
    written = {True: re.compile(r"42 CFR 2\.(31\([ab]\)|51\(c\))"), False: re.compile(r"45 CFR 164\.508\([ac]\)")}
    part_2 = {PART_2, TPO, COUNSELING, ConsentType.EMERGENCY}
    for each in ELEMENTS:
        for type_, citation in each.citations.items():
            assert written[type_ in part_2].match(citation), (each.name, type_)
    assert len({each.name for each in ELEMENTS}) == len(ELEMENTS)


def test_all_of_42_cfr_2_31_a_is_in_the_table() -> None:
    cited = {int(n) for each in ELEMENTS for n in re.findall(r"2\.31\(a\)\((\d+)\)", each.citations.get(TPO, ""))}
    assert cited == set(range(1, 11))


def test_all_of_45_cfr_164_508_c_is_in_the_table() -> None:
    text_of_citations = " ".join(each.citations.get(HIPAA, "") for each in ELEMENTS)
    for paragraph in ("(c)(1)(i)", "(c)(1)(ii)", "(c)(1)(iii)", "(c)(1)(iv)", "(c)(1)(v)", "(c)(1)(vi)"):
        assert paragraph in text_of_citations
    for paragraph in ("(c)(2)(i)", "(c)(2)(ii)", "(c)(2)(iii)", "(c)(3)", "(c)(4)"):
        assert paragraph in text_of_citations


def test_what_is_over_is_not_put_in_force() -> None:
    with pytest.raises(IncompleteError) as refused:
        check_activation(text(), TERMS.valid_until)
    assert [each.element for each in refused.value.missing] == ["unexpired"]
    check_activation(text(), TERMS.valid_until - DAY)


def test_a_refusal_lists_the_expired_window_beside_what_is_missing() -> None:
    with pytest.raises(IncompleteError) as refused:
        check_activation(text(accept=()), NOW + 4000 * DAY)
    assert [each.element for each in refused.value.missing] == ["acceptance", "unexpired"]


BROKEN = {
    "emergency-is-no-consent": replace(TERMS, purposes=frozenset({Purpose.EMERGENCY})),
    "psychotherapy-notes-apart": replace(TERMS, sensitivity=OWN_LABEL[PSYCHOTHERAPY]),
    "sud-counseling-notes-apart": terms_of(PART_2, sensitivity=OWN_LABEL[COUNSELING]),
    "part-2-under-part-2": replace(TERMS, sensitivity=frozenset({Sensitivity.PART_2})),
    "payment-only-in-tpo": terms_of(PART_2, purposes=frozenset({Purpose.PAYMENT})),
    "tpo-and-no-more": terms_of(TPO, purposes=frozenset({Purpose.PATIENT_REQUEST})),
    "no-end-only-in-tpo": replace(TERMS, expires_on=ExpiryEvent.NONE),
}


@pytest.mark.parametrize("name", [each.name for each in PROHIBITIONS])
def test_each_prohibition_is_refused_in_a_draft_and_never_compiled(name: str) -> None:
    broken = BROKEN[name]
    assert [each.name for each in broken_prohibitions(broken)] == [name]
    assert name in names(text(broken))
    with pytest.raises(TermsError) as refused:
        check_fit(broken)
    assert refused.value.field == broken_prohibitions(broken)[0].field
    assert "CFR" in refused.value.detail


def test_a_tpo_consent_may_be_for_payment_and_without_an_end() -> None:
    check_fit(terms_of(TPO, purposes=frozenset({Purpose.PAYMENT, Purpose.OPERATIONS}), expires_on=ExpiryEvent.NONE))


def test_psychotherapy_notes_are_not_joined_with_counseling_notes() -> None:
    both = OWN_LABEL[PSYCHOTHERAPY] | OWN_LABEL[COUNSELING]
    for type_ in (PSYCHOTHERAPY, COUNSELING):
        with pytest.raises(TermsError):
            check_fit(terms_of(type_, sensitivity=both))


def test_a_verbal_permission_of_everything_is_no_consent_of_any_type() -> None:
    """The widest words there are do not make up for what the law asks of the form."""
    wide = replace(TERMS, information=frozenset(Information), sensitivity=frozenset({Sensitivity.GENERAL}))
    for type_ in (HIPAA, PART_2, TPO):
        with pytest.raises(IncompleteError):
            check_activation(text(replace(wide, type=type_), evidence=signed(method=SignatureMethod.VERBAL)), NOW)


def test_what_goes_out_at_the_patient_s_request_alone_needs_no_word_on_hipaa() -> None:
    without = signed(statements=frozenset(FormStatement) - {FormStatement.HIPAA_REDISCLOSURE})
    request = frozenset({Purpose.PATIENT_REQUEST})
    assert names(text(terms_of(PART_2, purposes=request), evidence=without)) == []
    both = request | {Purpose.TREATMENT}
    assert names(text(terms_of(PART_2, purposes=both), evidence=without)) == ["hipaa-redisclosure"]


def test_the_table_s_own_mark_is_that_of_this_table() -> None:
    assert re.fullmatch(r"[0-9a-f]{16}", LAW)
