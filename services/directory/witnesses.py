"""Asking a witness to cosign a checkpoint (C2SP tlog-witness, add-checkpoint).

Owns the request, the strict reading of the answer, and the words for what may go wrong. Refuses to trust a witness with
anything: its cosignature is verified here, its answer is read up to a bound and within a time, and it sends nobody on
to another address.
"""

from __future__ import annotations

import base64
import re
import time
from collections.abc import Callable, Sequence
from enum import StrEnum

import httpx
from concord_formats.cosignatures import WitnessKey, line_among
from concord_formats.merkle import MAX_SIZE
from concord_formats.notes import Checkpoint, NoteError, unverified_text

# A witness is somebody else's machine, maybe far away; nobody waits for it but the worker.
TIMEOUT = httpx.Timeout(5.0, connect=3.0)
# For the whole of one answer: the timeout above begins anew with every byte.
ANSWER_SECONDS = 10.0
# A cosignature line is below 500 bytes, and a witness may have a few keys.
MAX_ANSWER_BYTES = 16 * 1024
# Once from where we believe it to be, once from where it says it is, and once more if another process was faster.
TRIES = 3
_SIZE = re.compile(rb"(0|[1-9][0-9]{0,18})\n?")

# The proof from a size of the log to the size of the checkpoint, lowest hash first.
ProofFrom = Callable[[int], Sequence[bytes]]


class Trouble(StrEnum):
    """Why there is no cosignature. The last two say that the witness has seen another log than this one."""

    UNREACHABLE = "unreachable"
    REFUSED = "refused"
    MALFORMED = "malformed"
    AHEAD = "ahead"
    CONTRADICTS = "contradicts"


class WitnessError(Exception):
    """A witness did not cosign."""

    def __init__(self, trouble: Trouble) -> None:
        super().__init__(trouble)
        self.trouble = trouble


class Witness:
    """The witness with that key, at that prefix. Thread-safe. `transport` replaces the network."""

    def __init__(self, key: WitnessKey, prefix: str, transport: httpx.BaseTransport | None = None) -> None:
        self.key = key
        self._url = f"{prefix}/add-checkpoint"
        self._client = httpx.Client(timeout=TIMEOUT, follow_redirects=False, transport=transport)

    def cosign(self, note: str, old: int, proof_from: ProofFrom) -> str:
        """The witness's verified line under `note`; `old` is the size of which it is believed to know a checkpoint.

        Raises `WitnessError`.
        """
        size = Checkpoint.parse(unverified_text(note)).size
        for _ in range(TRIES):
            status, answer = self._post(_request(note, old, proof_from(old)))
            if status == 200:
                return self._line(note, answer)
            if status != 409:
                raise WitnessError(Trouble.CONTRADICTS if status == 422 else Trouble.REFUSED)
            old = _conflict(answer, old, size)
        raise WitnessError(Trouble.REFUSED)

    def _post(self, body: bytes) -> tuple[int, bytes]:
        """Status and body. Raises `WitnessError`."""
        ends, answer = time.monotonic() + ANSWER_SECONDS, bytearray()
        try:
            with self._client.stream("POST", self._url, content=body) as response:
                for piece in response.iter_raw(1024):
                    answer += piece
                    if len(answer) > MAX_ANSWER_BYTES:
                        raise WitnessError(Trouble.MALFORMED)
                    if time.monotonic() > ends:
                        raise WitnessError(Trouble.UNREACHABLE)
                return response.status_code, bytes(answer)
        except httpx.HTTPError:
            raise WitnessError(Trouble.UNREACHABLE) from None

    def _line(self, note: str, answer: bytes) -> str:
        """The one line of this witness's key among those that it sent, under this text and no other."""
        try:
            return line_among(answer.decode(), unverified_text(note), self.key)
        except (NoteError, UnicodeDecodeError):
            raise WitnessError(Trouble.MALFORMED) from None


def _request(note: str, old: int, proof: Sequence[bytes]) -> bytes:
    lines = [f"old {old}", *(base64.b64encode(each).decode() for each in proof), ""]
    return "".join(f"{line}\n" for line in lines).encode() + note.encode()


def _conflict(answer: bytes, old: int, size: int) -> int:
    """From where to try again: the size that the witness knows. Raises `WitnessError` where that is of no use."""
    found = _SIZE.fullmatch(answer)
    if found is None or int(found[1]) > MAX_SIZE:
        raise WitnessError(Trouble.MALFORMED)
    known = int(found[1])
    if known > size:
        raise WitnessError(Trouble.AHEAD)
    if known == old:  # a root of this size that is another one; of a smaller size we said nothing yet
        raise WitnessError(Trouble.CONTRADICTS if old == size else Trouble.MALFORMED)
    return known


__all__ = ["Trouble", "Witness", "WitnessError"]
