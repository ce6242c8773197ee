"""What a joining that was interrupted goes on with: two files beside the keyring, until there are settings.

Owns how it began (the new device's seeds, the code, the request; an age file under the passphrase) and the answer as it
came, which is sealed to those seeds. Refuses to write either unsealed, and a folder whose keyring is somebody else's.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from concord_formats.signatures import from_base64url, to_base64url

from ..age import AgeError, ScryptIdentity, ScryptRecipient, decrypt_bytes, encrypt_bytes
from ..age import WrongPassphraseError as AgePassphraseError
from ..errors import AlreadyEnrolledError, KeyringError, WrongPassphraseError
from ..keyring import WORK_FACTOR, Keyring
from ..own_keys import KeyringFile
from ..private_files import make_directory, replacing
from ..profile import Profile, Settings
from ..seeds import DeviceSeeds
from .pairing import JoinRequest, PairingCode

# A device's seeds, a code, a request: a few kilobytes.
MAX_BEGUN_BYTES = 64 * 1024


@dataclass(frozen=True)
class Begun:
    """What a joining that was interrupted goes on with."""

    code: PairingCode
    seeds: DeviceSeeds
    request: bytes = field(repr=False)

    @classmethod
    def of(cls, code: PairingCode, seeds: DeviceSeeds) -> Begun:
        return cls(code, seeds, JoinRequest.of(seeds).seal(code))


class JoiningFolder:
    """The two files of a joining: how it began (under the passphrase), and the answer as it came, which is sealed."""

    def __init__(self, profile: Profile, file: KeyringFile) -> None:
        self.profile = profile
        self._file = file
        self._begun = profile.home / "joining.age"
        self._answer = profile.home / "joining.answer"

    def begin(self, code: PairingCode, *, new_keys: bool) -> Begun:
        """Go on where it was interrupted, or make the new device's keys and keep them.

        Another code takes the place of the one before; the device stays the same, as its entry may be published.
        """
        before = self._read()
        if self._file.path.exists() and (before is None or self._file.load().account != code.account):
            raise AlreadyEnrolledError(self.profile.home)
        if before is not None and before.code == code and not new_keys:
            return before
        begun = Begun.of(code, DeviceSeeds.create() if before is None or new_keys else before.seeds)
        self._answer.unlink(missing_ok=True)
        self._write(self._begun, encrypt_bytes(_encode(begun), [self._recipient()]))
        return begun

    def answer(self) -> bytes | None:
        """The answer, once it was kept."""
        return self._answer.read_bytes() if self._answer.exists() else None

    def keep_answer(self, sealed: bytes) -> None:
        """An answer that was opened, so that it is there when the pairing is over."""
        self._write(self._answer, sealed)

    def save(self, keyring: Keyring) -> None:
        """The account's keyring on this device."""
        self._file.save(keyring)

    def finish(self, settings: Settings) -> None:
        """The settings, last of all; then what was for an interruption goes."""
        self.profile.save(settings)
        self._answer.unlink(missing_ok=True)
        self._begun.unlink(missing_ok=True)

    def _read(self) -> Begun | None:
        if not self._begun.exists():
            return None
        with _reading(self._begun), self._begun.open("rb") as file:
            plain = decrypt_bytes(file.read(MAX_BEGUN_BYTES), [ScryptIdentity(self._file.passphrase)])
            return _decode(plain)

    def _write(self, path: Path, content: bytes) -> None:
        make_directory(path.parent)
        with replacing(path) as file:
            file.write(content)

    def _recipient(self) -> ScryptRecipient:
        if not self._file.passphrase:
            raise KeyringError("an empty passphrase protects nothing", "Choose four or more random words.")
        return ScryptRecipient(self._file.passphrase, work_factor=self._file.work_factor or WORK_FACTOR)


def _encode(begun: Begun) -> bytes:
    members: dict[str, Any] = {
        "v": 1,
        "code": begun.code.encode(),
        "seeds": begun.seeds.members(),
        "request": to_base64url(begun.request),
    }
    return json.dumps(members).encode("ascii")


def _decode(plain: bytes) -> Begun:
    members = json.loads(plain)
    if members["v"] != 1:
        raise ValueError("of another version")
    seeds = DeviceSeeds.read(members["seeds"])
    return Begun(PairingCode.read(members["code"]), seeds, from_base64url(members["request"]))


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except AgePassphraseError:
        raise WrongPassphraseError from None
    except (AgeError, ValueError, KeyError, TypeError):
        raise KeyringError(
            f"{path} was changed or cut short", f"Revoke this device if it is in your list, delete {path}, start over."
        ) from None


__all__ = ["Begun", "JoiningFolder"]
