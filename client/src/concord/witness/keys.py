"""The key of a witness: a file of its own, and what it signs.

Owns the file (a JWK whose `kid` is the witness's name, mode 0600) and the cosignature. Refuses any other use: it is no
key of a person, of a device or of a log.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

from concord_formats.cosignatures import WitnessKey, cosign
from concord_formats.notes import Checkpoint, NoteError
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

from ..errors import WitnessKeyFileError


@dataclass(frozen=True, repr=False)
class Signer:
    """A witness's name and its private key. Thread-safe; it does not print itself."""

    name: str
    key: Ed25519PrivateKey

    @property
    def verifier(self) -> str:
        """The verifier key (type 0x04) that clients are told: `name+id+key`."""
        return WitnessKey.of(self.name, self.key).encode()

    def cosign(self, checkpoint: Checkpoint, at: int) -> str:
        """The signature line on a checkpoint, at `at` (POSIX seconds)."""
        return cosign(checkpoint.encode(), self.name, self.key, at)


def make_key(path: Path, name: str) -> Signer:
    """Write a new key to `path`, which must not be there. Raises `WitnessKeyFileError`, OSError."""
    key = Ed25519PrivateKey.generate()
    try:
        WitnessKey.of(name, key)
    except NoteError as error:
        raise WitnessKeyFileError(str(error)) from None
    members = OKPKey.import_key(key).as_dict(private=True) | {"kid": name}
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise WitnessKeyFileError(f"{path} is there already") from None
    with os.fdopen(descriptor, "w") as file:
        file.write(json.dumps(members) + "\n")
        file.flush()
        os.fsync(descriptor)
    return Signer(name, key)


def read_key(path: Path) -> Signer:
    """The key in a file. Raises `WitnessKeyFileError`, OSError."""
    try:
        members = json.loads(path.read_text(encoding="utf-8"))
        name, private = members["kid"], OKPKey.import_key(members).private_key
        if not isinstance(private, Ed25519PrivateKey):
            raise WitnessKeyFileError(f"{path} holds no private Ed25519 key")
        WitnessKey.of(name, private)
    except (JoseError, KeyError, TypeError, ValueError):
        raise WitnessKeyFileError(f"{path} is no key of a witness") from None
    return Signer(name, private)


__all__ = ["Signer", "make_key", "read_key"]
