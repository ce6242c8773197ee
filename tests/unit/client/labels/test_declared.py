"""Declared against found: not fewer labels than the document asks for, unless its sender says why."""

from __future__ import annotations

import pytest
from concord.errors import LabelsLeftOutError
from concord.labels import LeftOut, Proposal, check_declared, missing_labels
from concord_formats.vocabulary import Information, LabelReason, Sensitivity
from hypothesis import given
from hypothesis import strategies as st

FOUND = Proposal(
    frozenset({Information.MEDICATIONS, Information.DIAGNOSES}),
    frozenset({Sensitivity.SUBSTANCE_USE, Sensitivity.HIV}),
)
PROTECTED = [Sensitivity.PART_2, Sensitivity.PSYCHOTHERAPY_NOTES]
information = st.frozensets(st.sampled_from(Information))
sensitivity = st.frozensets(st.sampled_from(Sensitivity))


def test_all_that_was_found_is_declared() -> None:
    declared = missing_labels(FOUND, FOUND.information, FOUND.sensitivity)
    assert not declared
    assert declared.words == ()
    assert check_declared(FOUND, FOUND.information, FOUND.sensitivity, None) == LeftOut()


def test_what_is_missing_is_refused_by_name() -> None:
    with pytest.raises(LabelsLeftOutError) as caught:
        check_declared(FOUND, frozenset({Information.MEDICATIONS}), frozenset({Sensitivity.GENERAL}), None)
    assert caught.value.labels == ("diagnoses", "hiv", "substance-use")
    assert caught.value.message == "the document's own codes ask for more labels: diagnoses, hiv, substance-use"
    assert all(reason in caught.value.hint for reason in LabelReason)
    assert "--label-reason" in caught.value.hint


@pytest.mark.parametrize("reason", LabelReason)
def test_a_reason_lets_it_pass_and_what_was_left_out_is_told(reason: LabelReason) -> None:
    left_out = check_declared(FOUND, FOUND.information, frozenset({Sensitivity.HIV}), reason)
    assert left_out == LeftOut(sensitivity=frozenset({Sensitivity.SUBSTANCE_USE}))
    assert left_out.words == ("substance-use",)


@pytest.mark.parametrize("label", PROTECTED)
@pytest.mark.parametrize("reason", LabelReason)
def test_a_label_with_a_consent_of_its_own_is_dropped_only_when_it_is_wrong(
    label: Sensitivity, reason: LabelReason
) -> None:
    """That the recipient has it already takes neither the notice of Part 2 nor an authorization away."""
    proposal = Proposal(sensitivity=frozenset({label, Sensitivity.HIV}))
    if reason in (LabelReason.CODED_IN_ERROR, LabelReason.NOT_IN_THIS_PART):
        assert check_declared(proposal, frozenset(), frozenset({Sensitivity.HIV}), reason).words == (label.value,)
        return
    with pytest.raises(LabelsLeftOutError) as caught:
        check_declared(proposal, frozenset(), frozenset({Sensitivity.GENERAL}), reason)
    assert caught.value.labels == (label.value,)
    assert caught.value.reasons == ("coded-in-error", "not-in-this-part")


def test_a_document_that_cannot_be_read_asks_for_nothing() -> None:
    assert not check_declared(Proposal(readable=False), frozenset(), frozenset({Sensitivity.GENERAL}), None)


def test_general_is_never_missing() -> None:
    plain = Proposal(sensitivity=frozenset({Sensitivity.GENERAL}))
    assert not check_declared(plain, frozenset(), frozenset({Sensitivity.BEHAVIORAL_HEALTH}), None)


@given(information, sensitivity, information, sensitivity)
def test_who_declares_more_leaves_out_less(
    found: frozenset[Information],
    sensitive: frozenset[Sensitivity],
    more: frozenset[Information],
    also: frozenset[Sensitivity],
) -> None:
    proposal = Proposal(found, sensitive)
    before, after = missing_labels(proposal, frozenset(), frozenset()), missing_labels(proposal, more, also)
    assert set(after.words) <= set(before.words)
    assert not set(after.words) & {label.value for label in (*more, *also)}
    assert not missing_labels(proposal, found | more, sensitive | also)
