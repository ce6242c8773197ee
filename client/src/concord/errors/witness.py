"""What can go wrong for whoever runs a witness.

Owns these errors. Refuses content: no message holds a key or what was sent.
"""

from __future__ import annotations

from .base import ConcordError


class WitnessError(ConcordError):
    """A witness cannot run as asked."""

    hint_by_default = "Read docs/witness.md."


class WitnessKeyFileError(WitnessError):
    """The key's file is not there to be made, or is no key of a witness."""

    hint_by_default = "Make one with `concord witness key --key FILE`; a key that is in use is never replaced."


class WitnessStateError(WitnessError):
    """What was cosigned cannot be read, or is another witness's; nothing is cosigned on a guess."""

    hint_by_default = (
        "Put no older copy back: it would let a second history be cosigned. End this witness, and make one with "
        "another key and another folder."
    )
