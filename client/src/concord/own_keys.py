"""One's own keys while the client runs: the keyring that is open, and its file.

Owns that a change is saved before it counts, that two processes of one device change the keyring one after the other,
and that what does not open with the keys at hand is tried once more with those that another device may have handed
over. Refuses to change a keyring whose passphrase is not at hand, and to make a passphrase's work cheaper or dearer
than its owner chose.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from .age import HybridIdentity, NoMatchError
from .errors import ForwardedLetterError, KeyringError, NotARecipientError
from .keyring import WORK_FACTOR, Keyring
from .private_files import locked, make_directory

Opened = TypeVar("Opened")
# The one stanza of a keyring: `-> scrypt <salt> <work factor>` (C2SP age, "The scrypt recipient type").
_STANZA = re.compile(rb"\Aage-encryption\.org/v1\n-> scrypt [A-Za-z0-9+/]{22} ([1-9][0-9]?)\n")


@dataclass(frozen=True)
class KeyringFile:
    """Where a keyring is kept, and the passphrase that seals it. Without `work_factor` that of the file stays."""

    path: Path
    passphrase: str = field(repr=False)
    work_factor: int | None = None

    def load(self) -> Keyring:
        """See `Keyring.load`."""
        return Keyring.load(self.path, self.passphrase)

    def save(self, keyring: Keyring) -> None:
        """See `Keyring.save`."""
        keyring.save(self.path, self.passphrase, work_factor=self.work_factor or _work_factor(self.path))


class OwnKeys:
    """The keyring of this device; `renew` fetches what other devices handed over, and says whether that was a key."""

    def __init__(self, keyring: Keyring, file: KeyringFile | None = None) -> None:
        self.keyring = keyring
        self._file = file
        self.renew: Callable[[], bool] = lambda: False

    def identities(self) -> Sequence[HybridIdentity]:
        """Open letters; the newest first."""
        return self.keyring.encryption_identities()

    def opening(self, act: Callable[[Sequence[HybridIdentity]], Opened]) -> Opened:
        """What `act` opens with one's keys; when none of them fits, once more with those that others handed over.

        Raises what `act` raises, and what `renew` does.
        """
        try:
            return act(self.identities())
        except (NoMatchError, NotARecipientError) as error:
            if isinstance(error, ForwardedLetterError) or not self.renew():
                raise
        return act(self.identities())

    def change(self, change: Callable[[Keyring], Keyring]) -> Keyring:
        """Change the keyring: the one in the file, which is saved before it is used. Raises `KeyringError`.

        What an older keyring lacks is made with the first change.
        """
        if self._file is None:
            raise KeyringError("the keyring is open to read only", "Open it with its passphrase: Client.unlock")
        make_directory(self._file.path.parent)
        with locked(self._file.path.with_suffix(".lock")):
            before = self._file.load()
            after = change(before.completed())
            if after != before:
                self._file.save(after)
            self.keyring = after
        return after


def _work_factor(path: Path) -> int:
    try:
        with path.open("rb") as file:
            found = _STANZA.match(file.read(200))
    except FileNotFoundError:
        return WORK_FACTOR
    return int(found[1]) if found else WORK_FACTOR


__all__ = ["KeyringFile", "OwnKeys"]
