"""Makes `scope.json` beside it: a letter with scope, notice and labels left out, letters to refuse, letters to doubt.

Owns the vectors of `spec/letter.md`, "Scope and notice"; people and keys are those of `letter.json`. Refuses to run
where they are: they were made once, and are checked for ever.

    python spec/vectors/letter/generate_scope.py
"""

from __future__ import annotations

import hashlib
import json
import runpy
from pathlib import Path
from typing import Any

from concord.age import decrypt_bytes
from concord.letter import ConsentScope, Enclosed, Statement
from concord_formats.address import Address
from concord_formats.signatures import to_base64url
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
NOOR, KEYS, stated = (FIRST[name] for name in ("NOOR", "KEYS", "stated"))
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
    letter, statement, _ = FIRST["sealed"](address(), Enclosed(scope(), PART_2_NOTICE, frozenset({Sensitivity.HIV})))
    return letter, statement


def _refused(statement: Statement) -> dict[str, bytes]:
    line, good = address().encode(), json.loads(statement.encode())
    scoped = good["scope"]
    other = line.replace(b'"label_reason":"ruled-out"', b'"label_reason":"patient-asked"')
    redigested = good | {"address_sha256": hashlib.sha256(other).hexdigest()}
    return {
        "malformed: a notice in other words": stated(line, good | {"notice": "Redisclosure is allowed."}),
        "malformed: a reason and no label left out": stated(line, good | {"labels_left_out": None}),
        "malformed: a label left out and no reason": stated(line, good | {"label_reason": None}),
        "malformed: a label declared and left out": stated(line, good | {"labels_left_out": ["part-2"]}),
        "malformed: an unknown member of the scope": stated(line, good | {"scope": scoped | {"note": ""}}),
        "malformed: a scope of no purpose": stated(line, good | {"scope": scoped | {"purposes": []}}),
        "malformed: a party by name": stated(line, good | {"scope": scoped | {"discloser": "Dr. Ana Whitfield"}}),
        "statement-mismatch: label_reason": stated(other, redigested),
    }


def _doubted(statement: Statement) -> dict[str, bytes]:
    """Letters that open, of which a reader has to be told something."""
    line, good = address().encode(), json.loads(statement.encode())
    scoped = good["scope"]
    return {
        "no notice": stated(line, good | {"notice": None}),
        "no scope": stated(line, good | {"scope": None}),
        "a label that is not in the scope": stated(line, good | {"scope": scoped | {"sensitivity": ["general"]}}),
        "another purpose": stated(line, good | {"scope": scoped | {"purposes": ["patient-request"]}}),
        "a type that opens no such records": stated(line, good | {"scope": scoped | {"type": "hipaa-authorization"}}),
        "another recipient": stated(line, good | {"scope": scoped | {"recipient": scoped["discloser"]}}),
        "sealed after the end": stated(line, good | {"scope": scoped | {"valid_until": scoped["valid_from"]}}),
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
