"""`spec/vectors/keys`: made once, checked for ever."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from concord.age import HybridIdentity
from concord.signing import HybridSigningKey
from concord_formats.key_entries import KeyEntryError, SignedEntry, read_entries
from concord_formats.signatures import HybridPublicKey, SignatureError, SignedKind, from_base64url, signed_bytes

VECTORS: dict[str, Any] = json.loads(
    (Path(__file__).resolve().parents[3] / "spec" / "vectors" / "keys" / "keys.json").read_text()
)
ENTRIES = [SignedEntry(from_base64url(each["entry"]), from_base64url(each["signature"])) for each in VECTORS["entries"]]


@pytest.mark.parametrize("key", VECTORS["keys"], ids=lambda key: key["name"])
def test_a_seed_makes_this_key_and_fingerprint(key: dict[str, str]) -> None:
    public = HybridSigningKey.from_seed(bytes.fromhex(key["seed"])).public()
    assert public.encode() == key["public"]
    assert public.fingerprint() == key["fingerprint"]


@pytest.mark.parametrize("vector", VECTORS["signatures"], ids=lambda vector: vector["kind"])
def test_these_signatures_verify(vector: dict[str, str]) -> None:
    payload, public = bytes.fromhex(vector["payload"]), HybridPublicKey.decode(vector["public"])
    assert signed_bytes(SignedKind(vector["kind"]), payload).hex() == vector["signed_bytes"]
    public.verify(SignedKind(vector["kind"]), payload, from_base64url(vector["signature"]))
    for other in set(SignedKind) - {SignedKind(vector["kind"])}:
        with pytest.raises(SignatureError):
            public.verify(other, payload, from_base64url(vector["signature"]))


@pytest.mark.parametrize("name", VECTORS["histories"])
def test_these_histories_are_sound(name: str) -> None:
    places = VECTORS["histories"][name]
    entries = read_entries([ENTRIES[place] for place in places])
    assert entries[0].account == UUID(VECTORS["accounts"][name])
    assert [ENTRIES[place].digest for place in places] == [VECTORS["digests"][place] for place in places]
    first, second = (HybridIdentity.from_seed(bytes.fromhex(seed)) for seed in VECTORS["encryption_seeds"][name])
    assert [entry.encryption for entry in entries] == [str(first.recipient())] * 3 + [str(second.recipient())]


@pytest.mark.parametrize("why", VECTORS["refused"])
def test_these_histories_are_refused(why: str) -> None:
    with pytest.raises(KeyEntryError):
        read_entries([ENTRIES[place] for place in VECTORS["refused"][why]])
