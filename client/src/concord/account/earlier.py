"""What stood in the log before, and whether an account goes on from it.

Owns the comparison with an earlier export or an earlier checkpoint. Refuses another key, a log that shrank, and a line
that is not where and what it was. A bare checkpoint of a smaller log says less than an earlier export: that the log
went on from it takes a proof of consistency, which only the service can make.
"""

from __future__ import annotations

from collections.abc import Sequence

from concord_formats.merkle import ProofError, verify_consistency
from concord_formats.notes import Checkpoint

from ..errors import ForkedAccountError, LineMissingError, MalformedAccountError
from .bundle import MAX_BUNDLE_BYTES
from .verify import VerifiedAccount, VerifiedLine, read_key, verify_bundle, verify_checkpoint

# Every checkpoint is below this; an export begins with a brace.
_MAX_NOTE_BYTES = 256 * 1024


def check_goes_on(account: VerifiedAccount, earlier: bytes) -> bool:
    """Compare with an earlier export or checkpoint, under the account's own key.

    True when everything of it is shown to stand unchanged; False when it is a checkpoint of a smaller log, from which
    no file can show that this log went on. Raises `AccountError`.
    """
    if earlier.lstrip()[:1] == b"{":
        before = verify_bundle(earlier, account.key)
        if before.patient != account.patient:
            raise MalformedAccountError("the earlier file is the account of another patient")
        check_growth(before.checkpoint, account.checkpoint)
        check_lines(before.lines, account.lines)
        return True
    checkpoint = verify_checkpoint(_note(earlier), read_key(account.key))
    return check_growth(checkpoint, account.checkpoint)


def check_growth(before: Checkpoint, now: Checkpoint, proof: Sequence[bytes] | None = None) -> bool:
    """Whether a log grew from one checkpoint to another; `proof` is the service's proof of consistency.

    False when neither the proof nor the sizes show it. Raises `ForkedAccountError`.
    """
    if now.size < before.size:
        raise ForkedAccountError(f"the log has {now.size} lines, and had {before.size} before")
    if now.size == before.size and now.root != before.root:
        raise ForkedAccountError("the log is as long as before, and says something else")
    if proof is None:
        return before.size in (0, now.size)
    try:
        verify_consistency(before.size, before.root, now.size, now.root, proof)
    except ProofError:
        raise ForkedAccountError("the log does not begin with what stood in it before") from None
    return True


def check_lines(before: Sequence[VerifiedLine], now: Sequence[VerifiedLine]) -> None:
    """Every line of before has the same place and the same leaf. Raises `LineMissingError`, `ForkedAccountError`."""
    for then, line in zip(before, now, strict=False):
        if (then.index, then.leaf) != (line.index, line.leaf):
            raise ForkedAccountError(f"line {line.n} is not what it was before", line.n)
    if len(now) < len(before):
        raise LineMissingError(len(now) + 1, "it stood in the account before")


def _note(raw: bytes) -> str:
    if len(raw) > _MAX_NOTE_BYTES:
        raise MalformedAccountError(
            f"the earlier file is neither an export of at most {MAX_BUNDLE_BYTES} bytes nor a checkpoint"
        )
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        raise MalformedAccountError("the earlier file is neither an export nor a checkpoint") from None


__all__ = ["check_goes_on", "check_growth", "check_lines"]
