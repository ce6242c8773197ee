"""What a consent comes to at the gate."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.consent.rules.elements import IncompleteError, missing_elements
from services.consent.rules.grants import Grant, as_fact, compile_grants
from services.consent.rules.terms import Direction, Text
from tests.unit.consent.examples import EVIDENCE, TERMS, accepted, narrower, text, texts, whole_texts


def grants_of(whole: Text) -> tuple[Grant, ...]:
    try:
        return compile_grants(whole)
    except IncompleteError:
        return ()


def says(grant: Grant) -> set[tuple[object, ...]]:
    """Every single permission a grant amounts to."""
    way = (grant.discloser, grant.recipient)
    return set(itertools.product([way], grant.purposes, grant.information, grant.sensitivity))


def test_a_direction_that_its_discloser_has_not_accepted_is_never_compiled() -> None:
    assert [each.discloser for each in compile_grants(text(accept=(1,)))] == [TERMS.recipient]
    assert len(compile_grants(text(accept=(0, 1)))) == 2


def test_an_acceptance_of_other_evidence_gives_no_grant() -> None:
    """Whoever swaps the form after an acceptance gains nothing by it."""
    swapped = replace(text(), evidence=replace(EVIDENCE, sha256="cd" * 32))
    with pytest.raises(IncompleteError):
        compile_grants(swapped)


def test_an_accepted_direction_that_the_text_does_not_have_gives_no_grant() -> None:
    one_way = replace(TERMS, mutual=False)
    back = Direction(TERMS.recipient, TERMS.discloser, accepted())
    forward = Direction(TERMS.discloser, TERMS.recipient, accepted())
    assert len(compile_grants(Text(one_way, EVIDENCE, (forward, back)))) == 1


def test_a_grant_as_a_fact_is_sorted_and_in_utc() -> None:
    fact = as_fact(compile_grants(text())[0])
    assert fact["information"] == ["diagnoses", "medications"]
    assert fact["valid_from"] == "2026-11-22T12:00:00Z"
    assert fact["discloser"] == {"kind": "practitioner", "id": str(TERMS.discloser.id)}


@given(texts())
def test_compiled_grants_never_say_more_than_the_text(any_text: Text) -> None:
    terms = any_text.terms
    for grant in grants_of(any_text):
        assert (grant.discloser, grant.recipient) in terms.ways
        assert grant.purposes <= terms.purposes
        assert grant.information <= terms.information
        assert grant.sensitivity <= terms.sensitivity
        assert terms.valid_from <= grant.valid_from <= grant.valid_until <= terms.valid_until
        assert (grant.valid_from == grant.valid_until) == (any_text.ended_at is not None)
        backing = [d for d in any_text.directions if (d.discloser, d.recipient) == (grant.discloser, grant.recipient)]
        assert any(each.live(any_text.evidence) for each in backing)


@given(texts())
def test_nothing_is_compiled_while_an_element_is_missing(any_text: Text) -> None:
    assert not (missing_elements(any_text) and grants_of(any_text))


@given(whole_texts(), st.randoms())
def test_the_order_of_acceptance_never_matters(whole: Text, random: object) -> None:
    shuffled = list(whole.directions)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert compile_grants(replace(whole, directions=tuple(shuffled))) == compile_grants(whole)


@given(st.data())
def test_narrowing_never_adds_a_grant(data: st.DataObject) -> None:
    whole = data.draw(whole_texts())
    narrow = narrower(data.draw, whole)
    wide = {grant for each in compile_grants(whole) for grant in says(each)}
    for grant in grants_of(narrow):
        assert says(grant) <= wide
        assert whole.terms.valid_from <= grant.valid_from
        assert grant.valid_until <= whole.terms.valid_until
