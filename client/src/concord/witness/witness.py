"""One question to a witness, from its body to its answer.

Owns the order: read, know the log, verify who signed, and then, under the log's lock, decide, persist, cosign. Refuses
to answer before what it says is on the disk. See https://c2sp.org/tlog-witness, "add-checkpoint".
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from concord_formats.notes import NoteError, VerifierKey, verify_note

from .judgement import EVIDENCE, Verdict, beginning, judge
from .keys import Signer
from .states import Cosigned, States
from .submission import Submission, SubmissionError

SIZE_TYPE = "text/x.tlog.size"
TEXT_TYPE = "text/plain; charset=utf-8"
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Answer:
    """A status of HTTP, a body, and its type."""

    status: int
    body: str
    media_type: str = TEXT_TYPE


class Witness:
    """Knows logs by their verifier keys; several keys of one name are several keys of one log. Thread-safe."""

    def __init__(
        self, signer: Signer, logs: Iterable[VerifierKey], states: States, clock: Callable[[], float] = time.time
    ) -> None:
        self.signer = signer
        self._logs: dict[str, list[VerifierKey]] = {}
        for key in logs:
            self._logs.setdefault(key.name, []).append(key)
        self._states = states
        self._clock = clock

    def add_checkpoint(self, body: bytes) -> Answer:
        """Answer one submission. Raises `WitnessStateError` and OSError: what cannot be kept is not cosigned."""
        try:
            asked = Submission.parse(body)
        except SubmissionError as error:
            return _refused(400, str(error))
        keys = self._logs.get(asked.checkpoint.origin)
        if keys is None:
            return _refused(404, "this witness does not know the log")
        if not any(_signed(asked.note, key) for key in keys):
            return _refused(403, "no key that this witness knows signed the checkpoint", log=asked.checkpoint.origin)
        with self._states.locked(asked.checkpoint.origin):
            last = self._states.last(asked.checkpoint.origin)
            return self._decided(asked, last)

    def _decided(self, asked: Submission, last: Cosigned | None) -> Answer:
        before = last.checkpoint if last else beginning(asked.checkpoint.origin)
        verdict = judge(asked, before)
        if verdict in EVIDENCE:
            self._keep_evidence(verdict, asked, last)
        match verdict:
            case Verdict.GROWN:
                return self._cosigned(asked)
            case Verdict.BACKWARDS:
                return _refused(400, "the old size is larger than the checkpoint's", asked)
            case Verdict.SUPERFLUOUS:
                return _refused(422, "there is no proof from nothing, or to the same tree", asked)
            case Verdict.UNPROVED:
                return _refused(422, "the proof does not lead from the checkpoint cosigned last to this one", asked)
            case Verdict.FORKED | Verdict.ELSEWHERE:
                _event(logging.INFO, "refused", asked, status=409, reason=str(verdict), cosigned=before.size)
                return Answer(409, f"{before.size}\n", SIZE_TYPE)

    def _cosigned(self, asked: Submission) -> Answer:
        at = int(self._clock())
        self._states.keep(asked.note, asked.checkpoint, at)
        # From here on a crash costs a question more: the log learns of the new size by a 409.
        line = self.signer.cosign(asked.checkpoint, at)
        _event(logging.INFO, "cosigned", asked)
        return Answer(200, line)

    def _keep_evidence(self, verdict: Verdict, asked: Submission, last: Cosigned | None) -> None:
        path = self._states.keep_evidence(verdict, asked.note, asked.checkpoint, last)
        kept = f"evidence/{path.parent.name}/{path.name}" if path else "not kept: there is too much of it"
        _event(logging.WARNING, "evidence", asked, kind=str(verdict), file=kept)


def _signed(note: str, key: VerifierKey) -> bool:
    try:
        verify_note(note, key)
    except NoteError:
        return False
    return True


def _refused(status: int, why: str, asked: Submission | None = None, **members: object) -> Answer:
    _event(logging.INFO, "refused", asked, status=status, reason=why, **members)
    return Answer(status, f"{why}\n")


def _event(level: int, what: str, asked: Submission | None, **members: object) -> None:
    """One line. `asked` only when a known log signed it: what anybody else sends stands in no log line."""
    if asked is not None:
        new = asked.checkpoint
        members = {"log": new.origin, "old": asked.old, "size": new.size, "root": new.root.hex(), **members}
    _log.log(level, "%s %s", what, " ".join(f"{name}={value!r}" for name, value in members.items()))


__all__ = ["SIZE_TYPE", "TEXT_TYPE", "Answer", "Witness"]
