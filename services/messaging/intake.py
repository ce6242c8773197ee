"""Reading a letter as it comes in: a bounded address line, then the age file, counted and hashed while it is read.

Owns the framing, the limits and the staging of large bodies. Refuses to trust what was announced: only bytes that
came are counted, and no more of them are read than a letter may have. What is staged is nobody's letter until the
accepting transaction says so.

The body of a letter is: the exact bytes of the address, one line feed, the age file. Specified in `spec/letter.md`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import timedelta
from itertools import chain
from uuid import UUID, uuid4

from concord_formats.address import MAX_ADDRESS_BYTES, AddressError, parse_address
from sqlalchemy import delete, insert, select

from services.chassis import failpoints
from services.chassis.clock import Clock
from services.chassis.db import Database
from services.chassis.problems import Problem, invalid_field

from .models import ChunkRow, UploadRow
from .release import Incoming

LETTER_TYPE = "application/vnd.concord.letter"
# The first line of every age file (C2SP age specification, "Header"): what does not begin so was never sealed.
AGE_INTRODUCTION = b"age-encryption.org/v1\n"
# A body still unfinished after a day has been given up: at 25 kbit/s the largest letter takes as long.
ABANDONED_AFTER = timedelta(hours=24)


class Intake:
    """Reads letters for one database. Thread-safe."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def read(self, pieces: Iterator[bytes]) -> Incoming:
        """Read one body, given in pieces of at most 1 MiB, each but the last as large as the first.

        Raises problem 400 `malformed-letter`, 422 `invalid-field`, and whatever `pieces` raises; nothing stays staged
        then.
        """
        first = next(pieces, b"")
        line, body = split(first)
        try:
            address = parse_address(line)
        except AddressError as error:
            raise invalid_field(error.field, error.detail) from None
        digest = hashlib.sha256(first)
        upload = uuid4()
        second = next(pieces, None)
        if second is None:
            return Incoming(line, address, digest.hexdigest(), len(first), upload, body)
        size = self._stage(upload, body, chain([second], pieces), digest) + len(first) - len(body)
        failpoints.reach("intake.after_stage")
        return Incoming(line, address, digest.hexdigest(), size, upload, None)

    def discard(self, upload: UUID) -> None:
        """Forget a staged body that did not become a letter. Does nothing when there is none."""
        with self._database.transaction() as session:
            if session.connection().execute(delete(UploadRow).where(UploadRow.id == upload)).rowcount:
                session.connection().execute(delete(ChunkRow).where(ChunkRow.upload == upload))

    def sweep(self) -> int:
        """Take away what was staged and abandoned, by this process or one that died; how many bodies that were."""
        before = self._clock.now() - ABANDONED_AFTER
        with self._database.transaction() as session:
            abandoned = session.scalars(
                select(UploadRow.id).where(UploadRow.started_at < before).limit(100).with_for_update(skip_locked=True)
            ).all()
            for table, key in ((UploadRow, UploadRow.id), (ChunkRow, ChunkRow.upload)):
                session.connection().execute(delete(table).where(key.in_(abandoned)))
        return len(abandoned)

    def _stage(self, upload: UUID, body: bytes, pieces: Iterator[bytes], digest: hashlib._Hash) -> int:
        """Write a body piece by piece, each in its own transaction; its size."""
        with self._database.transaction() as session:
            session.connection().execute(insert(UploadRow), {"id": upload, "started_at": self._clock.now()})
            session.connection().execute(insert(ChunkRow), {"upload": upload, "place": 0, "body": body})
        size = len(body)
        try:
            for place, piece in enumerate(pieces, start=1):
                digest.update(piece)
                size += len(piece)
                failpoints.reach("intake.before_chunk")
                with self._database.transaction() as session:
                    row = {"upload": upload, "place": place, "body": piece}
                    session.connection().execute(insert(ChunkRow), row)
        except BaseException:
            self.discard(upload)
            raise
        return size


def split(first: bytes) -> tuple[bytes, bytes]:
    """The address line and the beginning of the age file.

    Raises problem 400 `malformed-letter`, 422 for the address's length.
    """
    end = first.find(b"\n", 0, MAX_ADDRESS_BYTES + 1)
    if end < 0 and len(first) > MAX_ADDRESS_BYTES:
        raise invalid_field("address", f"is longer than {MAX_ADDRESS_BYTES} bytes; name fewer recipients")
    body = first[end + 1 :]
    if end < 0 or not body.startswith(AGE_INTRODUCTION):
        detail = "A letter is its address on one line, a line feed, and an age file. Seal it again."
        raise Problem(400, "malformed-letter", "Not a sealed letter", detail)
    return first[:end], body
