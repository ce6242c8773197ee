"""How names are compared: one person's name in two spellings is one name.

Owns the folding. Refuses to find two different names alike: a name in another alphabet is another name.
"""

from __future__ import annotations

import unicodedata


def folded(name: str) -> str:
    """A name as it is compared: compatibility forms resolved (NFKC), without case, one space between its words.

    The directory compares without the first: whom it takes for two, this may take for one, and an alarm is kept.
    """
    return " ".join(unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold()).split())


__all__ = ["folded"]
