"""A log of disclosures as the consent service keeps it, with a real key and a real tree, for the account's tests."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from concord_formats.account import ORIGIN, AccountCount, leaf_data
from concord_formats.merkle import EMPTY_ROOT, consistency_ranges, grow, inclusion_ranges, joined, leaf_hash, places
from concord_formats.notes import Checkpoint, VerifierKey, sign_note
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

TOKEN = "pt_" + "a" * 26
OTHER = "pt_" + "b" * 26
START = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
SENDER = UUID("5e4de700-0000-4000-8000-000000000001")
RECIPIENT = UUID("7ec19e17-0000-4000-8000-000000000002")
CONSENT = UUID("c0115e17-0000-4000-8000-000000000003")


def to_text(raw: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def event(n: int, patient: str = TOKEN, kind: str = "released", **data: Any) -> str:
    """The exact text of an event of messaging."""
    at = (START + timedelta(hours=n)).isoformat().replace("+00:00", "Z")
    said = {
        "patient": patient,
        "letter": str(UUID(int=n)),
        "consent": str(CONSENT),
        "consent_version": 1,
        "sender": str(SENDER),
        "recipient": str(RECIPIENT),
        "purpose": "treatment",
        "information": ["diagnoses", "medications"],
        "sensitivity": ["general"],
        "at": at,
        "basis": "consent",
        "notice": False,
        "n": n,
    }
    envelope = {
        "specversion": "1.0",
        "id": str(UUID(int=2**100 + n)),
        "source": "messaging",
        "type": f"care.concord.messaging.letter-{kind}.v1",
        "time": at,
        "subject": said["letter"],
        "datacontenttype": "application/json",
        "data": {name: value for name, value in (said | data).items() if value is not None},
    }
    return json.dumps(envelope, separators=(",", ":"))


@dataclass
class Line:
    """A line in the log."""

    patient: str
    n: int
    salt: bytes
    event: str

    @property
    def leaf(self) -> bytes:
        """What stands in the tree."""
        return leaf_data(self.salt, self.event.encode())


@dataclass
class Log:
    """A log: what was appended, in order."""

    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    lines: list[Line] = field(default_factory=list)

    @property
    def vkey(self) -> str:
        """The verifier key."""
        return VerifierKey.of(ORIGIN, self.key).encode()

    def append(self, patient: str = TOKEN, text: str | None = None, *, n: int | None = None, **said: Any) -> None:
        """Append the next line of a patient."""
        number = n or sum(line.patient == patient for line in self.lines) + 1
        salt = hashlib.sha256(f"salt {len(self.lines)}".encode()).digest()
        self.lines.append(Line(patient, number, salt, text or event(number, patient, **said)))

    def checkpoint(self, size: int | None = None, origin: str = ORIGIN) -> str:
        """The signed checkpoint of the first `size` lines."""
        size = len(self.lines) if size is None else size
        return sign_note(Checkpoint(origin, size, Tree(self.lines[:size]).root).encode(), ORIGIN, self.key)

    def consistency(self, size: int, later: int) -> list[bytes]:
        """The proof that the first `size` lines were the whole log once."""
        tree = Tree(self.lines[:later])
        return [tree.range(*each) for each in consistency_ranges(size, later)]

    def members(self, patient: str = TOKEN, *, blinded: frozenset[int] = frozenset()) -> dict[str, Any]:
        """The export of a patient, as an object to be changed."""
        tree = Tree(self.lines)
        own = [(index, line) for index, line in enumerate(self.lines) if line.patient == patient]
        size = len(self.lines)
        return {
            "v": 1,
            "patient": patient,
            "made_at": "2026-06-01T00:00:00Z",
            "log_key": self.vkey,
            "checkpoint": self.checkpoint(),
            "count": self.count(patient, len(own), size),
            "last": len(own),
            "lines": [_exported(line, index, tree.path(index), line.n in blinded) for index, line in own],
        }

    def count(self, patient: str, last: int, size: int) -> str:
        """A signed count."""
        return sign_note(AccountCount(patient, last, size).encode(), ORIGIN, self.key)

    def export(self, patient: str = TOKEN, *, blinded: frozenset[int] = frozenset()) -> bytes:
        """The export of a patient."""
        return encoded(self.members(patient, blinded=blinded))


class Tree:
    """The tree of some lines, with every hash at hand."""

    def __init__(self, lines: list[Line]) -> None:
        self.size = len(lines)
        nodes, _ = grow((), (leaf_hash(line.leaf) for line in lines))
        self._at = {(node.level, node.index): node.hash for node in nodes}

    @property
    def root(self) -> bytes:
        """The root."""
        return self.range(0, self.size) if self.size else EMPTY_ROOT

    def path(self, index: int) -> list[bytes]:
        """The inclusion path of a leaf."""
        return [self.range(*each) for each in inclusion_ranges(index, self.size)]

    def range(self, start: int, end: int) -> bytes:
        """The hash of the leaves from `start` up to `end`."""
        return joined([self._at[each] for each in places(start, end)])


def encoded(members: dict[str, Any]) -> bytes:
    """An export's bytes."""
    return json.dumps(members, separators=(",", ":")).encode()


def small_log(lines: int = 5) -> Log:
    """A log in which two patients' lines take turns: `lines` of TOKEN, as many of OTHER."""
    log = Log()
    for _ in range(lines):
        log.append(OTHER)
        log.append(TOKEN)
    return log


def _exported(line: Line, index: int, path: list[bytes], blinded: bool) -> dict[str, Any]:
    said = {"leaf": to_text(line.leaf)} if blinded else {"salt": to_text(line.salt), "event": line.event}
    return {"n": line.n, "index": index, **said, "proof": [to_text(step) for step in path]}
