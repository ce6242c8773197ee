"""Declared against found.

Owns the rule that a sender declares every label that was found, or says why not with a word of a closed list. Refuses
to drop a label that calls for a consent of its own for a reason that does not say that the document is something else:
the notice goes with Part 2 records (42 CFR 2.32) and psychotherapy notes need their own authorization
(45 CFR 164.508(a)(2)), whoever has them already.
"""

from __future__ import annotations

from collections.abc import Set

from concord_formats.vocabulary import PART_2_LABELS, Information, LabelReason, Sensitivity

from ..errors import LabelsLeftOutError
from .proposal import LeftOut, Proposal

_PROTECTED = PART_2_LABELS | {Sensitivity.PSYCHOTHERAPY_NOTES}
# Only these say that the document is not what its security label says.
_REASONS_AGAINST_PROTECTED = (LabelReason.CODED_IN_ERROR, LabelReason.NOT_IN_THIS_PART)


def missing_labels(proposal: Proposal, information: Set[Information], sensitivity: Set[Sensitivity]) -> LeftOut:
    """What was found and is not declared. `general` is never missing: it says that nothing sensitive was found."""
    return LeftOut(
        proposal.information - information,
        proposal.sensitivity - sensitivity - {Sensitivity.GENERAL},
    )


def check_declared(
    proposal: Proposal, information: Set[Information], sensitivity: Set[Sensitivity], reason: LabelReason | None
) -> LeftOut:
    """What is left out for `reason`, for the statement. Raises `LabelsLeftOutError` when no reason is given, or one
    that will not do.
    """
    left_out = missing_labels(proposal, information, sensitivity)
    if left_out and reason is None:
        raise LabelsLeftOutError(left_out.words)
    protected = left_out.sensitivity & _PROTECTED
    if protected and reason not in _REASONS_AGAINST_PROTECTED:
        raise LabelsLeftOutError(sorted(protected), _REASONS_AGAINST_PROTECTED)
    return left_out


__all__ = ["check_declared", "missing_labels"]
