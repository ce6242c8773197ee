"""Headers made to hurt: whatever comes, it is refused early, with little memory and no work."""

from __future__ import annotations

import io
import tracemalloc
from typing import BinaryIO, cast

import pytest
from concord.age import AgeError, HeaderError, HybridIdentity, ScryptIdentity, ScryptRecipient, X25519Identity, decrypt
from concord.age import scrypt as scrypt_module
from concord.age.header import MAX_HEADER_BYTES, VERSION_LINE, Stanza, encode_header, read_header
from hypothesis import given, settings
from hypothesis import strategies as st

FILE_KEY = bytes(16)
words = st.from_regex(r"[!-~]{1,40}", fullmatch=True)
stanzas = st.builds(
    Stanza, words.filter(lambda word: word != "scrypt"), st.lists(words, max_size=4).map(tuple), st.binary(max_size=200)
)


class Endless(io.RawIOBase):
    """A beginning, and then the same bytes for ever."""

    def __init__(self, start: bytes, again: bytes) -> None:
        super().__init__()
        self._ready, self._again = start, again
        self.given = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        while len(self._ready) < len(buffer):
            self._ready += self._again
        buffer[:] = self._ready[: len(buffer)]
        self._ready = self._ready[len(buffer) :]
        self.given += len(buffer)
        return len(buffer)


@given(st.lists(stanzas, min_size=1, max_size=5))
def test_stanzas_survive_their_text(given_stanzas: list[Stanza]) -> None:
    text = encode_header(given_stanzas, FILE_KEY)
    source = io.BytesIO(text + b"payload")
    header = read_header(source)
    assert list(header.stanzas) == given_stanzas
    assert header.verify(FILE_KEY)
    assert not header.verify(bytes(15) + b"\1")
    assert source.read() == b"payload"


@settings(deadline=None)
@given(st.binary(max_size=300), st.booleans())
def test_any_bytes_end_in_an_age_error(noise: bytes, like_a_header: bool) -> None:
    with pytest.raises(AgeError):
        decrypt(io.BytesIO(VERSION_LINE + b"-> " + noise if like_a_header else noise), io.BytesIO(), [])


@pytest.mark.parametrize(
    ("start", "again"),
    [
        (b"", b"\0"),
        (b"", b" "),
        (b"", b"\n"),
        (VERSION_LINE, b"-> grease\n\n"),
        (VERSION_LINE + b"-> ", b"x"),
        (VERSION_LINE + b"-> grease\n", b"A" * 64 + b"\n"),
        (b"-----BEGIN AGE ENCRYPTED FILE-----\n", b"A"),
        (b"-----BEGIN AGE ENCRYPTED FILE-----\n", b"A" * 64 + b"\n"),
        (b"-----BEGIN AGE ENCRYPTED FILE-----\n", b"\n"),
    ],
    ids=["zeros", "spaces", "lines", "stanzas", "argument", "body", "armor without lines", "armor", "empty armor"],
)
def test_an_endless_file_is_refused_within_a_bound(start: bytes, again: bytes) -> None:
    source = Endless(start, again)
    tracemalloc.start()
    try:
        with pytest.raises(AgeError):
            decrypt(cast(BinaryIO, io.BufferedReader(source)), io.BytesIO(), [X25519Identity.generate()])
        assert tracemalloc.get_traced_memory()[1] < 4 << 20
    finally:
        tracemalloc.stop()
    assert source.given < 3 * MAX_HEADER_BYTES


def test_too_much_work_is_refused_before_any_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    stanza = ScryptRecipient("secret", work_factor=5).wrap(FILE_KEY)
    worked: list[int] = []
    monkeypatch.setattr(scrypt_module, "_stretch", lambda *given_parameters: worked.append(given_parameters[2]))
    for factor in ("21", "63", "999", "1000", "99999999999999999999"):
        heavy = Stanza(stanza.type, (stanza.arguments[0], factor), stanza.body)
        with pytest.raises(HeaderError):
            ScryptIdentity("secret").unwrap([heavy])
    with pytest.raises(HeaderError):
        ScryptIdentity("secret", max_work_factor=4).unwrap([stanza])
    assert worked == []


def test_a_passphrase_file_has_no_other_way_in_whoever_reads_it() -> None:
    """Even a reader with the other key refuses it: its writer need not know the passphrase."""
    other = X25519Identity.generate()
    pair = [ScryptRecipient("secret", work_factor=1).wrap(FILE_KEY), other.recipient().wrap(FILE_KEY)]
    for order in (pair, pair[::-1]):
        with pytest.raises(HeaderError, match="alone"):
            decrypt(io.BytesIO(encode_header(order, FILE_KEY) + bytes(32)), io.BytesIO(), [other])


def test_a_malformed_stanza_is_refused_although_another_would_open() -> None:
    """Whether a file is well-formed must not depend on the order in which keys are tried."""
    identity = HybridIdentity.generate()
    good = identity.recipient().wrap(FILE_KEY)
    bad = Stanza(good.type, good.arguments, good.body + b"\0")
    for order in ([good, bad], [bad, good]):
        with pytest.raises(HeaderError):
            identity.unwrap(order)
