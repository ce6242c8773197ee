"""Portable: what an account takes along, and what it never takes."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import concord
import pytest
from concord import errors
from concord.address_book import AddressBook
from concord.age import HybridIdentity, X25519Identity
from concord.portable import DOCUMENTS, MAX_PORTABLE_BYTES, Portable
from concord.seeds import DeviceSeeds
from concord.store import SealedStore
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.client.people import Clinician


@pytest.fixture
def store(tmp_path: Path) -> SealedStore:
    return SealedStore(tmp_path / "sealed", HybridIdentity.generate())


def test_it_comes_back_as_it_was(ana: Clinician, store: SealedStore) -> None:
    AddressBook(store).add("jaime", "Jaime Armendáriz")
    store.write("pins", {"somebody": {"entries": 3}})
    portable = Portable.of(ana.keyring, store, 1)
    assert Portable.decode(portable.encode()) == portable
    assert set(portable.documents) == {"address-book", "pins"}


def test_another_device_has_the_account_and_keys_of_its_own(ana: Clinician, tmp_path: Path, store: SealedStore) -> None:
    token = AddressBook(store).add("jaime", "Jaime Armendáriz").token
    portable = Portable.decode(Portable.of(ana.keyring, store, 1).encode())
    keyring = portable.keyring()
    for name in ("account", "identity_seed", "encryption_seeds", "first_entry", "recovery_recipient"):
        assert getattr(keyring, name) == getattr(ana.keyring, name)
    for name in ("device", "signing_seed", "authentication_seed", "store_seed", "transfer_seed"):
        assert getattr(keyring, name) not in {None, getattr(ana.keyring, name)}
    there = SealedStore(tmp_path / "there", keyring.store_identity())
    portable.unpack(there)
    assert AddressBook(there).token("jaime") == token


def test_the_seeds_that_were_kept_are_the_devices_own(ana: Clinician) -> None:
    seeds = DeviceSeeds.read(json.loads(json.dumps(DeviceSeeds.create().members())))
    keyring = Portable.of(ana.keyring, None, 1).keyring(seeds)
    assert (keyring.device, keyring.store_seed, keyring.transfer_seed) == (
        seeds.device,
        seeds.store_seed,
        seeds.transfer_seed,
    )
    both = {ana.keyring.device, seeds.device}
    assert set(keyring.transfer_recipients) == both
    assert keyring.transfer_recipients[seeds.device] == str(seeds.transfer_identity().recipient())


def test_what_is_of_one_device_stays_there(ana: Clinician, store: SealedStore) -> None:
    """No key of the device, no document but those listed, and no encryption key that is not published yet."""
    store.write("drafts-of-this-machine", {"a": "b"})
    keyring = ana.keyring.with_new_encryption_key()
    raw = Portable.of(keyring, store, 1).encode().decode()
    members = json.loads(raw)
    assert members["documents"] == {}
    assert len(members["encryption_seeds"]) == 1
    for name in ("signing_seed", "authentication_seed", "store_seed", "transfer_seed", "pending_seed", "device"):
        assert name not in members


def test_every_document_of_the_account_is_one_that_the_client_keeps() -> None:
    """And the other way round: what is not listed here is meant to stay on its device."""
    sources = [path.read_text() for path in Path(concord.__file__).parent.rglob("*.py")]
    kept = {name for text in sources for name in re.findall(r'^_?DOCUMENT = "([a-z0-9-]+)"$', text, re.MULTILINE)}
    assert kept - set(DOCUMENTS) == {"devices", "own-listing", "recovery", "recovery-case"}
    assert set(DOCUMENTS) <= kept


def test_nothing_secret_is_shown(ana: Clinician, store: SealedStore) -> None:
    AddressBook(store).add("jaime", "Jaime Armendáriz")
    shown = repr(Portable.of(ana.keyring, store, 1)) + repr(DeviceSeeds.create())
    assert "Jaime" not in shown
    assert "seed" not in shown


def test_too_much_is_refused_before_it_is_sent(ana: Clinician) -> None:
    book = {"jaime": {"name": "x" * MAX_PORTABLE_BYTES, "token": "pt_"}}
    with pytest.raises(errors.PortableError) as caught:
        replace(Portable.of(ana.keyring, None, 1), documents={"address-book": book}).encode()
    assert "patient" in caught.value.hint
    with pytest.raises(errors.PortableError):
        Portable.decode(b" " * (MAX_PORTABLE_BYTES + 1))


def _changed(ana: Clinician, eve: Clinician, name: str) -> dict[str, Any]:
    other = json.loads(Portable.of(eve.keyring, None, 1).encode())
    changes: dict[str, dict[str, Any]] = {
        "another identity": {"identity_seed": other["identity_seed"]},
        "another first entry": {"first_entry": other["first_entry"]},
        "another account": {"account": str(uuid4())},
        "no encryption key": {"encryption_seeds": []},
        "a short seed": {"encryption_seeds": ["AAAA"]},
        "no entry seen": {"n": 0},
        "a classical recipient": {"transfer_recipients": {str(uuid4()): str(X25519Identity.generate().recipient())}},
        "a recovery recipient that is none": {"recovery_recipient": "age1pq1"},
        "a document that is a list": {"documents": {"pins": []}},
        "documents that are a text": {"documents": "pins"},
        "a newer version": {"v": 2},
    }
    return json.loads(Portable.of(ana.keyring, None, 1).encode()) | changes[name]


@pytest.mark.parametrize(
    "name",
    [
        "another identity",
        "another first entry",
        "another account",
        "no encryption key",
        "a short seed",
        "no entry seen",
        "a classical recipient",
        "a recovery recipient that is none",
        "a document that is a list",
        "documents that are a text",
        "a newer version",
    ],
)
def test_what_does_not_hold_together_is_refused(ana: Clinician, eve: Clinician, name: str) -> None:
    with pytest.raises(errors.PortableError) as caught:
        Portable.decode(json.dumps(_changed(ana, eve, name)).encode())
    assert caught.value.hint


@given(
    st.binary(max_size=200)
    | st.recursive(st.none() | st.text() | st.integers(), st.lists).map(lambda v: json.dumps(v).encode())
)
def test_noise_is_refused_as_such(raw: bytes) -> None:
    with pytest.raises(errors.PortableError):
        Portable.decode(raw)


def test_a_document_that_this_version_does_not_know_is_left_out(ana: Clinician, store: SealedStore) -> None:
    documents: dict[str, dict[str, Any]] = {"pins": {"a": 1}, "of-a-later-day": {"b": 2}}
    portable = replace(Portable.of(ana.keyring, None, 1), documents=documents)
    Portable.decode(portable.encode()).unpack(store)
    assert store.read("pins") == {"a": 1}
    assert store.read("of-a-later-day") is None
    assert "of-a-later-day" not in DOCUMENTS
