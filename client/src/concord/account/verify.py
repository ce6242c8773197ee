"""Whether an exported account is the one that the log holds, whole and unchanged: decided offline.

Owns the checks and their order: the key, the signed checkpoint, the signed count, every number from 1 to the last once,
each line in the tree, and what stood there before still standing. Refuses to trust the file: a key comes from whoever
verifies. It cannot know what a line says that the reader may not see, only that it stands in the log; nor whether
messaging told of everything: that is what its own numbers are for. Specified in `spec/account.md`; RFC 6962, section
2.1.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from concord_formats.account import ORIGIN, AccountCount, leaf_data
from concord_formats.merkle import ProofError, leaf_hash, verify_inclusion
from concord_formats.notes import Checkpoint, NoteError, VerifierKey, verify_note
from concord_formats.signatures import SignatureError, from_base64url
from concord_formats.succession import follow

from ..errors import (
    CheckpointError,
    CountError,
    LineChangedError,
    LineMisplacedError,
    LineMissingError,
    LineRepeatedError,
    LogKeyChangedError,
    MalformedAccountError,
)
from .bundle import Bundle, BundleLine, read_bundle
from .event import AccountEvent, read_event


@dataclass(frozen=True)
class VerifiedLine:
    """A line that stands in the log at `index`; `event` is None where the reader may not see it (`leaf` alone)."""

    n: int
    index: int
    leaf: bytes
    event: AccountEvent | None


@dataclass(frozen=True)
class VerifiedAccount:
    """An account of which every line stands in the log: `lines` are 1 to the last, none missing.

    `key` is the verifier key that signed, `note` the signed checkpoint as it came. `goes_on` says whether all of an
    earlier file is shown to stand unchanged; None when there was none to compare with. `succession` are the notes by
    which the log's keys followed each other.
    """

    patient: str
    key: str
    checkpoint: Checkpoint
    note: str
    lines: tuple[VerifiedLine, ...]
    succession: tuple[str, ...] = ()
    goes_on: bool | None = None

    @property
    def events(self) -> list[AccountEvent]:
        """What the reader may see, by date."""
        return sorted((line.event for line in self.lines if line.event), key=lambda event: (event.at, event.n))

    @property
    def blinded(self) -> int:
        """How many lines the reader may not see."""
        return sum(line.event is None for line in self.lines)


def verify_bundle(raw: bytes, key: str | None = None, *, patient: str | None = None) -> VerifiedAccount:
    """Verify one export under `key` or a key that it leads to, or, without one, under the key that it names itself.

    `patient` is the token whose account it should be. Raises `AccountError`: each of its kinds is what failed.
    """
    bundle = read_bundle(raw)
    if patient not in (None, bundle.patient):
        raise CountError("the account is another patient's than the one that was asked for")
    verifier = _key(bundle, key)
    checkpoint = verify_checkpoint(bundle.checkpoint, verifier)
    _check_count(bundle, verifier, checkpoint)
    _check_numbers(bundle)
    lines = tuple(_verified(bundle, checkpoint))
    named = verifier.encode()
    return VerifiedAccount(bundle.patient, named, checkpoint, bundle.checkpoint, lines, tuple(bundle.succession))


def verify_checkpoint(note: str, key: VerifierKey) -> Checkpoint:
    """The checkpoint of a signed note. Raises `CheckpointError`."""
    try:
        checkpoint = Checkpoint.parse(verify_note(note, key))
    except NoteError as error:
        raise CheckpointError(f"the log's checkpoint does not verify: {error}") from None
    if checkpoint.origin != ORIGIN:
        raise CheckpointError("the checkpoint is of another log than the account's")
    return checkpoint


def read_key(text: str) -> VerifierKey:
    """Read a verifier key, `name+id+key`. Raises `MalformedAccountError`."""
    try:
        return VerifierKey.decode(text.strip())
    except NoteError as error:
        raise MalformedAccountError(str(error), "key") from None


def _key(bundle: Bundle, key: str | None) -> VerifierKey:
    own = read_key(bundle.log_key)
    if key is not None and not follow(bundle.succession, read_key(key), own):
        raise LogKeyChangedError("the account is under another key than the one it should be under")
    return own


def _check_count(bundle: Bundle, key: VerifierKey, checkpoint: Checkpoint) -> None:
    try:
        count = AccountCount.parse(verify_note(bundle.count, key))
    except NoteError as error:
        raise CountError(f"the signed count of lines does not verify: {error}") from None
    if count.patient != bundle.patient:
        raise CountError("the signed count is of another patient's account")
    if count.size != checkpoint.size:
        raise CountError("the signed count was made at another checkpoint")
    if count.last != bundle.last:
        raise CountError(f"the account says that it has {bundle.last} lines, the signed count says {count.last}")


def _check_numbers(bundle: Bundle) -> None:
    """Every number of 1 to the last once, in their order."""
    numbers = [line.n for line in bundle.lines]
    if numbers == list(range(1, len(numbers) + 1)) and len(numbers) == bundle.last:
        return
    seen: set[int] = set()
    for n in numbers:
        if n in seen:
            raise LineRepeatedError(n)
        seen.add(n)
    missing = next((n for n in range(1, bundle.last + 1) if n not in seen), None)
    if missing is not None:
        raise LineMissingError(missing)
    if len(numbers) > bundle.last:
        raise CountError(f"line {max(numbers)} is beyond the signed count of {bundle.last}")
    raise LineMisplacedError(next(n for place, n in enumerate(numbers, 1) if n != place))


def _verified(bundle: Bundle, checkpoint: Checkpoint) -> Iterator[VerifiedLine]:
    before = -1
    for line in bundle.lines:
        leaf = _leaf_in_tree(line, checkpoint)
        if line.index <= before:
            raise LineMisplacedError(line.n, "it stands in the log before the line that it follows")
        before = line.index
        yield VerifiedLine(line.n, line.index, leaf, _event(line, bundle.patient))


def _leaf_in_tree(line: BundleLine, checkpoint: Checkpoint) -> bytes:
    """What stands in the tree for a line. Raises `LineChangedError`."""
    try:
        leaf = _leaf(line)
        path = [from_base64url(step) for step in line.proof]
        verify_inclusion(leaf_hash(leaf), line.index, checkpoint.size, path, checkpoint.root)
    except (ProofError, SignatureError, ValueError):
        raise LineChangedError(line.n, "it is not what stands in the log") from None
    return leaf


def _leaf(line: BundleLine) -> bytes:
    if line.leaf is not None:
        return from_base64url(line.leaf)
    assert line.salt is not None and line.event is not None  # noqa: S101 - the shape says so
    return leaf_data(from_base64url(line.salt), line.event.encode())


def _event(line: BundleLine, patient: str) -> AccountEvent | None:
    if line.event is None:
        return None
    try:
        event = read_event(line.event)
    except MalformedAccountError as error:
        raise MalformedAccountError(error.message, f"line {line.n}") from None
    if event.patient != patient:
        raise LineChangedError(line.n, "it is a line of another patient's account")
    if event.n != line.n:
        raise LineChangedError(line.n, f"it is line {event.n} of the account")
    return event


__all__ = ["VerifiedAccount", "VerifiedLine", "read_key", "verify_bundle", "verify_checkpoint"]
