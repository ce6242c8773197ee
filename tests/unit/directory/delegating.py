"""Delegations for tests, signed as any client would."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from concord_formats.delegations import SignedDelegation
from concord_formats.signatures import SignedKind, to_base64url

from tests.unit.directory.account import TestDevice
from tests.unit.directory.house import Person


def members(by: Person, to: UUID, **changed: Any) -> dict[str, Any]:
    """The members of a delegation of ninety days by the house's clock, some of them changed."""
    now = by.house.clock.now()
    made = {
        "v": 1,
        "delegation": str(uuid4()),
        "delegator": str(by.id),
        "delegate": str(to),
        "device": str(by.device.id),
        "purposes": ["treatment", "care-coordination"],
        "information": ["medications", "diagnoses"],
        "sensitivity": ["general"],
        "valid_from": now.isoformat(),
        "valid_until": (now + timedelta(days=90)).isoformat(),
        "at": now.isoformat(),
    }
    return made | changed


def signed(device: TestDevice, line: dict[str, Any], kind: SignedKind = SignedKind.DELEGATION) -> SignedDelegation:
    """These members as a line, signed by that device."""
    raw = json.dumps(line).encode()
    return SignedDelegation(raw, device.signing.sign(kind, raw))


def delegation(by: Person, to: UUID, **changed: Any) -> SignedDelegation:
    """A delegation signed by the device of the one who gives it."""
    return signed(by.device, members(by, to, **changed))


def body(said: SignedDelegation) -> dict[str, str]:
    """The members of a request that carries it."""
    return {"line": to_base64url(said.line), "signature": to_base64url(said.signature)}


def give(by: Person, said: SignedDelegation, client: Any = None) -> Any:
    """The answer to somebody who sends it."""
    return by.request("POST", "/v1/delegations", client=client, json=body(said))


def given(by: Person, to: UUID, **changed: Any) -> str:
    """The id of a delegation that was recorded."""
    answer = give(by, delegation(by, to, **changed))
    assert answer.status_code == 201, answer.data
    return str(answer.get_json()["id"])
