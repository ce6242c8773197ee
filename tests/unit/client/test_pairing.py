"""A pairing's code and messages: what the directory carries, and can neither read nor change."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from uuid import uuid4

import pytest
from concord import errors
from concord.devices.pairing import PREFIX, JoinRequest, PairingCode, new_secret, open_answer, seal_answer
from concord.portable import Portable
from concord.seeds import DeviceSeeds
from concord_formats.signatures import to_base64url
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.client.people import Clinician

SEEDS = DeviceSeeds.create()
CODE = PairingCode("https://concord.example", uuid4(), uuid4(), new_secret())


def _text(**changed: object) -> str:
    members = {name: str(value) for name, value in vars(CODE).items()} | changed
    return PREFIX + to_base64url(json.dumps(members).encode())


def test_a_code_comes_back_as_it_was_even_wrapped_over_lines() -> None:
    text = CODE.encode()
    assert PairingCode.read(text) == CODE
    assert PairingCode.read(f"  {text[:70]}\n {text[70:]}\n") == CODE


def test_a_code_and_its_keys_do_not_show_the_secret() -> None:
    assert CODE.secret not in repr(CODE)
    assert CODE.secret not in repr(CODE.keys)
    assert len({new_secret() for _ in range(20)}) == 20


@pytest.mark.parametrize(
    "text",
    [
        "",
        "concord-invitation:e30",
        PREFIX,
        PREFIX + "e30",
        PREFIX + "bm8",
        CODE.encode()[:-3],
        _text(secret="c2hvcnQ"),
        _text(pairing="7"),
        _text(base_url="http://concord.example"),
        _text(base_url="ftp://concord.example"),
    ],
    ids=["empty", "invitation", "bare", "no-members", "no-json", "cut", "short-secret", "no-id", "in-the-clear", "ftp"],
)
def test_what_is_no_code_is_refused_with_a_hint(text: str) -> None:
    with pytest.raises(errors.PairingCodeError) as caught:
        PairingCode.read(text)
    assert caught.value.hint
    assert CODE.secret not in caught.value.message


@given(st.text() | st.binary(max_size=300).map(lambda raw: PREFIX + to_base64url(raw)))
def test_noise_is_no_code(text: str) -> None:
    with pytest.raises(errors.PairingCodeError):
        PairingCode.read(text)


def test_the_directory_gets_a_digest_of_one_key_and_none_of_the_others() -> None:
    keys = CODE.keys
    assert keys.verifier == hashlib.sha256(keys.credential).hexdigest()
    assert to_base64url(keys.credential) != CODE.secret
    sealed = keys.seal("request", CODE.pairing, b"message")
    for other in (keys.credential, hashlib.sha256(keys.credential).digest()):
        with pytest.raises(errors.PairingForgedError):
            type(keys)(other).open("request", CODE.pairing, sealed)


def test_a_request_arrives_and_its_recipient_is_not_to_be_read_on_the_way() -> None:
    request = JoinRequest.of(SEEDS)
    sealed = request.seal(CODE)
    assert JoinRequest.open(sealed, CODE) == request
    assert request.transfer.encode() not in sealed
    assert request.transfer not in repr(request)
    assert len(sealed) <= 16 * 1024


@given(st.data())
def test_a_request_that_was_changed_anywhere_is_refused(data: st.DataObject) -> None:
    sealed = bytearray(_SEALED)
    place = data.draw(st.integers(0, len(sealed) - 1))
    sealed[place] ^= data.draw(st.integers(1, 255))
    with pytest.raises(errors.PairingForgedError):
        JoinRequest.open(bytes(sealed), CODE)


_SEALED = JoinRequest.of(SEEDS).seal(CODE)


@pytest.mark.parametrize(
    "sealed",
    [b"", b"short", bytes(4000), _SEALED[:-1], _SEALED + b"x"],
    ids=["empty", "short", "invented", "cut", "longer"],
)
def test_a_request_that_is_cut_or_invented_is_refused(sealed: bytes) -> None:
    with pytest.raises(errors.PairingForgedError):
        JoinRequest.open(sealed, CODE)


def test_a_request_of_another_pairing_or_another_code_is_refused() -> None:
    for other in (replace(CODE, pairing=uuid4()), replace(CODE, secret=new_secret())):
        with pytest.raises(errors.PairingForgedError):
            JoinRequest.open(_SEALED, other)


@pytest.mark.parametrize(
    "members", [{}, {"v": 2}, {"v": 1, "device": {}, "transfer": "age1pq1"}, {"v": 1, "device": 7}, None, []]
)
def test_a_request_that_is_none_is_refused_even_from_who_has_the_code(members: object) -> None:
    sealed = CODE.keys.seal("request", CODE.pairing, json.dumps(members).encode())
    with pytest.raises(errors.PairingForgedError):
        JoinRequest.open(sealed, CODE)


def test_keys_that_are_none_are_refused_before_anybody_signs_for_them() -> None:
    keys = SEEDS.public()
    members = {"v": 1, "device": json.loads(keys.model_dump_json()) | {"signing": keys.authentication}}
    members["transfer"] = JoinRequest.of(SEEDS).transfer
    sealed = CODE.keys.seal("request", CODE.pairing, json.dumps(members).encode())
    with pytest.raises(errors.PairingForgedError):
        JoinRequest.open(sealed, CODE)


def test_an_answer_is_for_one_device_and_one_account(ana: Clinician, eve: Clinician) -> None:
    portable = Portable.of(ana.keyring, None, 1)
    code = replace(CODE, account=ana.id)
    sealed = seal_answer(portable, JoinRequest.of(SEEDS), code)
    assert open_answer(sealed, SEEDS, code) == portable
    with pytest.raises(errors.PairingForgedError):
        open_answer(sealed, DeviceSeeds.create(), code)
    with pytest.raises(errors.PairingForgedError):
        open_answer(sealed, SEEDS, replace(code, account=eve.id))


def test_a_request_is_no_answer_and_an_answer_no_request(ana: Clinician) -> None:
    with pytest.raises(errors.PairingForgedError):
        open_answer(_SEALED, SEEDS, CODE)
    answer = seal_answer(Portable.of(ana.keyring, None, 1), JoinRequest.of(SEEDS), CODE)
    with pytest.raises(errors.PairingForgedError):
        JoinRequest.open(answer, CODE)
