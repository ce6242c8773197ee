"""What a practice fills into a form: names, addresses, telephone numbers.

Owns what may stand in such a text. Refuses control characters, invisible direction marks and texts that no form has
room for, and names the field; never the text, which is a patient's name.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from ..errors import FormError

# Longer than any name or address on record, short enough that one field cannot push the rest off the form.
NAME_LIMIT = 200
ADDRESS_LIMIT = 300
# The two joiners that Persian and some Indic names are written with. Every other invisible character could make a name
# read as another.
_JOINERS = frozenset("\u200c\u200d")
# Control, format, surrogate, private use, unassigned; line and paragraph separators.
_REFUSED = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def check_filled(field: str, text: str, limit: int = NAME_LIMIT) -> None:
    """Refuse what cannot stand on one line of a form. Raises `FormError` with the field named."""
    if len(text) > limit:
        raise FormError(field, f"is longer than {limit} characters")
    if not text.strip():
        raise FormError(field, "is empty")
    if any(unicodedata.category(each) in _REFUSED and each not in _JOINERS for each in text):
        raise FormError(field, "holds a control character or one that cannot be seen")


def check_all(fields: Iterable[tuple[str, str | None]]) -> None:
    """The same for several, each under its name; an address has more room. What is left out is not checked."""
    for field, text in fields:
        if text is not None:
            check_filled(field, text, ADDRESS_LIMIT if field.endswith("address") else NAME_LIMIT)


def tidy(text: str) -> str:
    """One spelling of each letter (NFC), and single blanks."""
    return " ".join(unicodedata.normalize("NFC", text).split())
