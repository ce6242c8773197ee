"""The code that a patient is given on paper: its form, its check characters, and how often one may guess.

Owns making and reading the text of a code. Refuses to know which codes there are. Crockford's base32 leaves out letters
that are taken for digits; two check characters tell a slip of the pen before anything is looked up.
"""

from __future__ import annotations

from datetime import timedelta

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
# 100 random bits: at a million guesses a second, none is right in the age of the universe.
SECRET_CHARACTERS = 20
# The largest prime below 32^2: every single slip and every exchange of two neighbours changes the remainder.
CHECK_MODULUS = 1021
CHECK_CHARACTERS = 2
GROUP = 4
# Wrong codes from one address in one window. A person who mistypes the check characters is told without counting.
GUESSES = 10
GUESSING_WINDOW = timedelta(minutes=15)
_READ_AS = str.maketrans({"O": "0", "I": "1", "L": "1"})


class CodeError(ValueError):
    """The text is no code: a character is wrong, missing or too many."""


def make_code(random: bytes) -> str:
    """A code of at least 13 random bytes, without hyphens. Raises ValueError for fewer."""
    if len(random) * 8 < SECRET_CHARACTERS * 5:
        raise ValueError("a code takes 100 random bits")
    number = int.from_bytes(random, "big") % 32**SECRET_CHARACTERS
    return _written(number, SECRET_CHARACTERS) + _written(number % CHECK_MODULUS, CHECK_CHARACTERS)


def grouped(code: str) -> str:
    """A code as it is printed: in groups, with hyphens."""
    return "-".join(code[start : start + GROUP] for start in range(0, len(code), GROUP))


def read_code(text: str) -> str:
    """The code that somebody typed: small letters, spaces, hyphens and look-alikes are forgiven. Raises `CodeError`."""
    bare = "".join(text.upper().split()).replace("-", "").translate(_READ_AS)
    if len(bare) != SECRET_CHARACTERS + CHECK_CHARACTERS or not set(bare) <= set(ALPHABET):
        raise CodeError("a code has 22 letters and digits")
    number = _number(bare[:SECRET_CHARACTERS])
    if number % CHECK_MODULUS != _number(bare[SECRET_CHARACTERS:]):
        raise CodeError("a character of the code is wrong")
    return bare


def _written(number: int, length: int) -> str:
    return "".join(ALPHABET[number >> 5 * place & 31] for place in reversed(range(length)))


def _number(text: str) -> int:
    number = 0
    for character in text:
        number = number * 32 + ALPHABET.index(character)
    return number
