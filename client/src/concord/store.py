"""What this device keeps: small sealed documents, and letters as they came.

Owns `SealedStore` (JSON sealed to an identity whose recipient is never published, so that nobody else can make a file
that opens) and `LetterBox` (letters verbatim, still sealed). Refuses plaintext on the disk, and two files exchanged
for one another: a document's name is sealed with it. It cannot see a file that was deleted, or put back as it was
before: that takes a witness elsewhere. Specified in `spec/keys.md`, "Sealed store".
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO
from uuid import UUID

from concord_formats.address import MAX_ADDRESS_BYTES, Address, AddressError, parse_address

from .age import AgeError, HybridIdentity, decrypt_bytes, encrypt_bytes
from .errors import MalformedLetterError, StoreError
from .private_files import locked, make_directory, replacing

# An address book of ten thousand patients is about a megabyte; more than this is not a small document.
MAX_DOCUMENT_BYTES = 16 * 1024 * 1024
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,99}")
_PIECE = 256 * 1024


class SealedStore:
    """Small JSON documents in a directory, one file `<name>.age` each; names are `[a-z0-9-]`."""

    def __init__(self, directory: Path, store_identity: HybridIdentity) -> None:
        self._directory = directory
        self._identity = store_identity

    def read(self, name: str) -> dict[str, Any] | None:
        """A document, or None when there is none. Raises `StoreError` when the file is not what its name says."""
        path = self._path(name)
        try:
            with path.open("rb") as source:
                sealed = source.read(MAX_DOCUMENT_BYTES)
        except FileNotFoundError:
            return None
        try:
            members = json.loads(decrypt_bytes(sealed, [self._identity]))
            if members["name"] != name or not isinstance(members["document"], dict):
                raise StoreError(f"{path} is the file of another name")
            document: dict[str, Any] = members["document"]
        except (AgeError, ValueError, KeyError, TypeError):
            raise StoreError(f"{path} was changed or does not belong to this keyring") from None
        return document

    def write(self, name: str, document: dict[str, Any]) -> None:
        """Seal a document and put it in the place of the former one, in one step."""
        path = self._path(name)
        plain = json.dumps({"name": name, "document": document}, ensure_ascii=True).encode("ascii")
        sealed = encrypt_bytes(plain, [self._identity.recipient()])
        if len(sealed) > MAX_DOCUMENT_BYTES:
            raise StoreError(f"{name} is too large to keep", "Remove what is no longer needed.")
        make_directory(self._directory)
        with replacing(path) as target:
            target.write(sealed)

    @contextmanager
    def changing(self, name: str) -> Iterator[dict[str, Any]]:
        """The document to change in place, written when the block ends well; no other process changes it meanwhile."""
        self._path(name)
        make_directory(self._directory)
        with locked(self._directory / f"{name}.lock"):
            document = self.read(name) or {}
            before = json.dumps(document)
            yield document
            if json.dumps(document) != before:
                self.write(name, document)

    def due(self, name: str, member: str, now: float, every: float) -> bool:
        """Whether `every` so many seconds have gone by since `member` of a document; from then on it is `now`.

        A clock that was set back makes it due.
        """
        with self.changing(name) as document:
            due = not 0 <= now - document.get(member, 0) < every
            if due:
                document[member] = now
        return due

    def _path(self, name: str) -> Path:
        if not _NAME.fullmatch(name):
            raise StoreError("a document's name is made of a-z, 0-9 and hyphens")
        return self._directory / f"{name}.age"


class LetterBox:
    """Letters sent and received, each as one file `<letter id>.letter`: address line, line feed, age file."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def __contains__(self, letter: UUID) -> bool:
        return self._path(letter).is_file()

    def __iter__(self) -> Iterator[UUID]:
        """The letters in the box, in the order of their ids."""
        for path in sorted(self._directory.glob("*.letter")):
            try:
                yield UUID(path.stem)
            except ValueError:
                continue  # not a file of ours

    @contextmanager
    def writing(self, letter: UUID) -> Iterator[BinaryIO]:
        """Where to write a letter; it is in the box once the block ends well, and nowhere when it does not.

        Raises `MalformedLetterError` at the end when what was written is addressed as another letter.
        """
        make_directory(self._directory)
        with replacing(self._path(letter)) as target:
            yield target
            target.seek(0)
            _check_letter(_read_address(target), letter)

    @contextmanager
    def reading(self, letter: UUID) -> Iterator[BinaryIO]:
        """The letter's bytes. Raises FileNotFoundError when it is not in the box."""
        with self._path(letter).open("rb") as source:
            yield source

    def address(self, letter: UUID) -> Address:
        """The letter's address. Raises FileNotFoundError, `MalformedLetterError`."""
        with self.reading(letter) as source:
            address = _read_address(source)
        _check_letter(address, letter)
        return address

    def pieces(self, letter: UUID, size: int = _PIECE) -> Iterator[bytes]:
        """The letter's bytes in pieces of `size`."""
        with self.reading(letter) as source:
            while piece := source.read(size):
                yield piece

    def sha256(self, letter: UUID) -> str:
        """SHA-256 of the whole letter in lower-case hexadecimal: what a receipt names it by."""
        digest = hashlib.sha256()
        for piece in self.pieces(letter):
            digest.update(piece)
        return digest.hexdigest()

    def move(self, letter: UUID, to: LetterBox) -> None:
        """Move a letter to another box on the same disk, in one step; one that is there already is replaced."""
        make_directory(to._directory)
        self._path(letter).replace(to._path(letter))

    def remove(self, letter: UUID) -> None:
        """Take a letter out of the box; one that is not there is as well."""
        self._path(letter).unlink(missing_ok=True)

    def _path(self, letter: UUID) -> Path:
        return self._directory / f"{letter}.letter"


def _read_address(source: BinaryIO) -> Address:
    line = source.readline(MAX_ADDRESS_BYTES + 1)
    try:
        if not line.endswith(b"\n"):
            raise AddressError("address", "is not ended by a line feed")
        return parse_address(line[:-1])
    except AddressError as error:
        raise MalformedLetterError(f"the letter's address cannot be read: {error}") from None


def _check_letter(address: Address, letter: UUID) -> None:
    if address.letter != letter:
        raise MalformedLetterError(f"what came as letter {letter} is addressed as another")


__all__ = ["MAX_DOCUMENT_BYTES", "LetterBox", "SealedStore"]
