"""What stood in the log before, and whether an account goes on from it.

Owns the comparison with an earlier export or an earlier checkpoint. Refuses a key that did not lead to the account's,
a log that shrank, and a line that is not where and what it was. A bare checkpoint of a smaller log says less than an
earlier export: that the log went on from it takes a proof of consistency, which only the service can make.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from concord_formats.merkle import ProofError, verify_consistency
from concord_formats.notes import Checkpoint, VerifierKey
from concord_formats.succession import follow, named

from ..errors import CheckpointError, ForkedAccountError, LineMissingError, LogKeyChangedError, MalformedAccountError
from .bundle import MAX_BUNDLE_BYTES
from .verify import VerifiedAccount, VerifiedLine, read_key, verify_bundle, verify_checkpoint

# Every checkpoint is below this; an export begins with a brace.
_MAX_NOTE_BYTES = 256 * 1024


def check_goes_on(account: VerifiedAccount, earlier: bytes, key: str | None = None) -> bool:
    """Compare with an earlier export or checkpoint, under the account's own key or a former one.

    True when everything of it is shown to stand unchanged; False when it is a checkpoint of a smaller log, from which
    no file can show that this log went on. A checkpoint names no key, and an export only those after the first: for a
    checkpoint of that one the reader gives the `key`. Raises `AccountError`.
    """
    if earlier.lstrip()[:1] == b"{":
        before = verify_bundle(earlier)
        if not leads_to(account, read_key(before.key)):
            raise LogKeyChangedError("the earlier file is under a key that did not lead to the account's")
        if before.patient != account.patient:
            raise MalformedAccountError("the earlier file is the account of another patient")
        check_growth(before.checkpoint, account.checkpoint)
        check_lines(before.lines, account.lines)
        return True
    return check_growth(_checkpoint(_note(earlier), account, key), account.checkpoint)


def leads_to(account: VerifiedAccount, key: VerifierKey) -> bool:
    """Whether a key is the account's, or led to it by signatures."""
    return follow(account.succession, key, read_key(account.key))


def _checkpoint(note: str, account: VerifiedAccount, key: str | None) -> Checkpoint:
    """The checkpoint that one of the log's keys signed. Raises `CheckpointError`."""
    given = () if key is None else (read_key(key),)
    former = [each for each in (*given, *named(account.succession)) if leads_to(account, each)]
    for each in former:
        with suppress(CheckpointError):
            return verify_checkpoint(note, each)
    return verify_checkpoint(note, read_key(account.key))


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
