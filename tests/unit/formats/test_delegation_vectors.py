"""`spec/vectors/teams`: made once, checked for ever."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from concord_formats.delegations import DelegationError, SignedDelegation, read_delegation, unverified_delegation
from concord_formats.signatures import HybridPublicKey, from_base64url
from concord_formats.vocabulary import Information, Purpose, Sensitivity

VECTORS: dict[str, Any] = json.loads(
    (Path(__file__).resolve().parents[3] / "spec" / "vectors" / "teams" / "delegations.json").read_text()
)
KEY = HybridPublicKey.decode(VECTORS["signing_key"])


def signed(vector: dict[str, str]) -> SignedDelegation:
    return SignedDelegation(from_base64url(vector["line"]), from_base64url(vector["signature"]))


@pytest.mark.parametrize("vector", VECTORS["given"], ids=lambda vector: vector["name"])
def test_these_delegations_are_read_and_written_as_they_are(vector: dict[str, Any]) -> None:
    delegation = read_delegation(signed(vector), KEY)
    assert json.loads(delegation.encode()) == vector["members"]
    assert delegation.encode() == signed(vector).line
    assert signed(vector).digest == vector["digest"]


@pytest.mark.parametrize("letter", VECTORS["letters"], ids=lambda letter: " ".join([letter["at"], *letter["beyond"]]))
def test_these_letters_are_within_the_first_or_beyond_it(letter: dict[str, Any]) -> None:
    delegation = unverified_delegation(signed(VECTORS["given"][0]).line)
    labels = {*map(Information, letter["information"]), *map(Sensitivity, letter["sensitivity"])}
    assert delegation.holds_at(datetime.fromisoformat(letter["at"])) is letter["holds"]
    assert sorted(delegation.beyond(Purpose(letter["purpose"]), labels)) == letter["beyond"]


@pytest.mark.parametrize("why", VECTORS["refused"])
def test_these_are_none(why: str) -> None:
    with pytest.raises(DelegationError):
        read_delegation(signed(VECTORS["refused"][why]), KEY)
