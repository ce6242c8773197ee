"""How names are compared: one person's name in two spellings is one name, and some others look like it.

Owns the folding, by which a name is one's own, and what a name looks like. Refuses to take the second for the first: a
name that looks like one's own is another name, and an alarm.
"""

from __future__ import annotations

import re
import unicodedata

from concord_formats.names import skeleton

# Unicode's default-ignorable characters and the blank Braille pattern, which nobody sees. Those that turn the writing
# stay, for they are seen: a name in the log has none of them.
_UNSEEN = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200d\u2060-\u2064\u206a-\u206f\u2800\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)


def folded(name: str) -> str:
    """A name as it is compared: compatibility forms resolved (NFKC), without case, one space between its words, and
    without what is not seen.

    The directory compares without the first: whom it takes for two, this may take for one, and an alarm is kept.
    """
    once = unicodedata.normalize("NFKC", _UNSEEN.sub("", name)).casefold()
    return " ".join(unicodedata.normalize("NFKC", _UNSEEN.sub("", once)).split())


def looks(name: str) -> str:
    """What a name looks like, in whatever alphabet (UTS 39, section 4), without what is not seen."""
    return skeleton(_UNSEEN.sub("", name))


__all__ = ["folded", "looks"]
