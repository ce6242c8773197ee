"""Makes `scope.json` beside it: a letter with scope, notice and labels left out, letters to refuse, letters to doubt.

Owns the vectors of `spec/letter.md`, "Scope and notice"; people and keys are those of `letter.json`. Refuses to run
where they are: they were made once, and are checked for ever.

    python spec/vectors/letter/generate_scope.py
"""

from __future__ import annotations

import hashlib
import io
import json
import runpy
from pathlib import Path
from typing import Any

from concord.age import decrypt_bytes
from concord.letter import ConsentScope, Enclosed, Statement, seal
from concord_formats.address import Address
from concord_formats.key_entries import read_entry
from concord_formats.signatures import SignedKind, to_base64url
from concord_formats.vocabulary import (
    PART_2_NOTICE,
    ConsentType,
    ExpiryEvent,
    Information,
    LabelReason,
    Purpose,
    Sensitivity,
)

HERE = Path(__file__).parent
FIRST = runpy.run_path(str(HERE / "generate.py"))
ANA, NOOR, BODY, KEYS = (FIRST[name] for name in ("ANA", "NOOR", "BODY", "KEYS"))
LABELS = frozenset({Sensitivity.PART_2, Sensitivity.SUBSTANCE_USE})
INFORMATION = frozenset({Information.DIAGNOSES, Information.REASON_FOR_REFERRAL})


def address() -> Address:
    """The first letter's address, with the labels of a program's records and a reason for one left out."""
    letter = KEYS["identifier"]("letter with a scope")
    changed = {"letter": letter, "thread": letter, "sensitivity": LABELS, "label_reason": LabelReason.RULED_OUT}
    old: Address = FIRST["address"]()
    return old.model_copy(update=changed)


def scope() -> ConsentScope:
    """What the consent allows."""
    return ConsentScope(
        type=ConsentType.PART_2_CONSENT,
        discloser=f"practitioner:{FIRST['SENDER']}",
        recipient=f"practitioner:{FIRST['READER']}",
        purposes=frozenset({Purpose.TREATMENT, Purpose.CARE_COORDINATION}),
        information=INFORMATION,
        sensitivity=LABELS | {Sensitivity.GENERAL},
        valid_from=FIRST["START"],
        valid_until=FIRST["START"] + 24 * 365 * FIRST["HOUR"],
        expires_on=ExpiryEvent.END_OF_TREATMENT,
    )


def sealed() -> tuple[bytes, Statement]:
    """The letter and its statement."""
    target = io.BytesIO()
    letter = seal(
        target,
        body=io.BytesIO(BODY),
        media_type="text/plain; charset=utf-8",
        address=address(),
        signing_key=ANA,
        recipients={FIRST["READER"]: read_entry(KEYS["enrolled"]("noor"))},
        own_entry=read_entry(KEYS["enrolled"]("ana")),
        enclosed=Enclosed(scope(), PART_2_NOTICE, frozenset({Sensitivity.HIV})),
    )
    return target.getvalue(), letter.statement


def _signed(line: bytes, members: dict[str, Any]) -> bytes:
    """A letter whose statement has these members, None standing for one that is not there."""
    kept = {name: value for name, value in members.items() if value is not None}
    statement = json.dumps(kept, separators=(",", ":")).encode()
    composed: bytes = FIRST["composed"](line, statement, ANA.sign(SignedKind.STATEMENT, statement))
    return composed


def _refused(statement: Statement) -> dict[str, bytes]:
    line, good = address().encode(), json.loads(statement.encode())
    scoped = good["scope"]
    other = line.replace(b'"label_reason":"ruled-out"', b'"label_reason":"patient-asked"')
    redigested = good | {"address_sha256": hashlib.sha256(other).hexdigest()}
    return {
        "malformed: a notice in other words": _signed(line, good | {"notice": "Redisclosure is allowed."}),
        "malformed: a reason and no label left out": _signed(line, good | {"labels_left_out": None}),
        "malformed: a label left out and no reason": _signed(line, good | {"label_reason": None}),
        "malformed: a label declared and left out": _signed(line, good | {"labels_left_out": ["part-2"]}),
        "malformed: an unknown member of the scope": _signed(line, good | {"scope": scoped | {"note": ""}}),
        "malformed: a scope of no purpose": _signed(line, good | {"scope": scoped | {"purposes": []}}),
        "malformed: a party by name": _signed(line, good | {"scope": scoped | {"discloser": "Dr. Ana Whitfield"}}),
        "statement-mismatch: label_reason": _signed(other, redigested),
    }


def _doubted(statement: Statement) -> dict[str, bytes]:
    """Letters that open, of which a reader has to be told something."""
    line, good = address().encode(), json.loads(statement.encode())
    scoped = good["scope"]
    return {
        "no notice": _signed(line, good | {"notice": None}),
        "no scope": _signed(line, good | {"scope": None}),
        "a label that is not in the scope": _signed(line, good | {"scope": scoped | {"sensitivity": ["general"]}}),
        "another purpose": _signed(line, good | {"scope": scoped | {"purposes": ["patient-request"]}}),
        "a type that opens no such records": _signed(line, good | {"scope": scoped | {"type": "hipaa-authorization"}}),
        "another recipient": _signed(line, good | {"scope": scoped | {"recipient": scoped["discloser"]}}),
        "sealed after the end": _signed(line, good | {"scope": scoped | {"valid_until": scoped["valid_from"]}}),
    }


def make() -> dict[str, Any]:
    """All of it."""
    letter, statement = sealed()
    plain = decrypt_bytes(letter.partition(b"\n")[2], [NOOR])
    return {
        "reader": str(FIRST["READER"]),
        "identity": NOOR.encode(),
        "address": address().encode().decode(),
        "statement": plain.split(b"\n", 1)[0].decode(),
        "letter": to_base64url(letter),
        "refused": {why: to_base64url(each) for why, each in _refused(statement).items()},
        "doubted": {why: to_base64url(each) for why, each in _doubted(statement).items()},
    }


if __name__ == "__main__":
    with (HERE / "scope.json").open("x") as file:
        file.write(json.dumps(make(), indent=1) + "\n")
