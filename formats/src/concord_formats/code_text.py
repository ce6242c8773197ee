"""Secrets that a person copies from paper: their alphabet, their check characters, and how they are read.

Owns making and reading such texts. Refuses to know what a code is for. Crockford's base32 leaves out letters that are
taken for digits; two check characters tell a slip of the pen before anything is tried with the code.
"""

from __future__ import annotations

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
# The largest prime below 32^2: every single slip and every exchange of two neighbours changes the remainder.
CHECK_MODULUS = 1021
CHECK_CHARACTERS = 2
GROUP = 4
_BITS = 5
_READ_AS = str.maketrans({"O": "0", "I": "1", "L": "1"})


class CodeError(ValueError):
    """The text is no code: a character is wrong, missing or too many. `group` (from 1) is where, when that is known."""

    def __init__(self, detail: str, group: int | None = None) -> None:
        super().__init__(detail)
        self.group = group


def make(random: bytes, characters: int) -> str:
    """A code of that many characters and two more, without hyphens. Raises ValueError when `random` is too short."""
    if len(random) * 8 < characters * _BITS:
        raise ValueError(f"a code takes {characters * _BITS} random bits")
    number = int.from_bytes(random, "big") % 32**characters
    return _written(number, characters) + _written(number % CHECK_MODULUS, CHECK_CHARACTERS)


def read(text: str, characters: int) -> str:
    """The code that somebody typed, without hyphens: small letters, spaces, hyphens and look-alikes are forgiven.

    Raises `CodeError`; its message holds no part of the code.
    """
    bare = "".join(text.upper().split()).replace("-", "").translate(_READ_AS)
    length = characters + CHECK_CHARACTERS
    wrong = next((place for place, character in enumerate(bare[:length]) if character not in ALPHABET), None)
    if wrong is not None:
        group = wrong // GROUP + 1
        raise CodeError(f"group {group} has a character that stands in no code", group)
    if len(bare) != length:
        raise CodeError(f"a code has {length} letters and digits; here are {len(bare)}")
    number = _number(bare[:characters])
    if number % CHECK_MODULUS != _number(bare[characters:]):
        raise CodeError("a character of the code is wrong")
    return bare


def grouped(code: str) -> str:
    """A code as it is printed: in groups of four, with hyphens."""
    return "-".join(code[start : start + GROUP] for start in range(0, len(code), GROUP))


def _written(number: int, length: int) -> str:
    return "".join(ALPHABET[number >> _BITS * place & 31] for place in reversed(range(length)))


def _number(text: str) -> int:
    number = 0
    for character in text:
        number = number * 32 + ALPHABET.index(character)
    return number


__all__ = ["ALPHABET", "CHECK_CHARACTERS", "CHECK_MODULUS", "GROUP", "CodeError", "grouped", "make", "read"]
