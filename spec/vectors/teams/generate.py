"""Makes `delegations.json` beside it: signed delegations, what letters they give, and lines that are none.

Owns the vectors of `spec/teams.md`. Refuses to run where they are: they were made once, and are checked for ever
(ML-DSA-65 signs with fresh randomness, so that a second run gives other signatures, as valid as the first).

    python spec/vectors/teams/generate.py
"""

from __future__ import annotations

import json
import runpy
from datetime import timedelta
from pathlib import Path
from typing import Any

from concord_formats.delegations import Delegation, SignedDelegation
from concord_formats.signatures import SignedKind, to_base64url
from concord_formats.vocabulary import Information, Purpose, Sensitivity

HERE = Path(__file__).parent
KEYS = runpy.run_path(str(HERE.parent / "keys" / "generate.py"))
START, identifier, signing_key = KEYS["START"], KEYS["identifier"], KEYS["signing_key"]

MEMBERS: dict[str, Any] = {
    "v": 1,
    "delegation": identifier("delegation"),
    "delegator": identifier("ana"),
    "delegate": identifier("bo"),
    "device": identifier("ana device"),
    "purposes": {Purpose.TREATMENT, Purpose.CARE_COORDINATION},
    "information": {Information.DIAGNOSES, Information.MEDICATIONS},
    "sensitivity": {Sensitivity.GENERAL},
    "valid_from": START,
    "valid_until": START + timedelta(days=90),
    "at": START,
}
EVERYTHING = {
    "purposes": set(Purpose) - {Purpose.EMERGENCY},
    "information": set(Information),
    "sensitivity": set(Sensitivity),
    "valid_until": START + timedelta(days=366),
}


def line(**changed: Any) -> bytes:
    """The line of a delegation, some of its members changed."""
    return Delegation.model_validate(MEMBERS | changed).encode()


def written(**changed: Any) -> bytes:
    """The line of what is no delegation: some members changed, those that are None left out."""
    members = json.loads(line()) | changed
    return json.dumps({name: value for name, value in members.items() if value is not None}).encode()


def signed(raw: bytes, kind: SignedKind = SignedKind.DELEGATION, by: str = "ana") -> dict[str, str]:
    """A line and its signature, as the vectors have them."""
    word = SignedDelegation(raw, signing_key(by).sign(kind, raw))
    return {"line": to_base64url(word.line), "signature": to_base64url(word.signature)}


def given() -> list[dict[str, Any]]:
    """Delegations, with their digest and their members."""
    lines = {"some": line(), "everything": line(**EVERYTHING)}
    return [
        {"name": name, **signed(raw), "digest": SignedDelegation(raw, b"").digest, "members": json.loads(raw)}
        for name, raw in lines.items()
    ]


def letters() -> list[dict[str, Any]]:
    """Letters under the first of them, and which of their words it does not give."""
    within = {"purpose": "treatment", "information": ["diagnoses"], "sensitivity": ["general"], "at": at(0)}
    return [
        {**within, "holds": True, "beyond": []},
        {**within, "at": at(90, -1), "holds": True, "beyond": []},
        {**within, "at": at(90), "holds": False, "beyond": []},
        {**within, "at": at(0, -1), "holds": False, "beyond": []},
        {**within, "purpose": "payment", "holds": True, "beyond": ["payment"]},
        {**within, "purpose": "emergency", "holds": True, "beyond": ["emergency"]},
        {**within, "sensitivity": ["general", "hiv"], "holds": True, "beyond": ["hiv"]},
        {**within, "information": ["diagnoses", "attendance"], "sensitivity": ["hiv"], "holds": True}
        | {"beyond": ["attendance", "hiv"]},
    ]


def at(days: int, seconds: int = 0) -> str:
    """A moment so long after the start."""
    return (START + timedelta(days=days, seconds=seconds)).isoformat().replace("+00:00", "Z")


def refused() -> dict[str, dict[str, str]]:
    """What looks like a delegation, and is none by the key of the delegator's device."""
    lines = {
        "to oneself": written(delegate=str(identifier("ana"))),
        "an emergency": written(purposes=["emergency"]),
        "no purpose": written(purposes=[]),
        "no label": written(sensitivity=[]),
        "an unknown word": written(information=["everything"]),
        "367 days": written(valid_until=at(367)),
        "ends before it begins": written(valid_until=at(-1), at=at(-2)),
        "signed after it ended": written(at=at(90)),
        "another version": written(v=2),
        "a member too many": written(note="for my nurse"),
        "a member too few": written(device=None),
        "a member twice": line()[:-1] + b',"v":1}',
        "two lines": line() + b"\n",
        "an id in capitals": line().replace(str(identifier("bo")).encode(), str(identifier("bo")).upper().encode()),
    }
    first = signed(line())
    return {name: signed(raw) for name, raw in lines.items()} | {
        "signed by another key": signed(line(), by="ana second"),
        "signed as an attestation": signed(line(), SignedKind.ATTESTATION),
        "the signature of another line": {"line": signed(line(**EVERYTHING))["line"], "signature": first["signature"]},
    }


def main() -> None:
    """Write the file, unless it is there."""
    path = HERE / "delegations.json"
    if path.exists():
        raise SystemExit(f"{path} is there, and is checked for ever")
    whole = {
        "signing_key": signing_key("ana").public().encode(),
        "given": given(),
        "letters": letters(),
        "refused": refused(),
    }
    path.write_text(json.dumps(whole, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
