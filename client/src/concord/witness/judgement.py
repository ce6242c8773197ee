"""Whether a checkpoint may be cosigned, after the one that was cosigned last.

Owns the decision, and the order of its reasons. Refuses I/O, signatures and time: the caller has verified who signed,
and keeps what was decided. See https://c2sp.org/tlog-witness, "add-checkpoint".
"""

from __future__ import annotations

from enum import StrEnum

from concord_formats.merkle import EMPTY_ROOT, ProofError, verify_consistency
from concord_formats.notes import Checkpoint

from .submission import Submission


class Verdict(StrEnum):
    """What a submission comes to."""

    GROWN = "grown"  # the same log, as large or larger: the only one that is cosigned
    BACKWARDS = "backwards"  # the old size is larger than the checkpoint's
    FORKED = "forked"  # as large as what was cosigned, with another root: the log signed two histories
    ELSEWHERE = "elsewhere"  # it starts from another size than the one cosigned last
    SUPERFLUOUS = "superfluous"  # a proof from nothing, or to the same tree: neither has one
    UNPROVED = "unproved"  # the proof does not lead from what was cosigned to this


# What contradicts, or may contradict, what was cosigned, and is therefore kept with both notes.
EVIDENCE = frozenset({Verdict.FORKED, Verdict.UNPROVED})


def beginning(origin: str) -> Checkpoint:
    """What counts as cosigned before anything was: the empty tree."""
    return Checkpoint(origin, 0, EMPTY_ROOT)


def judge(submission: Submission, last: Checkpoint) -> Verdict:
    """Decide about a checkpoint that a trusted key signed, after `last` of the same origin."""
    new = submission.checkpoint
    if submission.old > new.size:
        return Verdict.BACKWARDS
    if new.size == last.size and new.root != last.root:  # before the old size, which a forger may name as they like
        return Verdict.FORKED
    if submission.old != last.size:
        return Verdict.ELSEWHERE
    if last.size in (0, new.size) and submission.proof:
        return Verdict.SUPERFLUOUS
    try:
        verify_consistency(last.size, last.root, new.size, new.root, submission.proof)
    except ProofError:
        return Verdict.UNPROVED
    return Verdict.GROWN


__all__ = ["EVIDENCE", "Verdict", "beginning", "judge"]
