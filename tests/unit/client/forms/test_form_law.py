"""What the law asks of a form stands in it, in each language, on paper and on screen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from concord.errors import FormError
from concord.forms import Form, Representative, render_text, statements_in
from concord.forms.fit import OWN_NOTES
from concord.forms.texts import LAW, Texts, texts
from concord_formats.plain_words import plain, plain_opening
from concord_formats.vocabulary import (
    ConsentType,
    ExpiryEvent,
    FormStatement,
    Information,
    Purpose,
    Sensitivity,
    SignerAuthority,
)

from services.consent.rules.elements import ELEMENTS
from tests.unit.client.forms.made import EACH_FORM, PRACTICE, TYPES, both, flat, form

Says = Callable[[Form, Texts], list[str]]


def _names(form: Form, say: Texts) -> list[str]:
    return [say.say("line", "name", name=form.patient_name)]


def _information(form: Form, say: Texts) -> list[str]:
    return [plain_opening(each, form.language) for each in (*form.information, *form.sensitivity)]


def _end(form: Form, say: Texts) -> list[str]:
    return [say.say("line", "ends", date=say.day(form.valid_until)), plain(ExpiryEvent.END_OF_TREATMENT, form.language)]


def _purposes(form: Form, say: Texts) -> list[str]:
    return [plain_opening(each, form.language) for each in form.purposes]


def _discloser(form: Form, say: Texts) -> list[str]:
    return [say.say("line", "discloser"), form.discloser.name, say.say("line", "address", address=PRACTICE.address)]


def _recipient(form: Form, say: Texts) -> list[str]:
    line = "recipient-tpo" if form.type is ConsentType.PART_2_TPO else "recipient"
    return [say.say("line", line), form.recipient.name]


def _blank(key: str) -> Says:
    return lambda form, say: [say.say("blank", key)]


def _authority(form: Form, say: Texts) -> list[str]:
    return [say.say("blank", "authority"), *(plain(each, form.language) for each in SignerAuthority)]


def _states(*statements: FormStatement) -> Says:
    return lambda form, say: [say.statement(each, form.type) for each in statements]


def _revocation(form: Form, say: Texts) -> list[str]:
    statements = (FormStatement.RIGHT_TO_REVOKE, FormStatement.REVOCATION_EXCEPTIONS, FormStatement.HOW_TO_REVOKE)
    return [*_states(*statements)(form, say), PRACTICE.name, PRACTICE.address]


HIPAA: dict[str, Says] = {
    "45 CFR 164.508(c)(1)(i)": _information,
    "45 CFR 164.508(c)(1)(ii)": _discloser,
    "45 CFR 164.508(c)(1)(iii)": _recipient,
    "45 CFR 164.508(c)(1)(iv)": _purposes,
    "45 CFR 164.508(c)(1)(v)": _end,
    "45 CFR 164.508(c)(1)(vi): signature": _blank("signature-patient"),
    "45 CFR 164.508(c)(1)(vi): date": _blank("date"),
    "45 CFR 164.508(c)(1)(vi): authority": _authority,
    "45 CFR 164.508(c)(2)(i)": _revocation,
    "45 CFR 164.508(c)(2)(ii)": _states(FormStatement.CONDITIONING),
    "45 CFR 164.508(c)(2)(iii)": _states(FormStatement.REDISCLOSURE),
    "45 CFR 164.508(c)(3)": _states(FormStatement.PLAIN_LANGUAGE),
    "45 CFR 164.508(c)(4)": lambda form, say: [say.say("notice", "copy")],
}
PART_2: dict[str, Says] = {
    "42 CFR 2.31(a)(1)": _names,
    "42 CFR 2.31(a)(2)": _discloser,
    "42 CFR 2.31(a)(3)": _information,
    "42 CFR 2.31(a)(4)(i)": _recipient,
    "42 CFR 2.31(a)(4)(iii)": _states(FormStatement.HIPAA_REDISCLOSURE),
    "42 CFR 2.31(a)(5)": _purposes,
    "42 CFR 2.31(a)(6)": _revocation,
    "42 CFR 2.31(a)(7)": _end,
    "42 CFR 2.31(a)(8): signature": _blank("signature-patient"),
    "42 CFR 2.31(a)(8): authority": _authority,
    "42 CFR 2.31(a)(9)": _blank("date"),
    "42 CFR 2.31(a)(10)(i)": _states(FormStatement.REDISCLOSURE),
    "42 CFR 2.31(a)(10)(ii)": _states(FormStatement.CONSEQUENCES_OF_REFUSAL),
    "42 CFR 2.31(b)(3), for notes": _states(FormStatement.CONDITIONING),
    "42 CFR 2.31(d)": lambda form, say: [say.say("notice", "proceedings")],
}
ASKED = {"hipaa": HIPAA, "part-2": PART_2}


@pytest.mark.parametrize(("type_", "language"), EACH_FORM)
def test_every_element_of_its_law_stands_in_a_form(type_: ConsentType, language: str) -> None:
    made, say = form(type_, language), texts(language)
    for rendering in both(type_, language):
        lacking = [
            citation
            for citation, says in ASKED[LAW[type_]].items()
            if not all(flat(each) in rendering for each in says(made, say))
        ]
        assert lacking == []


@pytest.mark.parametrize(("type_", "language"), EACH_FORM)
def test_a_form_says_each_of_its_statements(type_: ConsentType, language: str) -> None:
    for rendering in both(type_, language):
        for statement in statements_in(type_):
            assert flat(texts(language).statement(statement, type_)) in rendering


@pytest.mark.parametrize("type_", TYPES)
def test_a_form_makes_every_statement_that_activation_asks_of_its_type(type_: ConsentType) -> None:
    asked = {each.name for each in ELEMENTS if type_ in each.citations} & {each.value for each in FormStatement}
    assert asked <= {each.value for each in statements_in(type_)}


def test_the_sentence_of_42_cfr_2_31_names_the_four_proceedings_and_the_four_classes() -> None:
    """The words of 2.31(a)(4), which a plainer text may not lose."""
    say = texts("en")
    for word in ("civil", "criminal", "administrative", "legislative", "HIPAA"):
        assert word in say.statement(FormStatement.HIPAA_REDISCLOSURE, ConsentType.PART_2_TPO)
    recipients = say.say("line", "recipient-tpo")
    assert "my treating providers, health plans, third-party payers, and people helping to operate this program" in (
        recipients
    )


@pytest.mark.parametrize("type_", sorted(OWN_NOTES))
def test_a_form_for_notes_names_those_notes_and_no_other_record(type_: ConsentType) -> None:
    text = flat(render_text(form(type_)))
    assert plain_opening(OWN_NOTES[type_], "en") in text
    assert texts("en").say("notice", type_) in text
    assert texts("en").say("line", "kinds") not in text  # the kinds are of what the notes hold


@pytest.mark.parametrize("label", sorted(OWN_NOTES.values()))
@pytest.mark.parametrize("type_", TYPES)
def test_notes_are_never_combined_with_another_form(type_: ConsentType, label: Sensitivity) -> None:
    if OWN_NOTES.get(type_) is label:
        with pytest.raises(FormError, match="names those notes"):
            form(type_, sensitivity=frozenset({Sensitivity.GENERAL}))
        return
    with pytest.raises(FormError) as refused:
        form(type_, sensitivity=form(type_).sensitivity | {label})
    assert refused.value.field == "sensitivity"


def test_nobody_signs_a_form_for_an_emergency() -> None:
    with pytest.raises(FormError):
        replace(form(), type=ConsentType.EMERGENCY)
    with pytest.raises(FormError):
        statements_in(ConsentType.EMERGENCY)
    with pytest.raises(FormError):
        form(purposes=frozenset({Purpose.TREATMENT, Purpose.EMERGENCY}))


@pytest.mark.parametrize("authority", SignerAuthority)
@pytest.mark.parametrize("language", ["en", "es"])
def test_a_representative_is_printed_with_the_authority_to_sign(authority: SignerAuthority, language: str) -> None:
    text = flat(render_text(form(language=language, representative=Representative("Eva Núñez", authority))))
    assert texts(language).say("line", "represented", name="Eva Núñez") in text
    assert texts(language).say("line", "authority", authority=plain(authority, language)) in text


@pytest.mark.parametrize("field", ["purposes", "information", "sensitivity"])
def test_a_form_that_names_nothing_is_refused(field: str) -> None:
    with pytest.raises(FormError) as refused:
        form(**{field: frozenset()})
    assert refused.value.field == field


def test_the_kinds_stand_in_one_order_whoever_asked_first() -> None:
    one = form(information=frozenset({Information.DIAGNOSES, Information.ALLERGIES}))
    other = form(information=frozenset({Information.ALLERGIES, Information.DIAGNOSES}))
    assert render_text(one) == render_text(other)
