"""Merkle trees once more, against pymerkle, which others wrote, and against a log that others run."""

from __future__ import annotations

import base64
from functools import reduce

import pytest
from concord_formats import merkle
from hypothesis import given
from hypothesis import strategies as st
from pymerkle import ConsistencyProof, InmemoryTree

ENTRIES = [f"entry {number}".encode() for number in range(700)]
LEAVES = [merkle.leaf_hash(entry) for entry in ENTRIES]
TREE = InmemoryTree(algorithm="sha256")
TREE.append_entries(ENTRIES)
sizes = st.integers(1, len(ENTRIES))


@given(st.integers(0, len(ENTRIES)))
def test_roots_are_those_of_the_other_implementation(size: int) -> None:
    assert merkle.root(LEAVES[:size]) == TREE.get_root(size)


@given(sizes, st.data())
def test_inclusion_proofs_are_those_of_the_other_implementation(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    own, leaf = merkle.inclusion_path(LEAVES[:size], index), TREE.get_leaf(index + 1)
    theirs = TREE.prove_inclusion(index + 1, size)
    assert own == theirs.path[1:]  # the other one begins with the leaf
    merkle.verify_inclusion(leaf, index, size, theirs.path[1:], TREE.get_root(size))
    theirs.path = [LEAVES[index], *own]
    theirs.verify(LEAVES[index], merkle.root(LEAVES[:size]), index=index + 1, size=size)


def _as_rfc_9162(proof: ConsistencyProof, earlier: int) -> list[bytes]:
    """The other implementation goes down to the first new leaf; RFC 9162, section 2.1.4, stops above it."""
    steps = list(zip(proof.path, proof.subset, strict=True))
    split = next(place for place, (_, in_earlier) in enumerate(steps) if in_earlier)
    right = reduce(merkle.node_hash, [step for step, _ in steps[:split]])
    whole_earlier_tree = earlier & (earlier - 1) == 0
    return [*([] if whole_earlier_tree else [steps[split][0]]), right, *(step for step, _ in steps[split + 1 :])]


@given(st.integers(2, len(ENTRIES)), st.data())
def test_consistency_proofs_are_those_of_the_other_implementation(later: int, data: st.DataObject) -> None:
    earlier = data.draw(st.integers(1, later - 1))
    theirs = TREE.prove_consistency(earlier, later)
    theirs.verify(merkle.root(LEAVES[:earlier]), merkle.root(LEAVES[:later]), prior_size=earlier, later_size=later)
    path = _as_rfc_9162(theirs, earlier)
    assert merkle.consistency_path(LEAVES[:later], earlier) == path
    merkle.verify_consistency(earlier, TREE.get_root(earlier), later, TREE.get_root(later), path)


def _decoded(*texts: str) -> list[bytes]:
    return [base64.b64decode(text) for text in texts]


# The last leaf of a log run with Trillian Tessera, of 76 959 leaves: from the tests of project-oak/oak.
TESSERA_LEAF = merkle.leaf_hash(b"hello tesseroak\n")
TESSERA_SIZE = 76959
(TESSERA_ROOT,) = _decoded("QYfrD7XAd4qUHbRBs4dDyDZwpZN4M/cccXr2G56pxkY=")
TESSERA_PATH = _decoded(
    "fGRlLyuz+L9Jb8+uTSut/2aVc4z7fKFW+clvsb6xjEM=",
    "F6LautOHD5eppkWC0xn/lz00X5g2yLlZAkl2jCI/wdE=",
    "qH7OJxFNup+TDvJuohd2HphKVngfMeMzUK8QChEDcas=",
    "+Y3g758yXtPCRh/eqhLTA3bdcx+cCV1Uah0JdgB0YEs=",
    "vq8cJSjj8dPVmFBRUqDLlaMqW6aAYR2GKugVhgudXLs=",
    "J0z3X5qTb9WFC1gABhVFx0bW1rVZRL+DAoBL2e2h4G4=",
    "NmSbYg25xNFzTRerIsF3HbEMyTIDqW87AQd9ekzopE8=",
    "L8BZipjURnkctkjJtGJs+YyTXMssvNKA7+a8nV2JT/s=",
    "pva4RFzCejMkVMVmYc93As2lbk7WAyrw58TvrzEOjNc=",
)


def test_the_proof_of_a_log_that_others_run_verifies() -> None:
    merkle.verify_inclusion(TESSERA_LEAF, TESSERA_SIZE - 1, TESSERA_SIZE, TESSERA_PATH, TESSERA_ROOT)


@pytest.mark.parametrize("index", [0, TESSERA_SIZE - 2])
def test_and_for_no_other_leaf_of_it(index: int) -> None:
    with pytest.raises(merkle.ProofError):
        merkle.verify_inclusion(TESSERA_LEAF, index, TESSERA_SIZE, TESSERA_PATH, TESSERA_ROOT)
