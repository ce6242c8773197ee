"""Makes `delegation.json` beside it: a letter in somebody else's name and to a team, and letters to refuse.

Owns the vectors of `spec/letter.md`, "On behalf"; ana sends and noor reads, with the keys of `letter.json`, in the name
of rosa, whose history stands in the file. Refuses to run where they are: they were made once, and are checked for ever.

    python spec/vectors/letter/generate_delegation.py
"""

from __future__ import annotations

import hashlib
import json
import runpy
from pathlib import Path
from typing import Any

from concord.age import decrypt_bytes
from concord.letter import Enclosed, Statement
from concord.letter.statement import DelegationProof
from concord.signing import HybridSigningKey
from concord_formats.address import Address
from concord_formats.delegations import Delegation, SignedDelegation
from concord_formats.signatures import SignedKind, to_base64url

HERE = Path(__file__).parent
FIRST = runpy.run_path(str(HERE / "generate.py"))
ANA, NOOR, KEYS, stated = (FIRST[name] for name in ("ANA", "NOOR", "KEYS", "stated"))
ROSA: HybridSigningKey = KEYS["signing_key"]("rosa")


def address() -> Address:
    """The first letter's address, for a team, and in Rosa's name."""
    letter = KEYS["identifier"]("letter in a name")
    old: Address = FIRST["address"]()
    changed = {
        "letter": letter,
        "thread": letter,
        "on_behalf_of": KEYS["identifier"]("rosa"),
        "delegation": KEYS["identifier"]("delegation"),
        "team": KEYS["identifier"]("team"),
    }
    return old.model_copy(update=changed)


def delegation(
    by: HybridSigningKey = ROSA, kind: SignedKind = SignedKind.DELEGATION, **changed: Any
) -> SignedDelegation:
    """Rosa lets Ana send exactly such letters, for a day."""
    letter = address()
    members = {
        "v": 1,
        "delegation": letter.delegation,
        "delegator": letter.on_behalf_of,
        "delegate": letter.sender,
        "device": KEYS["identifier"]("rosa device"),
        "purposes": frozenset({letter.purpose}),
        "information": letter.information,
        "sensitivity": letter.sensitivity,
        "valid_from": FIRST["START"],
        "valid_until": FIRST["START"] + 24 * FIRST["HOUR"],
        "at": FIRST["START"],
    }
    line = Delegation.model_validate(members | changed).encode()
    return SignedDelegation(line, by.sign(kind, line))


def sealed() -> tuple[bytes, Statement]:
    """The letter and its statement."""
    letter, statement, _ = FIRST["sealed"](address(), Enclosed(delegation=delegation()))
    return letter, statement


def _refused(statement: Statement) -> dict[str, bytes]:
    line, good = address().encode(), json.loads(statement.encode())
    begun, hour = FIRST["START"], FIRST["HOUR"]
    proofs = {
        "signed by the sender": delegation(ANA),
        "a signature of another kind": delegation(kind=SignedKind.ATTESTATION),
        "by a device that the delegator never had": delegation(device=KEYS["identifier"]("ana device")),
        "another delegation": delegation(delegation=KEYS["identifier"]("another delegation")),
        "given to somebody else": delegation(delegate=KEYS["identifier"]("eve")),
        "for another purpose": delegation(purposes=frozenset({"payment"})),
        "without one kind of information": delegation(information=frozenset({"diagnoses"})),
        "without one label": delegation(sensitivity=frozenset({"general"})),
        "begins after the letter": delegation(valid_from=begun + hour),
        "ends at the letter": delegation(valid_until=address().sealed_at),
    }
    others = {
        "malformed: in a name and without the delegation": good | {"delegation_proof": None},
        "malformed: a delegation and in nobody's name": good | {"on_behalf_of": None},
        "malformed: an unknown member of the proof": good
        | {"delegation_proof": good["delegation_proof"] | {"device": good["device"]}},
        "statement-mismatch: team": good | {"team": good["letter"]},
        "statement-mismatch: on_behalf_of": good | {"on_behalf_of": good["consent"]},
    }
    shown = {f"delegation: {why}": good | {"delegation_proof": _proof(each)} for why, each in proofs.items()}
    return {why: stated(line, members) for why, members in (shown | others).items()}


def _proof(signed: SignedDelegation) -> dict[str, str]:
    return DelegationProof.of(signed).model_dump()


def make() -> dict[str, Any]:
    """All of it."""
    letter, statement = sealed()
    plain = decrypt_bytes(letter.partition(b"\n")[2], [NOOR])
    return {
        "reader": str(FIRST["READER"]),
        "identity": NOOR.encode(),
        "history": KEYS["encoded"]([KEYS["enrolled"]("rosa")]),
        "delegation": delegation().line.decode(),
        "address": address().encode().decode(),
        "statement": plain.split(b"\n", 1)[0].decode(),
        "letter": to_base64url(letter),
        "letter_sha256": hashlib.sha256(letter).hexdigest(),
        "refused": {why: to_base64url(each) for why, each in _refused(statement).items()},
    }


if __name__ == "__main__":
    with (HERE / "delegation.json").open("x") as file:
        file.write(json.dumps(make(), indent=1) + "\n")
