"""Whole age files: header and payload, armored or not.

Owns encryption and decryption of streams in constant memory. Refuses to mix recipients that would weaken each other,
and to give out a byte before the header is verified. Source: C2SP age.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import BinaryIO, cast

from .armor import BEGIN, MARK, MAX_WHITESPACE, ArmorReader, ArmorWriter, strip_end
from .errors import AgeError, ArmorError, HeaderError, HeaderMacError, NoMatchError
from .header import FILE_KEY_BYTES, MAX_LINE_BYTES, VERSION_LINE, Header, derive, encode_header, read_header
from .keys import Identity, Recipient
from .stream import CHUNK_BYTES, NONCE_BYTES, DecryptingReader, EncryptingWriter, read_fully, write_fully

Progress = Callable[[int], None]


@contextmanager
def encrypting_writer(
    target: BinaryIO, recipients: Sequence[Recipient], *, armor: bool = False
) -> Iterator[EncryptingWriter]:
    """Something to write plaintext into; the file is complete when the block ends, and cut short when it raises."""
    _check_recipients(recipients)
    file_key = os.urandom(FILE_KEY_BYTES)
    nonce = os.urandom(NONCE_BYTES)
    header = encode_header([recipient.wrap(file_key) for recipient in recipients], file_key)
    text = ArmorWriter(target) if armor else None
    sink = cast(BinaryIO, text) if text else target
    write_fully(sink, header + nonce)
    with EncryptingWriter(sink, derive(file_key, b"payload", nonce)) as writer:
        yield writer
    if text:
        text.finish()


def decrypting_reader(source: BinaryIO, identities: Sequence[Identity]) -> io.BufferedReader:
    """A reader of verified plaintext. Armor is noticed by itself; `source` needs `read` and `readline`.

    Raises `HeaderError`, `HeaderMacError`, `NoMatchError`, `ArmorError` here, and `PayloadError` or `ArmorError` from
    its reads.
    """
    return io.BufferedReader(_chunks(source, identities), CHUNK_BYTES)


def encrypt(
    source: BinaryIO,
    target: BinaryIO,
    recipients: Sequence[Recipient],
    *,
    armor: bool = False,
    progress: Progress | None = None,
) -> int:
    """Encrypt a stream; the number of plaintext bytes. `progress` is told of each piece's length."""
    with encrypting_writer(target, recipients, armor=armor) as writer:
        return _copy(lambda: source.read(CHUNK_BYTES), writer.write, progress)


def decrypt(
    source: BinaryIO, target: BinaryIO, identities: Sequence[Identity], *, progress: Progress | None = None
) -> int:
    """Decrypt a stream; the number of plaintext bytes.

    What reaches `target` is verified, but only a return means that it is whole.
    """
    reader = _chunks(source, identities)
    return _copy(reader.read_chunk, lambda chunk: write_fully(target, chunk), progress)


def encrypt_bytes(data: bytes, recipients: Sequence[Recipient], armor: bool = False) -> bytes:
    """Encrypt bytes in memory."""
    target = io.BytesIO()
    encrypt(io.BytesIO(data), target, recipients, armor=armor)
    return target.getvalue()


def decrypt_bytes(data: bytes, identities: Sequence[Identity]) -> bytes:
    """Decrypt bytes in memory. Raises any `AgeError`."""
    target = io.BytesIO()
    decrypt(io.BytesIO(data), target, identities)
    return target.getvalue()


def _chunks(source: BinaryIO, identities: Sequence[Identity]) -> DecryptingReader:
    binary, first_line = _dearmored(source)
    file_key = _file_key(read_header(binary, first_line), identities)
    nonce = read_fully(binary, NONCE_BYTES)
    if len(nonce) != NONCE_BYTES:
        raise HeaderError("the file ends after its header")
    return DecryptingReader(binary, derive(file_key, b"payload", nonce))


def _copy(read: Callable[[], bytes], write: Callable[[bytes], object], progress: Progress | None) -> int:
    total = 0
    while piece := read():
        write(piece)
        total += len(piece)
        if progress:
            progress(len(piece))
    return total


def _check_recipients(recipients: Sequence[Recipient]) -> None:
    if not recipients:
        raise AgeError("a file needs at least one recipient")
    labels = {recipient.label for recipient in recipients}
    if len(labels) > 1 or ("passphrase" in labels and len(recipients) > 1):
        raise AgeError("a passphrase stands alone in a file, and post-quantum recipients keep to themselves")


def _dearmored(source: BinaryIO) -> tuple[BinaryIO, bytes | None]:
    """The binary file, and its first line where that had to be read to tell."""
    skipped = 0
    line = source.readline(MAX_LINE_BYTES)
    while line and not line.strip() and skipped <= MAX_WHITESPACE:
        skipped += len(line)
        line = source.readline(MAX_LINE_BYTES)
    if line == VERSION_LINE and not skipped:
        return source, line
    if not line.lstrip().startswith(MARK):
        if BEGIN in read_fully(source, MAX_WHITESPACE):
            raise ArmorError("a text stands before the armor")
        raise HeaderError("not an age file of version 1")
    if strip_end(line) != BEGIN or skipped > MAX_WHITESPACE:
        raise ArmorError("the armor does not begin as it must")
    return cast(BinaryIO, io.BufferedReader(ArmorReader(source), CHUNK_BYTES)), None


def _file_key(header: Header, identities: Sequence[Identity]) -> bytes:
    failure: NoMatchError | None = None
    for identity in identities:
        try:
            file_key = identity.unwrap(header.stanzas)
        except NoMatchError as error:
            failure = error
            continue
        if file_key is not None:
            if not header.verify(file_key):
                raise HeaderMacError("the header was changed")
            return file_key
    raise failure or NoMatchError("none of the identities opens this file")
