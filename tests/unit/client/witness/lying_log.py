"""A log that may lie: it signs whatever history it is told to, with proofs of whatever it is told to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from concord.witness import Signer, States, Witness, WitnessApp
from concord.witness.submission import Submission
from concord_formats import merkle
from concord_formats.notes import Checkpoint, VerifierKey, sign_note
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

ORIGIN = "concord.test/directory/log"
# Any moment: a cosignature says it.
NOW = 1_800_000_000
# Made once: a witness's key is its name's for ever, also after a restart.
SIGNER = Signer("witness.test", Ed25519PrivateKey.generate())


def history(count: int, fork_at: int | None = None) -> list[bytes]:
    """The leaf hashes of a log; from `fork_at` on those of another history."""
    leaves = (f"{n} {'other' if fork_at is not None and n >= fork_at else ''}" for n in range(count))
    return [merkle.leaf_hash(leaf.encode()) for leaf in leaves]


@dataclass
class LyingLog:
    """A log's key, and what it signs with it."""

    origin: str = ORIGIN
    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)

    @property
    def verifier(self) -> VerifierKey:
        """What a witness is told of it."""
        return VerifierKey.of(self.origin, self.key)

    def checkpoint(self, leaves: Sequence[bytes]) -> Checkpoint:
        """What it says of a history."""
        return Checkpoint(self.origin, len(leaves), merkle.root(leaves))

    def note(self, leaves: Sequence[bytes]) -> str:
        """The same, signed."""
        return sign_note(self.checkpoint(leaves).encode(), self.origin, self.key)

    def asks(self, leaves: Sequence[bytes], old: int, proof: Sequence[bytes] | None = None) -> bytes:
        """The body that asks for a cosignature on a history; with an honest proof, if it is told no other."""
        if proof is None:
            proof = merkle.consistency_path(leaves, old) if old <= len(leaves) else ()
        return Submission(old, tuple(proof), self.note(leaves), self.checkpoint(leaves)).encode()


def witness_of(log: LyingLog, folder: Path, states: type[States] = States) -> Witness:
    """A witness of this log; another one on the same folder is the same witness after a restart, or beside it."""
    kept = states(folder)
    kept.claim(SIGNER.verifier)
    return Witness(SIGNER, [log.verifier], kept, clock=lambda: NOW)


def reached(witness: Witness) -> httpx.Client:
    """A client of the witness's app, in this process."""
    return httpx.Client(transport=httpx.WSGITransport(WitnessApp(witness)), base_url="http://witness.test")  # type: ignore[arg-type]


def evidence(folder: Path) -> list[Path]:
    """The files that are kept against a log."""
    return sorted((folder / "evidence").rglob("*.json"))
