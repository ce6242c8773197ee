"""Where an opened document goes before it is known to be whole.

Owns the two waiting places: a temporary file beside the target, renamed after the last check; and, for a stream such
as standard output, a spool sealed to a key that exists only in this process. Refuses to let anyone read what is not
verified: what fails is removed, and what a crash leaves behind has another name or no key.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from ..age import HybridIdentity, decrypting_reader, encrypting_writer
from ..private_files import replacing
from .streams import PIECE

# Up to this size a spooled document waits in memory, still sealed; beyond, on the disk.
_IN_MEMORY = 1024 * 1024


@contextmanager
def verified_into(target: Path | BinaryIO) -> Iterator[BinaryIO]:
    """Where to write a document; it reaches `target` only when the block ends well."""
    if isinstance(target, Path):
        with replacing(target) as file:
            yield file
    else:
        with _spooled(target) as spool:
            yield spool


@contextmanager
def _spooled(target: BinaryIO) -> Iterator[BinaryIO]:
    identity = HybridIdentity.generate()
    with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY) as raw:
        spool = cast(BinaryIO, raw)
        with encrypting_writer(spool, [identity.recipient()]) as sealed:
            yield cast(BinaryIO, sealed)
        spool.seek(0)
        # The spool is authenticated: were it changed meanwhile, reading it would fail rather than give other bytes.
        shutil.copyfileobj(decrypting_reader(spool, [identity]), target, PIECE)


__all__ = ["verified_into"]
