"""The code that a patient is given on paper: how long it is, and how often one may guess.

Owns the length and the limits. Refuses to know which codes there are; alphabet and check characters are those of every
code on paper (`concord_formats.code_text`).
"""

from __future__ import annotations

from datetime import timedelta

from concord_formats import code_text
from concord_formats.code_text import ALPHABET, CHECK_CHARACTERS, CodeError, grouped

# 100 random bits: at a million guesses a second, none is right in the age of the universe.
SECRET_CHARACTERS = 20
# Wrong codes from one address in one window. A person who mistypes the check characters is told without counting.
GUESSES = 10
GUESSING_WINDOW = timedelta(minutes=15)


def make_code(random: bytes) -> str:
    """A code of at least 13 random bytes, without hyphens. Raises ValueError for fewer."""
    return code_text.make(random, SECRET_CHARACTERS)


def read_code(text: str) -> str:
    """The code that somebody typed: small letters, spaces, hyphens and look-alikes are forgiven. Raises `CodeError`."""
    return code_text.read(text, SECRET_CHARACTERS)


__all__ = [
    "ALPHABET",
    "CHECK_CHARACTERS",
    "GUESSES",
    "GUESSING_WINDOW",
    "SECRET_CHARACTERS",
    "CodeError",
    "grouped",
    "make_code",
    "read_code",
]
