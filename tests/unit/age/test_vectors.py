"""The public vectors of the age format, and our own: each comes out as it says, accepted or refused."""

from __future__ import annotations

import hashlib
import io
import zlib
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from concord.age import (
    AgeError,
    ArmorError,
    HeaderError,
    HeaderMacError,
    Identity,
    NoMatchError,
    PayloadError,
    ScryptIdentity,
    decrypting_reader,
    parse_identity,
)

ROOT = Path(__file__).resolve().parents[3]
OWN = ROOT / "spec" / "vectors" / "age"
PUBLIC = ROOT.parent / "shared" / "age-vectors"
EXPECTED: dict[str, type[AgeError] | None] = {
    "success": None,
    "no match": NoMatchError,
    "HMAC failure": HeaderMacError,
    "header failure": HeaderError,
    "payload failure": PayloadError,
    "armor failure": ArmorError,
}


@dataclass
class Vector:
    """One vector file: its head, and the age file in it."""

    expect: str = ""
    payload: str | None = None
    identities: list[Identity] = field(default_factory=list)
    file: bytes = b""


def read_vector(path: Path) -> Vector:
    """Read the textual head and the file behind it."""
    head, _, body = path.read_bytes().partition(b"\n\n")
    vector = Vector()
    for line in head.decode().splitlines():
        key, _, value = line.partition(": ")
        if key == "expect":
            vector.expect = value
        elif key == "payload":
            vector.payload = value
        elif key == "identity":
            vector.identities.append(parse_identity(value))
        elif key == "passphrase":
            vector.identities.append(ScryptIdentity(value))
        elif key == "compressed":
            body = zlib.decompress(body)
    vector.file = body
    return vector


def vectors() -> list[Path]:
    """Every vector that is here: ours always, the public ones where they are at hand."""
    return [
        path for folder in (OWN, PUBLIC) if folder.is_dir() for path in sorted(folder.iterdir()) if path.suffix == ""
    ]


@pytest.mark.parametrize("path", vectors(), ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_vector_comes_out_as_it_says(path: Path) -> None:
    vector = read_vector(path)
    released = io.BytesIO()
    outcome: type[AgeError] | None = None
    try:
        reader = decrypting_reader(io.BytesIO(vector.file), vector.identities)
        while piece := reader.read1(1 << 20):
            released.write(piece)
    except AgeError as error:
        outcome = type(error)
    expected = EXPECTED[vector.expect]
    assert outcome is expected or (expected is NoMatchError and outcome and issubclass(outcome, NoMatchError))
    if vector.payload:
        assert hashlib.sha256(released.getvalue()).hexdigest() == vector.payload


def test_our_own_vectors_are_here() -> None:
    assert len([path for path in vectors() if path.parent == OWN]) >= 12
