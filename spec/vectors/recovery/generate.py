"""Makes `recovery.json`: codes, what is derived from them, what is refused, and a file sealed to a derived recipient.

    .venv/bin/python spec/vectors/recovery/generate.py

The derivations are always the same; the sealed file differs at each run, and opens all the same.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from uuid import UUID

from concord.age import encrypt_bytes, parse_recipient
from concord.recovery import derive
from concord_formats.recovery_codes import grouped, make_recovery_code
from concord_formats.signatures import to_base64url

ACCOUNTS = ("a0c0ffee-0000-4000-8000-000000000001", "a0c0ffee-0000-4000-8000-000000000002")
RANDOM = (bytes(17), bytes(range(17)), bytes([255] * 17))


def derivation(random: bytes, account: str) -> dict[str, str]:
    """One code for one account, each step written down."""
    code = make_recovery_code(random)
    keys = derive(code, UUID(account))
    return {
        "code": code,
        "printed": grouped(code),
        "account": account,
        "secret": (int.from_bytes(random, "big") % 2**130).to_bytes(17, "big").hex(),
        "identity_seed": to_base64url(keys.identity.seed),
        "recipient_sha256": hashlib.sha256(keys.recipient.encode()).hexdigest(),
        "credential": to_base64url(keys.credential),
        "verifier": keys.verifier,
    }


def refused() -> list[dict[str, str]]:
    """Texts that are no code."""
    code = make_recovery_code(RANDOM[1])
    return [
        {"why": "a character is wrong", "code": ("1" if code[0] != "1" else "2") + code[1:]},
        {"why": "two neighbours are exchanged", "code": code[:-2] + code[-1] + code[-2]},
        {"why": "a character is missing", "code": code[:-1]},
        {"why": "a character is too many", "code": code + "0"},
        {"why": "U stands in no code", "code": "U" + code[1:]},
        {"why": "nothing", "code": ""},
    ]


def sealed(vector: dict[str, str]) -> dict[str, str]:
    """A file to the recipient of the second code."""
    keys = derive(vector["code"], UUID(vector["account"]))
    plaintext = "what an account takes along"
    file = encrypt_bytes(plaintext.encode(), [parse_recipient(keys.recipient)])
    return {
        "code": vector["code"],
        "account": vector["account"],
        "plaintext": plaintext,
        "file": to_base64url(file),
    }


def main() -> None:
    """Write the file."""
    derivations = [derivation(random, account) for random in RANDOM for account in ACCOUNTS]
    vectors = {"derivations": derivations, "refused": refused(), "sealed": sealed(derivations[2])}
    (Path(__file__).parent / "recovery.json").write_text(json.dumps(vectors, indent=1) + "\n")


if __name__ == "__main__":
    main()
