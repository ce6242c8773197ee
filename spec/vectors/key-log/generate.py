"""Makes `key-log.json` beside it: a key log with every kind of binding, its notes, tiles and proofs, and a recovery.

Owns the vectors of `spec/key-log.md`, and those of `spec/keys.md` for recovered entries and attestations. Refuses to
run where they are: they were made once, and are checked for ever (ML-DSA-65 signs with fresh randomness, so that a
second run gives other attestations, as valid as the first; everything else comes out the same).

    python spec/vectors/key-log/generate.py
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from uuid import UUID

from concord.age import HybridIdentity
from concord.signing import HybridSigningKey, first_entry, next_entry
from concord_formats import merkle
from concord_formats.attestations import Attestation, Proof, SignedAttestation
from concord_formats.cosignatures import WitnessKey, cosign, with_signatures
from concord_formats.key_entries import DeviceKeys, EntryKind, KeyEntry, SignedEntry, read_entry
from concord_formats.key_log import Binding, BindingKind, origin
from concord_formats.log_proof import LogProof
from concord_formats.notes import Checkpoint, VerifierKey, sign_note
from concord_formats.signatures import SignedKind, to_base64url
from concord_formats.succession import name_successor
from concord_formats.tiles import TILE_WIDTH, encode_bundle, entries_path, tiles_of
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

HERE = Path(__file__).parent
START = datetime(2026, 11, 28, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
BASE_URL = "https://Concord.example:443/"
ORIGIN = origin(BASE_URL)
WITNESS = "witness.example/w1"
EARLIER = 3
COUNTED = (1, 255, 256, 257, 1000)


def seed(name: str, length: int = 64) -> bytes:
    """A seed that everybody can make: SHAKE256 of its name."""
    return hashlib.shake_256(f"concord vectors: {name}".encode()).digest(length)


def identifier(name: str) -> UUID:
    """An id made from its name."""
    return UUID(bytes=seed(name, 16), version=4)


def ed25519(name: str) -> Ed25519PrivateKey:
    """A log's or witness's key made from its name."""
    return Ed25519PrivateKey.from_private_bytes(seed(name, 32))


def signing_key(name: str) -> HybridSigningKey:
    """An identity or device key made from its name."""
    return HybridSigningKey.from_seed(seed(name))


def device(name: str) -> DeviceKeys:
    """The public keys of a device made from its name."""
    authentication = ed25519(f"{name} authentication").public_key().public_bytes_raw()
    public = signing_key(f"{name} signing").public().encode()
    return DeviceKeys(id=identifier(f"{name} device"), signing=public, authentication=to_base64url(authentication))


def recipient(name: str) -> str:
    """An encryption key made from its name."""
    return str(HybridIdentity.from_seed(seed(f"{name} encryption", 32)).recipient())


def enrolled(name: str) -> SignedEntry:
    """The first entry of an account made from its name."""
    key = signing_key(f"{name} identity")
    return first_entry(identifier(name), key, recipient(name), device(name), at=START)


def recovered(before: SignedEntry, name: str, at: datetime, **changed: Any) -> SignedEntry:
    """The entry by which the owner of an account goes on under new keys, made from `name`."""
    last, key = read_entry(before), signing_key(f"{name} identity")
    members = {
        "n": last.n + 1,
        "previous": before.digest,
        "kind": EntryKind.RECOVERED,
        "identity": key.public().encode(),
        "encryption": recipient(name),
        "encryption_version": last.encryption_version + 1,
        "devices": (device(name),),
        "at": at,
    }
    line = KeyEntry.model_validate(last.model_dump() | members | changed).encode()
    return SignedEntry(line, key.sign(SignedKind.KEY_ENTRY, line))


def attested(entry: SignedEntry, by: str, how: Proof, at: datetime) -> SignedAttestation:
    """The signed word of an administrator made from a name."""
    whole = Attestation(
        v=1,
        account=read_entry(entry).account,
        entry=entry.digest,
        attestor=identifier(by),
        device=device(by).id,
        how=how,
        at=at,
    )
    line = whole.encode()
    return SignedAttestation(line, signing_key(f"{by} signing").sign(SignedKind.ATTESTATION, line))


def who(name: str, npi: str | None) -> dict[str, Any]:
    """The members that name somebody."""
    return {"name": name, "npi": npi, "organization": identifier("organization"), "role": "practitioner"}


def binding(hour: int, entry: SignedEntry, kind: BindingKind | None = None, **further: Any) -> bytes:
    """A leaf about an entry."""
    read = read_entry(entry)
    members = {"account": read.account, "n": read.n, "kind": kind or BindingKind(read.kind), "entry": entry.digest}
    return Binding(v=1, at=START + hour * HOUR, **members, **further).encode()


def story() -> tuple[list[bytes], list[SignedEntry], list[SignedAttestation]]:
    """A log of nine leaves, Ana's history in it (enrolled, then recovered), and the two attestations."""
    ana, noor = enrolled("log ana"), enrolled("log noor")
    noors = signing_key("log noor identity")
    added = next_entry(noors, noor, add_device=device("log noor second"), at=START + HOUR)
    revoked = next_entry(noors, added, revoke_device=device("log noor").id, at=START + 2 * HOUR)
    rotated = next_entry(noors, revoked, encryption_recipient=recipient("log noor second"), at=START + 2 * HOUR)
    refused = recovered(ana, "log eve", START + 3 * HOUR)
    again = recovered(ana, "log ana second", START + 5 * HOUR)
    words = [
        attested(again, "log administrator", Proof.IN_PERSON, START + 5 * HOUR),
        attested(again, "log other administrator", Proof.VIDEO, START + 6 * HOUR),
    ]
    false = [attested(refused, by, Proof.KNOWN_BY_VOICE, START + 3 * HOUR).digest for by in ("log eve", "log mallory")]
    true = [word.digest for word in words]
    anas = who("Ana Ruíz, MD", "1234567893")
    announced = BindingKind.RECOVERY_ANNOUNCED
    later = START + 3 * HOUR + timedelta(hours=72)
    leaves = [
        binding(0, ana, **anas),
        binding(0, noor, **who("Noor Haddad", None)),
        binding(1, added),
        binding(2, revoked),
        binding(2, rotated),
        binding(3, refused, announced, **anas, effective_from=later, attestations=tuple(false)),
        binding(4, refused, BindingKind.RECOVERY_REFUSED),
        binding(6, again, announced, **anas, effective_from=later + 3 * HOUR, attestations=tuple(true)),
        binding(79, again, **anas, attestations=tuple(true)),
    ]
    return leaves, [ana, again], words


def checkpoint(leaves: list[bytes], size: int, key: Ed25519PrivateKey, at: int) -> str:
    """A checkpoint as it is served: signed, cosigned by the log's own key at `at` and by a witness a second later."""
    root = merkle.root([merkle.leaf_hash(leaf) for leaf in leaves[:size]])
    text = Checkpoint(ORIGIN, size, root).encode()
    clocks = [cosign(text, ORIGIN, key, at), cosign(text, WITNESS, ed25519("log witness"), at + 1)]
    return with_signatures(sign_note(text, ORIGIN, key), clocks)


def counted(size: int) -> dict[str, Any]:
    """A tree whose leaf i is the decimal text of i: its root, and the digest of each of its tiles."""
    hashes = [merkle.leaf_hash(str(number).encode()) for number in range(size)]
    nodes = {(each.level, each.index): each.hash for each in merkle.grow((), hashes)[0]}
    tiles = {
        tile.path: b"".join(nodes[8 * tile.level, TILE_WIDTH * tile.index + place] for place in range(tile.width))
        for tile in tiles_of(size)
    }
    return {
        "size": size,
        "root": merkle.root(hashes).hex(),
        "tiles": {path: hashlib.sha256(raw).hexdigest() for path, raw in tiles.items()},
    }


def _refused_bindings(leaves: list[bytes]) -> dict[str, str]:
    enrolment, changed, announced = (json.loads(leaves[place]) for place in (0, 4, 7))
    without = {name: value for name, value in announced.items() if name != "effective_from"}
    wrong = {
        "an enrolment is not the first": enrolment | {"n": 2},
        "a first binding that is no enrolment": changed | {"n": 1},
        "a rotation names somebody": changed | {"name": "Noor Haddad"},
        "an enrolment that names nobody": {name: enrolment[name] for name in changed},
        "a recovery is announced without its moment": without,
        "a recovery takes effect before it is announced": announced | {"effective_from": "2026-11-28T12:00:00Z"},
        "one attestation twice": announced | {"attestations": announced["attestations"][:1] * 2},
        "one attestation": announced | {"attestations": announced["attestations"][:1]},
        "a member that nobody knows": changed | {"device": str(identifier("x"))},
        "a name that turns the writing": enrolment | {"name": "Ana \u202eziuR"},
    }
    lines = {why: json.dumps(members, separators=(",", ":")) for why, members in wrong.items()}
    return lines | {
        "a member stands twice": leaves[4].decode()[:-1] + ',"n":4}',
        "two lines": leaves[4].decode() + "\n",
    }


def _refused_checkpoints(leaves: list[bytes], good: str) -> dict[str, str]:
    text, key = good.partition("\n\n")[0] + "\n", ed25519("log")
    plain = sign_note(text, ORIGIN, key)
    clock = cosign(text, ORIGIN, key, 1_795_000_000)
    other = ed25519("log stranger")
    return {
        "no time": plain,
        "a time and no signature": f"{text}\n{clock}",
        "two times": f"{plain}{clock}{cosign(text, ORIGIN, key, 1_795_000_060)}",
        "the time of another text": f"{plain}{cosign(text.replace(ORIGIN, 'x.example'), ORIGIN, key, 1_795_000_000)}",
        "another key": checkpoint(leaves, len(leaves), other, 1_795_000_000),
        "another size": good.replace(f"\n{len(leaves)}\n", f"\n{len(leaves) + 1}\n", 1),
        "an extension line": with_signatures(
            sign_note(f"{text}extension\n", ORIGIN, key), [cosign(f"{text}extension\n", ORIGIN, key, 1_795_000_000)]
        ),
    }


def _refused_proofs(good: str) -> dict[str, str]:
    lines = good.split("\n")
    return {
        "another leaf": good.replace("index 8", "index 7", 1),
        "a leaf that is not in the tree": good.replace("index 8", "index 9", 1),
        "a hash less": good.replace(f"{lines[2]}\n", "", 1),
        "a hash more": good.replace(f"{lines[2]}\n", f"{lines[2]}\n" * 2, 1),
        "a number with a zero": good.replace("index 8", "index 08", 1),
        "another version": good.replace("@v1", "@v2", 1),
        "no empty line": good.replace("\n\n", "\n", 1),
    }


def _refused_recoveries(history: list[SignedEntry]) -> dict[str, list[SignedEntry]]:
    ana, at = history[0], START + 5 * HOUR
    first = read_entry(ana)
    old = device("log ana")
    two = (device("log ana second"), device("log ana third"))
    third = {"encryption": recipient("log ana third"), "devices": two[1:]}
    return {
        "the encryption key is kept": [ana, recovered(ana, "log ana second", at, encryption=first.encryption)],
        "the device is kept": [ana, recovered(ana, "log ana second", at, devices=(old,))],
        "two devices": [ana, recovered(ana, "log ana second", at, devices=two)],
        "the encryption version stays": [ana, recovered(ana, "log ana second", at, encryption_version=1)],
        "the identity stays": [ana, recovered(ana, "log ana", at, **third)],
        "it is the first": [recovered(ana, "log ana second", at)],
        "a former identity comes back": [*history, recovered(history[1], "log ana", at, **third)],
    }


def _entries(entries: Iterable[SignedEntry]) -> list[dict[str, str]]:
    return [{"entry": to_base64url(each.entry), "signature": to_base64url(each.signature)} for each in entries]


def _recovery(history: list[SignedEntry], words: list[SignedAttestation]) -> dict[str, Any]:
    moved = SignedAttestation(words[0].line.replace(b"in-person", b"video"), words[0].signature)
    exchanged = SignedAttestation(words[0].line, words[1].signature)
    return {
        "history": _entries(history),
        "attestations": [_word(word) for word in words],
        "attestors": [signing_key(f"{by} signing").public().encode() for by in _ADMINISTRATORS],
        "refused_histories": {why: _entries(entries) for why, entries in _refused_recoveries(history).items()},
        "refused_attestations": {"another word": _word(moved), "another's signature": _word(exchanged)},
    }


_ADMINISTRATORS = ("log administrator", "log other administrator")


def _word(signed: SignedAttestation) -> dict[str, str]:
    return {"line": to_base64url(signed.line), "signature": to_base64url(signed.signature)}


def make() -> dict[str, Any]:
    """All of it."""
    leaves, history, words = story()
    hashes = [merkle.leaf_hash(leaf) for leaf in leaves]
    size = len(leaves)
    keys = [ed25519(name) for name in ("log", "log second", "log third")]
    note = checkpoint(leaves, size, keys[0], 1_795_000_000)
    own = LogProof(size - 1, tuple(merkle.inclusion_path(hashes, size - 1)), note, leaves[-1])
    return {
        "base_url": BASE_URL,
        "origin": ORIGIN,
        "log_seed": seed("log", 32).hex(),
        "log_key": VerifierKey.of(ORIGIN, keys[0]).encode(),
        "witness_seed": seed("log witness", 32).hex(),
        "witness_key": WitnessKey.of(WITNESS, ed25519("log witness")).encode(),
        "bindings": [leaf.decode() for leaf in leaves],
        "leaf_hashes": [each.hex() for each in hashes],
        "roots": [merkle.root(hashes[:count]).hex() for count in range(size + 1)],
        "checkpoints": [
            {"size": EARLIER, "at": 1_794_990_000, "note": checkpoint(leaves, EARLIER, keys[0], 1_794_990_000)},
            {"size": size, "at": 1_795_000_000, "note": note},
        ],
        "consistency": [each.hex() for each in merkle.consistency_path(hashes, EARLIER)],
        "tiles": {tile.path: to_base64url(b"".join(hashes)) for tile in tiles_of(size)},
        "bundles": {entries_path(0, size): to_base64url(encode_bundle(leaves))},
        "counted": [counted(count) for count in COUNTED],
        "proofs": [
            {"leaf": size - 1, "proof": own.encode()},
            {"leaf": 4, "proof": LogProof(4, tuple(merkle.inclusion_path(hashes, 4)), note).encode()},
        ],
        "succession": {
            "keys": [VerifierKey.of(ORIGIN, key).encode() for key in keys],
            "notes": [name_successor(old, ORIGIN, new) for old, new in pairwise(keys)],
        },
        "refused": {
            "bindings": _refused_bindings(leaves),
            "checkpoints": _refused_checkpoints(leaves, note),
            "proofs": _refused_proofs(LogProof(own.index, own.path, note).encode()),
            "tile_paths": ["0/0", "0/x000/001", "00/001", "64/000", "0/001.p/256", "0/001.p/0", "0/001.p/01", "0/x001"],
            "bundles": {
                "cut": {"width": 2, "bundle": to_base64url(encode_bundle(leaves[:2])[:-1])},
                "one too many": {"width": 2, "bundle": to_base64url(encode_bundle(leaves[:3]))},
                "one too few": {"width": 2, "bundle": to_base64url(encode_bundle(leaves[:1]))},
            },
        },
        "recovery": _recovery(history, words),
    }


if __name__ == "__main__":
    with (HERE / "key-log.json").open("x") as file:
        file.write(json.dumps(make(), indent=1) + "\n")
