"""The recovery code of an account: what is printed on the sheet in the drawer.

Owns its length and its text. Refuses what is made of it: keys and credentials are derived by the client alone, and no
server ever sees the code. Specified in `spec/keys.md`.
"""

from __future__ import annotations

from . import code_text
from .code_text import CodeError, grouped

# 130 random bits: whoever has the sealed backup tries codes at leisure, and even with Grover's algorithm on a quantum
# computer has 2^65 steps before them, each of which is the derivation of a key.
SECRET_CHARACTERS = 26
RANDOM_BYTES = 17


def make_recovery_code(random: bytes) -> str:
    """28 characters out of at least 17 random bytes, without hyphens. Raises ValueError for fewer."""
    return code_text.make(random, SECRET_CHARACTERS)


def read_recovery_code(text: str) -> str:
    """The code that somebody typed from the sheet, as `make_recovery_code` gave it. Raises `CodeError`."""
    return code_text.read(text, SECRET_CHARACTERS)


__all__ = ["RANDOM_BYTES", "SECRET_CHARACTERS", "CodeError", "grouped", "make_recovery_code", "read_recovery_code"]
