"""The recovery code: what is derived from it, and what a slip comes to."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from concord.age import HybridIdentity, decrypt_bytes
from concord.errors import RecoveryCodeError
from concord.recovery import derive, new_code
from concord.recovery.code import read_code
from concord_formats.recovery_codes import grouped, make_recovery_code
from concord_formats.signatures import from_base64url
from hypothesis import given
from hypothesis import strategies as st

VECTORS = json.loads((Path(__file__).parents[4] / "spec/vectors/recovery/recovery.json").read_text())
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
codes = st.binary(min_size=17, max_size=17).map(make_recovery_code)


@pytest.mark.parametrize("vector", VECTORS["derivations"], ids=lambda each: each["code"][:4])
def test_the_vectors_are_derived(vector: dict[str, Any]) -> None:
    keys = derive(vector["code"], UUID(vector["account"]))
    assert keys.identity.seed == from_base64url(vector["identity_seed"])
    assert keys.credential == from_base64url(vector["credential"])
    assert keys.verifier == vector["verifier"]
    assert hashlib.sha256(keys.recipient.encode()).hexdigest() == vector["recipient_sha256"]


@pytest.mark.parametrize("vector", VECTORS["refused"], ids=lambda each: each["why"])
def test_what_is_no_code_is_refused(vector: dict[str, str]) -> None:
    with pytest.raises(RecoveryCodeError):
        read_code(vector["code"])


def test_the_vectors_file_opens_with_the_derived_identity() -> None:
    vector = VECTORS["sealed"]
    keys = derive(vector["code"], UUID(vector["account"]))
    assert decrypt_bytes(from_base64url(vector["file"]), [keys.identity]).decode() == vector["plaintext"]


@given(code=codes, data=st.data())
def test_however_it_is_typed_the_same_code_is_read(code: str, data: st.DataObject) -> None:
    """Small letters, the letters that look like digits, spaces and hyphens anywhere."""
    looks = {"0": "0Oo", "1": "1IiLl"}
    typed = ""
    for character in code:
        typed += data.draw(st.sampled_from(looks.get(character, character + character.lower())))
        typed += data.draw(st.sampled_from(["", "", "-", " ", "\n"]))
    assert read_code(typed) == code


@given(code=codes, place=st.integers(0, 27), other=st.sampled_from(ALPHABET))
def test_one_wrong_character_is_told_before_anything_is_asked(code: str, place: int, other: str) -> None:
    if code[place] == other:
        return
    slipped = code[:place] + other + code[place + 1 :]
    with pytest.raises(RecoveryCodeError) as told:
        read_code(slipped)
    assert code[:8] not in str(told.value) and slipped[:8] not in f"{told.value} {told.value.hint} {told.value.members}"


@given(code=codes, place=st.integers(0, 26))
def test_two_neighbours_exchanged_are_told(code: str, place: int) -> None:
    if code[place] == code[place + 1]:
        return
    slipped = code[:place] + code[place + 1] + code[place] + code[place + 2 :]
    with pytest.raises(RecoveryCodeError):
        read_code(slipped)


@given(text=st.text(max_size=60))
def test_any_other_text_is_refused_or_is_a_code(text: str) -> None:
    try:
        assert len(read_code(text)) == 28
    except RecoveryCodeError as refused:
        assert refused.hint


def test_the_two_keys_and_two_accounts_have_nothing_in_common() -> None:
    code, account = new_code(), uuid4()
    keys, of_another = derive(code, account), derive(code, uuid4())
    found = {keys.identity.seed, keys.credential, of_another.identity.seed, of_another.credential}
    assert len(found) == 4
    assert HybridIdentity.from_seed(keys.credential).recipient() != keys.identity.recipient()


def test_what_the_directory_knows_is_the_digest_of_the_credential() -> None:
    keys = derive(new_code(), uuid4())
    assert keys.verifier == hashlib.sha256(keys.credential).hexdigest()


def test_keys_do_not_show_themselves() -> None:
    code, account = new_code(), uuid4()
    keys = derive(grouped(code), account)
    assert keys.credential.hex() not in repr(keys) and repr(keys.credential) not in repr(keys)
    assert keys.identity.encode() not in repr(keys)


def test_two_codes_are_never_the_same() -> None:
    assert len({new_code() for _ in range(100)}) == 100
