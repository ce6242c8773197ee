"""Languages as people ask for them: by their codes, their English names, and what else they are called.

Owns the reading of such a text. Refuses to narrow: `es-MX` is Spanish here.
"""

from __future__ import annotations

import re

from concord_formats.languages import NAMES
from concord_formats.names import searchable

# What else people say.
_ALSO = {
    "asl": "ase", "sign language": "ase", "castilian": "es", "farsi": "fa", "dari": "fa", "creole": "ht",
    "haitian": "ht", "mandarin": "zh", "cmn": "zh", "pilipino": "fil", "cambodian": "km", "laotian": "lo",
    "panjabi": "pa", "kiche": "quc", "bangla": "bn", "iw": "he", "in": "id",
}  # fmt: skip
_SUBTAG = re.compile(r"[a-z]{2,3}", re.ASCII)
_BY_NAME = {searchable(name): code for code, name in NAMES.items()} | _ALSO


def code(text: str) -> str | None:
    """The primary subtag that a text means: `es`, `es-MX`, `Spanish` are all `es`. None for one that means nothing.

    Any well-formed subtag is taken, also of a language that has no name here.
    """
    words = searchable(text)
    if words in _BY_NAME:
        return _BY_NAME[words]
    first = re.split(r"[-_]", text.strip().lower())[0]
    return _ALSO.get(first, first) if _SUBTAG.fullmatch(first) else None


__all__ = ["NAMES", "code"]
