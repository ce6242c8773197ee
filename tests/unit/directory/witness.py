"""A witness for tests: it remembers what it cosigned, and may misbehave.

Owns the other end of C2SP's tlog-witness as the specification has it. Refuses a network: it is an httpx transport.
"""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable

import httpx
from concord_formats.cosignatures import WitnessKey, cosign
from concord_formats.merkle import EMPTY_ROOT, ProofError, verify_consistency
from concord_formats.notes import Checkpoint, NoteError, VerifierKey, verify_note
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

NAME = "witness.test/w"
PREFIX = "https://witness.test/w"


class FakeWitness(httpx.BaseTransport):
    """Knows the log by its key. `answer` takes the place of the answer it would give, `asked` counts."""

    def __init__(self, log: VerifierKey, name: str = NAME, time: int = 1_800_000_000) -> None:
        self.log = log
        self.name = name
        self.time = time
        self.private = Ed25519PrivateKey.generate()
        self.key = WitnessKey.of(name, self.private)
        self.known = Checkpoint(log.name, 0, EMPTY_ROOT)
        self.asked = 0
        self.answer: Callable[[httpx.Request], httpx.Response] | None = None
        self._lock = threading.Lock()

    @property
    def setting(self) -> str:
        """As CONCORD_WITNESSES names it."""
        return f"{self.key.encode()}@https://{self.name}"

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """One request."""
        with self._lock:
            self.asked += 1
            answer = (self.answer or self._answered)(request)
        # Not read yet, as it comes from a network.
        return httpx.Response(answer.status_code, headers=answer.headers, stream=answer.stream)

    def _answered(self, request: httpx.Request) -> httpx.Response:
        if (request.method, str(request.url)) != ("POST", f"https://{self.name}/add-checkpoint"):
            return httpx.Response(404)
        return self._add(request.read().decode())

    def _add(self, body: str) -> httpx.Response:
        head, _, note = body.partition("\n\n")
        first, *proof = head.split("\n")
        word, _, old = first.partition(" ")
        assert word == "old"
        try:
            text = verify_note(note, self.log)
        except NoteError:
            return httpx.Response(403)
        said = Checkpoint.parse(text)
        if int(old) > said.size:
            return httpx.Response(400)
        if int(old) != self.known.size or (said.size == self.known.size and said.root != self.known.root):
            return httpx.Response(409, text=f"{self.known.size}\n", headers={"Content-Type": "text/x.tlog.size"})
        try:
            path = [base64.b64decode(line) for line in proof]
            verify_consistency(self.known.size, self.known.root, said.size, said.root, path)
        except ProofError:
            return httpx.Response(422)
        self.known, self.time = said, self.time + 1
        return httpx.Response(200, text=cosign(text, self.name, self.private, self.time))


class Witnesses(httpx.BaseTransport):
    """Several witnesses, each at its own host."""

    def __init__(self, *witnesses: FakeWitness) -> None:
        self._by_host = {each.name.partition("/")[0]: each for each in witnesses}

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """One request."""
        return self._by_host[request.url.host].handle_request(request)
