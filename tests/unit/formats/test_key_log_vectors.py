"""`spec/vectors/key-log`: made once, checked for ever."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from concord_formats import merkle
from concord_formats.attestations import AttestationError, SignedAttestation, read_attestation
from concord_formats.cosignatures import WitnessKey, cosigned_at, own_clock
from concord_formats.key_entries import KeyEntryError, SignedEntry, read_entries
from concord_formats.key_log import BindingError, BindingKind, origin, read_binding
from concord_formats.log_proof import LogProof
from concord_formats.merkle import ProofError
from concord_formats.notes import Checkpoint, NoteError, VerifierKey, verify_note
from concord_formats.signatures import HybridPublicKey, from_base64url
from concord_formats.succession import follow
from concord_formats.tiles import Tile, TileError, decode_bundle, parse_entries_path, tile_hashes, tiles_of
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pymerkle import InmemoryTree

VECTORS: dict[str, Any] = json.loads(
    (Path(__file__).resolve().parents[3] / "spec" / "vectors" / "key-log" / "key-log.json").read_text()
)
LINES = [line.encode() for line in VECTORS["bindings"]]
SIZE = len(LINES)
LEAVES = [bytes.fromhex(each) for each in VECTORS["leaf_hashes"]]
ROOTS = [bytes.fromhex(each) for each in VECTORS["roots"]]
LOG, WITNESS = VerifierKey.decode(VECTORS["log_key"]), WitnessKey.decode(VECTORS["witness_key"])
REFUSED, RECOVERY = VECTORS["refused"], VECTORS["recovery"]


def entries(encoded: list[dict[str, str]]) -> list[SignedEntry]:
    return [SignedEntry(from_base64url(each["entry"]), from_base64url(each["signature"])) for each in encoded]


def word(encoded: dict[str, str]) -> SignedAttestation:
    return SignedAttestation(from_base64url(encoded["line"]), from_base64url(encoded["signature"]))


def checked(note: str) -> tuple[Checkpoint, int]:
    """A checkpoint as every reader takes it: signed by the log, with the time at which the log said so."""
    return Checkpoint.parse(verify_note(note, LOG)), cosigned_at(note, own_clock(LOG))


def test_the_keys_are_made_of_their_seeds() -> None:
    for key, seed in ((LOG, "log_seed"), (WITNESS, "witness_seed")):
        private = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(VECTORS[seed]))
        assert private.public_key().public_bytes_raw() == key.ed25519
    assert origin(VECTORS["base_url"]) == VECTORS["origin"] == LOG.name


def test_these_are_bindings_of_every_kind() -> None:
    assert {read_binding(line).kind for line in LINES} == set(BindingKind)
    for line in LINES:
        assert read_binding(line).encode() == line


def test_leaves_and_roots_are_those_of_their_lines() -> None:
    tree = InmemoryTree(algorithm="sha256")
    tree.append_entries(LINES)
    assert [hashlib.sha256(b"\0" + line).digest() for line in LINES] == LEAVES
    assert (
        [tree.get_root(size) for size in range(SIZE + 1)] == ROOTS == [merkle.root(LEAVES[:n]) for n in range(SIZE + 1)]
    )


@pytest.mark.parametrize("vector", VECTORS["checkpoints"], ids=lambda vector: str(vector["size"]))
def test_these_checkpoints_are_signed_dated_and_witnessed(vector: dict[str, Any]) -> None:
    checkpoint, at = checked(vector["note"])
    assert checkpoint == Checkpoint(VECTORS["origin"], vector["size"], ROOTS[vector["size"]])
    assert at == vector["at"]
    assert cosigned_at(vector["note"], WITNESS) == at + 1


def test_the_later_log_begins_with_the_earlier_one() -> None:
    path = [bytes.fromhex(each) for each in VECTORS["consistency"]]
    earlier = VECTORS["checkpoints"][0]["size"]
    merkle.verify_consistency(earlier, ROOTS[earlier], SIZE, ROOTS[SIZE], path)


def test_the_tiles_and_bundles_hold_the_log() -> None:
    assert [Tile.parse(path) for path in VECTORS["tiles"]] == tiles_of(SIZE)
    for path, raw in VECTORS["tiles"].items():
        assert tile_hashes(from_base64url(raw), Tile.parse(path).width) == LEAVES
    for path, raw in VECTORS["bundles"].items():
        assert decode_bundle(from_base64url(raw), parse_entries_path(path)[1]) == LINES


@pytest.mark.parametrize("vector", VECTORS["counted"], ids=lambda vector: str(vector["size"]))
def test_the_tiles_of_larger_trees_have_these_digests(vector: dict[str, Any]) -> None:
    leaves = [merkle.leaf_hash(str(number).encode()) for number in range(vector["size"])]
    assert merkle.root(leaves).hex() == vector["root"]
    assert [tile.path for tile in tiles_of(vector["size"])] == list(vector["tiles"])
    for path, digest in vector["tiles"].items():
        tile = Tile.parse(path)
        span = 256**tile.level
        starts = [(256 * tile.index + place) * span for place in range(tile.width)]
        raw = b"".join(merkle.root(leaves[start : start + span]) for start in starts)
        assert hashlib.sha256(raw).hexdigest() == digest


@pytest.mark.parametrize("vector", VECTORS["proofs"], ids=lambda vector: str(vector["leaf"]))
def test_these_proofs_verify(vector: dict[str, Any]) -> None:
    proof = LogProof.parse(vector["proof"])
    assert proof.index == vector["leaf"]
    assert proof.verify(LEAVES[vector["leaf"]], LOG).size == SIZE
    assert proof.extra in (None, LINES[vector["leaf"]])


def test_the_keys_of_the_log_follow_one_another() -> None:
    keys = [VerifierKey.decode(each) for each in VECTORS["succession"]["keys"]]
    notes = VECTORS["succession"]["notes"]
    assert keys[0] == LOG
    for start, key in enumerate(keys):
        assert [follow(notes, key, other) for other in keys] == [place >= start for place in range(len(keys))]


def test_this_recovery_is_sound_and_attested_twice() -> None:
    history, words = entries(RECOVERY["history"]), [word(each) for each in RECOVERY["attestations"]]
    assert [entry.kind for entry in read_entries(history)] == ["enrolled", "recovered"]
    binding = read_binding(LINES[-1])
    assert binding.entry == history[-1].digest
    assert binding.attestations == tuple(each.digest for each in words)
    for each, key in zip(words, RECOVERY["attestors"], strict=True):
        said = read_attestation(each, HybridPublicKey.decode(key))
        assert (said.account, said.entry) == (binding.account, binding.entry)


@pytest.mark.parametrize("why", REFUSED["bindings"])
def test_these_are_no_bindings(why: str) -> None:
    with pytest.raises(BindingError):
        read_binding(REFUSED["bindings"][why].encode())


@pytest.mark.parametrize("why", REFUSED["checkpoints"])
def test_these_are_no_checkpoints(why: str) -> None:
    with pytest.raises(NoteError):
        checked(REFUSED["checkpoints"][why])


@pytest.mark.parametrize("why", REFUSED["proofs"])
def test_these_prove_nothing(why: str) -> None:
    with pytest.raises((NoteError, ProofError)):
        LogProof.parse(REFUSED["proofs"][why]).verify(LEAVES[-1], LOG)


@pytest.mark.parametrize("path", REFUSED["tile_paths"])
def test_these_paths_name_no_tile(path: str) -> None:
    with pytest.raises(TileError):
        Tile.parse(path)


@pytest.mark.parametrize("why", REFUSED["bundles"])
def test_these_bundles_are_refused(why: str) -> None:
    vector = REFUSED["bundles"][why]
    with pytest.raises(TileError):
        decode_bundle(from_base64url(vector["bundle"]), vector["width"])


@pytest.mark.parametrize("why", RECOVERY["refused_histories"])
def test_these_recoveries_are_refused(why: str) -> None:
    with pytest.raises(KeyEntryError):
        read_entries(entries(RECOVERY["refused_histories"][why]))


@pytest.mark.parametrize("why", RECOVERY["refused_attestations"])
def test_these_attestations_are_refused(why: str) -> None:
    with pytest.raises(AttestationError):
        read_attestation(word(RECOVERY["refused_attestations"][why]), HybridPublicKey.decode(RECOVERY["attestors"][0]))


def test_a_note_is_what_other_programs_read() -> None:
    """Taken apart by hand: text, an empty line, and lines of a name and base64 of key id and signature."""
    text, _, tail = VECTORS["checkpoints"][1]["note"].partition("\n\n")
    names = [line.split(" ")[1] for line in tail.splitlines()]
    raws = [base64.b64decode(line.split(" ")[2]) for line in tail.splitlines()]
    assert names == [LOG.name, LOG.name, WITNESS.name]
    assert [len(raw) for raw in raws] == [68, 76, 76]
    assert text.splitlines()[2] == base64.b64encode(ROOTS[SIZE]).decode()
