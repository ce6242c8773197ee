"""What a letter tells of the key log: its sender's proof, held against one's own view of the log.

Owns the checks of a letter's tlog-proof. Refuses a sender whose entry is in no log; a letter that shows a fork opens,
for its body is authenticated, and says so before the document: a directory that shows two logs is found by ordinary
letters. Specified in `spec/letter.md`, "Key log".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from concord_formats.key_entries import KeyEntry, KeyEntryError, SignedEntry, read_entries
from concord_formats.key_log import Binding, BindingError, read_binding
from concord_formats.log_proof import LogProof
from concord_formats.merkle import ProofError, leaf_hash, verify_inclusion
from concord_formats.notes import Checkpoint, NoteError

from ..errors import (
    BadHistoryError,
    ForkedLogError,
    HiddenRotationError,
    KeyLogError,
    LogKeyError,
    MalformedLogError,
    RolledBackLogError,
    ServiceError,
    UnloggedKeyError,
    UnreachableError,
)
from .alarms import of_error
from .checkpoints import read_checkpoint
from .judging import entries_of
from .log import KeyLog


@dataclass(frozen=True)
class InLetter:
    """What a letter says: its proof, who sealed it on which device, the sender's checked history.

    `sealed_to` is the digest of one's own encryption key that it was sealed to (empty for a letter of one's own).
    `own` gives one's own checked history, each entry with the digest of its encryption key, as long as the log has it.
    """

    proof: str
    sender: UUID
    device: UUID
    history: Sequence[SignedEntry]
    sealed_to: str = ""
    own: Callable[[], Sequence[tuple[SignedEntry, str]]] = tuple


def meet(log: KeyLog, letter: InLetter) -> tuple[str, ...]:
    """What there is to doubt about a letter, a line each; each was kept as an alarm.

    Raises `MalformedLogError`, `UnloggedKeyError` for a sender who does not prove to be in a log.
    """
    proof, line, binding = read_proof(letter.proof)
    checkpoint = _check_sender(letter, proof, line, binding)
    return tuple(_doubts(log, letter, proof, checkpoint))


def read_proof(text: str) -> tuple[LogProof, bytes, Binding]:
    """A proof, and the binding that it proves, as its line and what that says. Raises `MalformedLogError`."""
    try:
        proof = LogProof.parse(text)
        if proof.extra is None:
            raise MalformedLogError(_UNREADABLE, _ASK_SENDER)
        return proof, proof.extra, read_binding(proof.extra)
    except (NoteError, BindingError):
        raise MalformedLogError(_UNREADABLE, _ASK_SENDER) from None


_UNREADABLE = "the letter's proof of its sender's keys cannot be read"
_ASK_SENDER = "Do not rely on this letter. Ask its sender, by telephone, to send it again."


def _check_sender(letter: InLetter, proof: LogProof, line: bytes, binding: Binding) -> Checkpoint:
    """The binding is of an entry of the sender that has the device, and it is in the tree of the proof's checkpoint."""
    entry = _entry(letter, binding)
    if binding.account != letter.sender or entry is None or entry.device(letter.device) is None:
        raise UnloggedKeyError(
            "the letter's proof is not of keys of its sender and of the device that sealed it", _ASK_SENDER
        )
    checkpoint = proof.unverified_checkpoint()
    try:
        verify_inclusion(leaf_hash(line), proof.index, checkpoint.size, proof.path, checkpoint.root)
    except ProofError:
        raise UnloggedKeyError(
            "the keys of the letter's sender are not in the log that it names", _ASK_SENDER
        ) from None
    return checkpoint


def _entry(letter: InLetter, binding: Binding) -> KeyEntry | None:
    if not binding.kind.records_entry or binding.n > len(letter.history):
        return None
    if letter.history[binding.n - 1].digest != binding.entry:
        return None
    try:
        return read_entries(letter.history)[binding.n - 1]
    except KeyEntryError as error:
        raise BadHistoryError(f"the sender's key history cannot be relied on: {error}") from None


def _doubts(log: KeyLog, letter: InLetter, proof: LogProof, checkpoint: Checkpoint) -> Iterator[str]:
    try:
        _compare(log, proof.checkpoint, checkpoint)
        _check_sealed_to(log, letter, proof.checkpoint, checkpoint.size)
    except KeyLogError as error:
        log.keep(of_error(error))
        yield f"{error.message}. {error.hint}"
    except (ServiceError, UnreachableError) as error:
        # A directory that gives no log must neither keep a letter shut, nor pass for one that was compared.
        yield f"It could not be compared with the key log: {error.message}. {error.hint}"


def _compare(log: KeyLog, note: str, checkpoint: Checkpoint) -> None:
    """The letter's checkpoint and one's own are of one log. Raises `KeyLogError`."""
    if checkpoint.size > log.pinned.checkpoint.size or not log.pinned.keys:
        log.refresh(within=0)
    _check_signed(log, note)
    seen = log.pinned
    evidence = {"seen": seen.note, "shown": note}
    if checkpoint.size > seen.checkpoint.size:
        message = f"the letter's sender was shown a log of {checkpoint.size} bindings, and you {seen.checkpoint.size}"
        raise RolledBackLogError(message, about=checkpoint.encode(), evidence=evidence)
    if log.read(lambda: log.mirror.root(checkpoint.size)) != checkpoint.root:
        message = "the directory shows the letter's sender another log than you"
        raise ForkedLogError(message, about=checkpoint.encode(), evidence=evidence)


def _check_signed(log: KeyLog, note: str) -> None:
    """By a key of the log, or one that the pinned key has led to since.

    Anybody can write a letter with a note under some key of their own: such a note proves nothing against the log,
    and stops nothing.
    """
    try:
        read_checkpoint(note, log.pinned.keys)
    except LogKeyError:
        log.refresh(within=0)
        read_checkpoint(note, log.pinned.keys)


def _check_sealed_to(log: KeyLog, letter: InLetter, note: str, size: int) -> None:
    """The key that was sealed to was the newest that the sender's log had. Raises `HiddenRotationError`."""
    replaced = _replacement(letter)
    if replaced is None:
        return
    mine = entries_of(log.read(lambda: log.mirror.bindings(log.me, size)))
    if any((each.n, each.entry) == replaced for each in mine):
        raise HiddenRotationError(
            "the letter was sealed to a key that you had replaced: the directory hid that from its sender",
            about=f"{letter.sender} {letter.sealed_to} {size}",
            evidence={"shown": note, "n": replaced[0], "entry": replaced[1], "sealed_to": letter.sealed_to},
        )


def _replacement(letter: InLetter) -> tuple[int, str] | None:
    """Number and digest of the entry that replaced the key that was sealed to, if one did."""
    own = letter.own() if letter.sealed_to else ()
    places = [n for n, (_, key) in enumerate(own, start=1) if key == letter.sealed_to]
    if not places or places[-1] == len(own):
        return None
    return places[-1] + 1, own[places[-1]][0].digest


__all__ = ["InLetter", "meet", "read_proof"]
