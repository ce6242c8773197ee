"""What can go wrong with an age file.

Owns the tree of errors:

    AgeError
    ├── HeaderError          the header is malformed, or a stanza breaks its rules
    │   └── HeaderMacError   the header was changed: its MAC does not verify
    ├── NoMatchError         no identity opens any stanza
    │   └── WrongPassphraseError
    ├── PayloadError         the payload was changed, cut short or extended
    ├── ArmorError           the ASCII armor is malformed
    └── KeyFormatError       a recipient or an identity is malformed

Refuses secrets: no message quotes a key or a passphrase.
"""

from __future__ import annotations


class AgeError(Exception):
    """Anything that is wrong with an age file or a key."""


class HeaderError(AgeError):
    """The header does not follow the format, or a stanza breaks the rules of its type."""


class HeaderMacError(HeaderError):
    """The header's MAC does not verify under the unwrapped file key."""


class NoMatchError(AgeError):
    """None of the identities opens the file."""


class WrongPassphraseError(NoMatchError):
    """The passphrase does not open the file."""


class PayloadError(AgeError):
    """A chunk of the payload does not verify, or chunks are missing or left over."""


class ArmorError(AgeError):
    """The ASCII armor is malformed."""


class KeyFormatError(AgeError):
    """A text is no recipient or identity that is known here."""
