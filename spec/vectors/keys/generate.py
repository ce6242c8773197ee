"""Makes `keys.json` beside it: keys, fingerprints, signatures and key histories, from fixed seeds.

Owns the vectors of `spec/keys.md`. Refuses to run where they are: they were made once, and are checked for ever
(ML-DSA-65 signs with fresh randomness, so that a second run gives other signatures, as valid as the first).

    python spec/vectors/keys/generate.py
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID

from concord.age import HybridIdentity
from concord.signing import HybridSigningKey, first_entry, next_entry
from concord_formats.key_entries import DeviceKeys, SignedEntry
from concord_formats.signatures import SignedKind, signed_bytes, to_base64url
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

HERE = Path(__file__).parent
START = datetime(2026, 11, 23, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def seed(name: str, length: int = 64) -> bytes:
    """A seed that everybody can make: SHAKE256 of its name."""
    return hashlib.shake_256(f"concord vectors: {name}".encode()).digest(length)


def identifier(name: str) -> UUID:
    """An id made from its name."""
    return UUID(bytes=seed(name, 16), version=4)


def device(name: str) -> DeviceKeys:
    """The public keys of a device made from its name."""
    authentication = Ed25519PrivateKey.from_private_bytes(seed(f"{name} authentication", 32)).public_key()
    return DeviceKeys(
        id=identifier(f"{name} device"),
        signing=signing_key(name).public().encode(),
        authentication=to_base64url(authentication.public_bytes_raw()),
    )


def signing_key(name: str) -> HybridSigningKey:
    """The signing key of a device made from its name."""
    return HybridSigningKey.from_seed(seed(f"{name} signing"))


def encryption(name: str) -> HybridIdentity:
    """An encryption key made from its name."""
    return HybridIdentity.from_seed(seed(f"{name} encryption", 32))


def identity_key(name: str) -> HybridSigningKey:
    """The identity key of an account made from its name."""
    return HybridSigningKey.from_seed(seed(f"{name} identity"))


def enrolled(name: str) -> SignedEntry:
    """The first entry of an account made from its name."""
    recipient = str(encryption(name).recipient())
    return first_entry(identifier(name), identity_key(name), recipient, device(name), at=START)


@cache
def history(name: str) -> tuple[SignedEntry, ...]:
    """Enrolled, a second device added, the first one revoked, the encryption key rotated; an hour between each."""
    entries = [enrolled(name)]
    rotated = str(encryption(f"{name} second").recipient())
    changes: list[dict[str, Any]] = [
        {"add_device": device(f"{name} second")},
        {"revoke_device": device(name).id},
        {"encryption_recipient": rotated},
    ]
    for number, change in enumerate(changes, 1):
        entries.append(next_entry(identity_key(name), entries[-1], at=START + number * HOUR, **change))
    return tuple(entries)


def encoded(entries: Iterable[SignedEntry]) -> list[dict[str, str]]:
    """Entries as the directory gives them out."""
    return [{"entry": to_base64url(e.entry), "signature": to_base64url(e.signature)} for e in entries]


def _key(name: str, key: HybridSigningKey) -> dict[str, str]:
    public = key.public()
    return {"name": name, "seed": key.seed.hex(), "public": public.encode(), "fingerprint": public.fingerprint()}


def _signature(kind: SignedKind, payload: bytes) -> dict[str, str]:
    key = signing_key("ana")
    return {
        "kind": kind.value,
        "payload": payload.hex(),
        "signed_bytes": signed_bytes(kind, payload).hex(),
        "public": key.public().encode(),
        "signature": to_base64url(key.sign(kind, payload)),
    }


def _resigned(before: tuple[SignedEntry, ...], **changed: Any) -> list[SignedEntry]:
    """A history whose last entry says something else, well signed."""
    line = json.dumps(json.loads(before[-1].entry) | changed, separators=(",", ":")).encode()
    signature = identity_key("ana").sign(SignedKind.KEY_ENTRY, line)
    return [*before[:-1], SignedEntry(line, signature)]


def _refused() -> dict[str, list[SignedEntry]]:
    ana, noor = history("ana"), history("noor")
    lost = json.loads(ana[0].entry)["devices"]
    kept = json.loads(ana[2].entry)["devices"]
    back = {"kind": "device-added", "devices": [*kept, *lost]}
    same_key = {name: json.loads(ana[2].entry)[name] for name in ("encryption", "encryption_version")}
    twice = ana[0].entry[:-1] + b',"n":1}'
    return {
        "empty": [],
        "the start is missing": list(ana[1:]),
        "an entry is missing": [ana[0], ana[2]],
        "an entry stands twice": [ana[0], ana[0]],
        "another account goes on": [ana[0], noor[1]],
        "the signature is another entry's": [SignedEntry(ana[0].entry, ana[1].signature)],
        "one half of the signature is broken": [
            SignedEntry(ana[0].entry, bytes(64) + ana[0].signature[64:]),
        ],
        "a member stands twice": [
            SignedEntry(twice, identity_key("ana").sign(SignedKind.KEY_ENTRY, twice)),
        ],
        "more changes than the kind says": _resigned(ana, devices=lost),
        "the encryption version jumps": _resigned(ana, encryption_version=3),
        "dated before the one before": _resigned(ana, at="2026-11-23T11:00:00Z"),
        "a revoked device comes back": _resigned(ana, **same_key, **back),
    }


def make() -> dict[str, Any]:
    """All of it; each entry stands once in `entries`, and a history is a list of places there."""
    pool: list[SignedEntry] = []

    def places(entries: Iterable[SignedEntry]) -> list[int]:
        pool.extend(dict.fromkeys(entry for entry in entries if entry not in pool))
        return [pool.index(entry) for entry in entries]

    histories = {name: places(history(name)) for name in ("ana", "noor")}
    refused = {why: places(entries) for why, entries in _refused().items()}
    return {
        "keys": [_key("ana identity", identity_key("ana")), _key("ana signing", signing_key("ana"))],
        "signatures": [_signature(kind, b'{"v":1}') for kind in SignedKind],
        "entries": encoded(pool),
        "digests": [entry.digest for entry in pool],
        "accounts": {name: str(identifier(name)) for name in histories},
        "encryption_seeds": {name: [_encryption_seed(name), _encryption_seed(f"{name} second")] for name in histories},
        "histories": histories,
        "refused": refused,
    }


def _encryption_seed(name: str) -> str:
    return encryption(name).seed.hex()


if __name__ == "__main__":
    with (HERE / "keys.json").open("x") as file:
        file.write(json.dumps(make(), indent=1) + "\n")
