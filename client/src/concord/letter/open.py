"""Opening: from the bytes of a letter to a document that is known to be what its sender signed.

Owns the checks and their order. Refuses a letter at the first that fails, and then leaves no document behind: the
document takes its name after the last check. Specified in `spec/letter.md`, "Opening".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast
from uuid import UUID

from concord_formats.address import MAX_ADDRESS_BYTES, Address, AddressError, parse_address
from concord_formats.signatures import (
    ED25519_SIGNATURE_BYTES,
    MLDSA65_SIGNATURE_BYTES,
    HybridPublicKey,
    SignatureError,
    SignedKind,
    from_base64url,
)

from ..age import AgeError, HybridIdentity, NoMatchError, decrypting_reader
from ..errors import (
    BodyMismatchError,
    ForwardedLetterError,
    MalformedLetterError,
    NotARecipientError,
    SignatureMismatchError,
    StatementMismatchError,
    TamperedLetterError,
    UnknownSignerError,
)
from .delegated import check_proof
from .scope import ConsentScope, doubts, due_notice
from .signer import SenderKeys, Signer, find_signer, resolve
from .sink import verified_into
from .statement import MAX_STATEMENT_BYTES, Statement, StatementBody, check_address, encryption_digest, parse_statement
from .streams import HashingReader, HashingWriter, Progress, pieces

# base64url without padding of a hybrid signature
_SIGNATURE_CHARACTERS = -(-(ED25519_SIGNATURE_BYTES + MLDSA65_SIGNATURE_BYTES) * 4 // 3)
# ASCII armor is for people to paste; a letter has one form on the wire.
_AGE_VERSION_LINE = b"age-encryption.org/v1\n"


@dataclass(frozen=True)
class OpenedLetter:
    """A letter that passed every check; `sha256` is that of its whole bytes, as they were handed out."""

    statement: Statement
    address: Address
    signer: Signer
    sha256: str
    log_doubts: tuple[str, ...] = ()

    @property
    def notice(self) -> str | None:
        """The notice to show before the document; for Part 2 records there is one, whether the sender wrote it or not.

        Source: 42 CFR 2.32(a)(2).
        """
        return self.statement.notice or due_notice(self.statement.sensitivity)

    @property
    def scope(self) -> ConsentScope | None:
        """What the sender says of the consent that the letter went under."""
        return self.statement.scope

    @property
    def doubts(self) -> tuple[str, ...]:
        """What its proof says against the key log, and where scope and notice do not fit the letter: a line each."""
        return (*self.log_doubts, *doubts(self.address, self.statement.scope, self.statement.notice))


@dataclass(frozen=True)
class _Reader:
    """Who opens, and with which keys."""

    practitioner: UUID
    identities: Sequence[HybridIdentity]

    def digests(self) -> frozenset[str]:
        return frozenset(encryption_digest(str(identity.recipient())) for identity in self.identities)


def open_letter(
    source: BinaryIO,
    *,
    identities: Sequence[HybridIdentity],
    reader: UUID,
    sender_history: SenderKeys,
    target: Path | BinaryIO,
    log_doubts: Callable[[Statement], tuple[str, ...]] | None = None,
    progress: Progress | None = None,
    beforehand: Callable[[OpenedLetter], None] | None = None,
) -> OpenedLetter:
    """Check a letter and write its document to `target`, whole or not at all. Constant memory, one pass.

    `reader` is one's own id and `identities` one's own keys, old ones among them; `sender_history` gives the pinned
    and checked keys of the sender, and of the one in whose name they wrote. `log_doubts` holds the letter's proof
    against the key log, once it is known to be the sender's: what it answers is shown before the document. A `target`
    that is a path gets the document by renaming (mode 0600); a stream gets it from a sealed spool after the last check.
    `beforehand` is called after the last check and before the document can be read; when it raises, nobody gets the
    document. Raises `LetterError`; whatever `sender_history`, `log_doubts` and `beforehand` raise passes through.
    """
    letter = HashingReader(source)
    address_line, address = _read_address(letter)
    with _sealed_errors():
        plain = _unseal(letter, identities)
        statement_line = _line(plain, MAX_STATEMENT_BYTES, "statement")
        signature = _read_signature(plain)
    statement = parse_statement(statement_line)
    check_address(statement, address, address_line)
    _check_named(statement, _Reader(reader, identities))
    signer = _check_signer(statement, sender_history)
    _check_signature(signer, statement_line, signature)
    check_proof(statement, sender_history)
    told = log_doubts(statement) if log_doubts else ()
    with verified_into(target) as sink:
        with _sealed_errors():
            _copy_body(plain, sink, statement.body, progress)
        opened = OpenedLetter(statement, address, signer, letter.sha256, told)
        if beforehand:
            beforehand(opened)
    return opened


@contextmanager
def _sealed_errors() -> Iterator[None]:
    """What the age file says of itself, in the words of letters."""
    try:
        yield
    except NoMatchError:
        raise NotARecipientError("none of your keys opens this letter") from None
    except AgeError as error:
        raise TamperedLetterError(f"the sealed letter was changed on the way: {error}") from None


def _read_address(letter: HashingReader) -> tuple[bytes, Address]:
    line = letter.readline(MAX_ADDRESS_BYTES + 1)
    try:
        if not line.endswith(b"\n"):
            raise AddressError("address", "is cut short or too long")
        return line[:-1], parse_address(line[:-1])
    except AddressError as error:
        raise MalformedLetterError(f"the letter's address cannot be read: {error}") from None


def _unseal(letter: HashingReader, identities: Sequence[HybridIdentity]) -> BinaryIO:
    return decrypting_reader(cast(BinaryIO, _BinaryAge(letter)), identities)


class _BinaryAge:
    """The age file of a letter; its first line must be that of the binary format."""

    def __init__(self, letter: HashingReader) -> None:
        self._letter = letter
        self.read = letter.read
        self._first = True

    def readline(self, limit: int) -> bytes:
        line = self._letter.readline(limit)
        if self._first and line != _AGE_VERSION_LINE:
            raise MalformedLetterError("no age file follows the letter's address")
        self._first = False
        return line


def _line(plain: BinaryIO, limit: int, what: str) -> bytes:
    line = plain.readline(limit + 1)
    if not line.endswith(b"\n"):
        raise MalformedLetterError(f"the letter's {what} line is cut short or too long")
    return line[:-1]


def _read_signature(plain: BinaryIO) -> bytes:
    try:
        return from_base64url(_line(plain, _SIGNATURE_CHARACTERS, "signature").decode("ascii"))
    except (SignatureError, UnicodeDecodeError):
        raise MalformedLetterError("the letter's signature line is not base64url") from None


def _check_named(statement: Statement, reader: _Reader) -> None:
    """A letter opens for whoever holds a key of it; it is meant for those its sender names under their seal."""
    if statement.sender != reader.practitioner and not statement.names(reader.practitioner, reader.digests()):
        raise ForwardedLetterError("the sender of this letter did not seal it to you")


def _check_signer(statement: Statement, keys: SenderKeys) -> Signer:
    signer = find_signer(resolve(keys, statement.sender), statement.device, statement.sealed_at)
    if signer.practitioner != statement.sender:
        raise UnknownSignerError("the keys at hand are those of another person than the sender")
    if signer.signing_key != statement.signing_key:
        raise StatementMismatchError("signing_key")
    return signer


def _check_signature(signer: Signer, line: bytes, signature: bytes) -> None:
    try:
        HybridPublicKey.decode(signer.signing_key).verify(SignedKind.STATEMENT, line, signature)
    except SignatureError:
        raise SignatureMismatchError("the sender's signature does not verify") from None


def _copy_body(plain: BinaryIO, sink: BinaryIO, body: StatementBody, progress: Progress | None) -> None:
    writer = HashingWriter(sink)
    for piece in pieces(plain):
        if writer.size + len(piece) > body.size:
            raise BodyMismatchError("the document is longer than what was signed")
        writer.write(piece)
        if progress:
            progress(len(piece))
    if writer.size != body.size:
        raise BodyMismatchError("the document is shorter than what was signed")
    if writer.sha256 != body.sha256:
        raise BodyMismatchError("the document is not the one that was signed")


__all__ = ["OpenedLetter", "open_letter"]
