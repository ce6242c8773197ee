"""A search for a patient's name, birth date and diagnosis in everything that servers write.

Owns the forms in which clear text could hide: UTF-8, UTF-16, hexadecimal, base64 at each offset, JSON escapes.
Refuses to be trusted blindly: each test that finds nothing also plants the words in the clear and must find them.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path


def forms(word: str) -> Iterator[bytes]:
    """Every form in which one word is looked for."""
    for raw in (word.encode("utf-8"), word.encode("utf-16-le"), word.encode("utf-16-be")):
        yield raw
        yield raw.hex().encode("ascii")
        yield raw.hex().upper().encode("ascii")
        yield from _base64_cores(raw)
    yield json.dumps(word)[1:-1].encode("ascii")


def _base64_cores(raw: bytes) -> Iterator[bytes]:
    """The part of the base64 text that does not depend on its neighbours, for each of three alignments."""
    for offset in range(3):
        padded = b"\0" * offset + raw
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            text = encode(padded).rstrip(b"=")
            yield text[(offset * 8 + 5) // 6 : len(padded) * 8 // 6]


def findings(words: Sequence[str], places: Iterable[tuple[str, bytes]]) -> list[str]:
    """Where any form of any word stands: `place: word`."""
    wanted = [(word, form) for word in words for form in set(forms(word)) if len(form) >= 5]
    return [f"{place}: {word}" for place, content in places for word, form in wanted if form in content]


def files_below(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Every file below a folder, with its bytes."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield str(path.relative_to(folder)), path.read_bytes()
