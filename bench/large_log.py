"""A key log of a million bindings, as files: bundles and signed checkpoints.

Owns its making. Refuses real people: names are numbers.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from concord_formats.cosignatures import cosign, with_signatures
from concord_formats.key_log import Binding, BindingKind, origin
from concord_formats.merkle import Node, grow, joined, leaf_hash
from concord_formats.notes import Checkpoint, VerifierKey, sign_note
from concord_formats.tiles import TILE_WIDTH, decode_bundle, encode_bundle
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

SIZE = 1_000_000
# Four bindings for each account: enrolled, a device more, another encryption key, a device less.
KINDS = (BindingKind.ENROLLED, BindingKind.DEVICE_ADDED, BindingKind.KEYS_CHANGED, BindingKind.DEVICE_REVOKED)
ORGANIZATION = UUID(int=0xC1)
BASE_URL = "https://concord.test"
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
VERIFIER = VerifierKey.of(origin(BASE_URL), KEY)
_AT = datetime(2026, 11, 28, 12, tzinfo=UTC)


def binding(place: int, size: int = SIZE) -> Binding:
    """The binding at a place: first everybody enrols, then everybody adds a device, and so on."""
    accounts = size // len(KINDS)
    n, number = divmod(place, accounts)
    kind = KINDS[min(n, len(KINDS) - 1)]
    who = {"name": f"Dr. Number {number}", "npi": f"{number:010}", "organization": ORGANIZATION, "role": "clinician"}
    entry = hashlib.sha256(place.to_bytes(8, "big")).hexdigest()
    named = who if kind is BindingKind.ENROLLED else {}
    return Binding(v=1, account=UUID(int=number + 1), n=n + 1, kind=kind, entry=entry, at=_AT, **named)


@dataclass(frozen=True)
class Part:
    """What is new with one bundle: bindings from the place `start` on, their lines, nodes of the tree; and how long
    that took.
    """

    start: int
    bindings: Sequence[Binding]
    lines: Sequence[bytes]
    nodes: Sequence[Node]
    seconds: float


def build(folder: Path, size: int = SIZE) -> Iterator[Part]:
    """Make the log in `folder`, and tell of each bundle.

    Two checkpoints are signed: of `size` bindings, and of one more.
    """
    (folder / "bundles").mkdir(parents=True)
    peaks: list[Node] = []
    for start in range(0, size, TILE_WIDTH):
        began = time.perf_counter()
        bindings = [binding(place, size) for place in range(start, min(start + TILE_WIDTH, size))]
        lines = [each.encode() for each in bindings]
        nodes, peaks = grow(peaks, map(leaf_hash, lines))
        seconds = time.perf_counter() - began
        bundle_file(folder, start // TILE_WIDTH, len(lines)).write_bytes(encode_bundle(lines))
        yield Part(start, bindings, lines, nodes, seconds)
    (folder / "checkpoint").write_text(_note(size, peaks))
    further = binding(size, size).encode()
    _further(folder, size, further)
    (folder / "checkpoint-after").write_text(_note(size + 1, grow(peaks, [leaf_hash(further)])[1]))


def _further(folder: Path, size: int, line: bytes) -> None:
    """The bundle with one binding more."""
    index, width = divmod(size, TILE_WIDTH)
    before = decode_bundle(bundle_file(folder, index, width).read_bytes(), width) if width else []
    bundle_file(folder, index, width + 1).write_bytes(encode_bundle([*before, line]))


def bundle_file(folder: Path, index: int, width: int) -> Path:
    """Where the first `width` bindings of a bundle lie."""
    return folder / "bundles" / f"{index}-{width}"


def _note(size: int, peaks: Sequence[Node]) -> str:
    said = Checkpoint(VERIFIER.name, size, joined([each.hash for each in peaks])).encode()
    name = VERIFIER.name
    return with_signatures(sign_note(said, name, KEY), [cosign(said, name, KEY, int(clock()))])


def clock() -> float:
    """The moment at which everything was logged, POSIX seconds."""
    return _AT.timestamp()
