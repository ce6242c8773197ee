"""Whole files in constant memory: round trips, every damage refused, and never a byte that is not verified."""

from __future__ import annotations

import io
import tracemalloc
from collections.abc import Sequence
from typing import BinaryIO, cast

import pytest
from concord.age import (
    AgeError,
    ArmorError,
    HybridIdentity,
    Identity,
    NoMatchError,
    PayloadError,
    Recipient,
    ScryptIdentity,
    ScryptRecipient,
    WrongPassphraseError,
    X25519Identity,
    decrypt,
    decrypt_bytes,
    decrypting_reader,
    encrypt,
    encrypt_bytes,
    encrypting_writer,
)
from hypothesis import given, settings
from hypothesis import strategies as st

CHUNK = 64 * 1024
SEALED_CHUNK = CHUNK + 16
HYBRID, CLASSIC = HybridIdentity.from_seed(bytes(range(32))), X25519Identity(bytes(range(32)))
PASSPHRASE = "a small boat"
PARTIES: list[tuple[Recipient, Identity]] = [
    (HYBRID.recipient(), HYBRID),
    (CLASSIC.recipient(), CLASSIC),
    (ScryptRecipient(PASSPHRASE, work_factor=1), ScryptIdentity(PASSPHRASE)),
]
# Around the boundaries of chunks (65,536), of armor lines (48) and of nothing at all.
sizes = st.one_of(
    st.integers(0, 200), st.builds(lambda chunks, off: chunks * CHUNK + off, st.integers(1, 3), st.integers(-2, 2))
)
parties = st.sampled_from(PARTIES)


def plaintext(size: int) -> bytes:
    """`size` bytes, no two chunks of which are alike."""
    return b"".join(bytes([number % 251]) * min(CHUNK, size - at) for number, at in enumerate(range(0, size, CHUNK)))


def released(file: bytes, identities: Sequence[Identity]) -> tuple[bytes, AgeError | None]:
    """What a reader hands out, and what stops it."""
    target = io.BytesIO()
    try:
        decrypt(io.BytesIO(file), target, identities)
    except AgeError as error:
        return target.getvalue(), error
    return target.getvalue(), None


class Trickle(io.RawIOBase):
    """A pipe that gives one byte at a time, or a few."""

    def __init__(self, content: bytes, piece: int) -> None:
        super().__init__()
        self._content, self._piece = io.BytesIO(content), piece

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        content = self._content.read(min(self._piece, len(buffer)))
        buffer[: len(content)] = content
        return len(content)


class Reluctant(io.BytesIO):
    """An unbuffered file that takes no more than 1,000 bytes at once."""

    def write(self, data: bytes, /) -> int:  # type: ignore[override]
        return super().write(bytes(data)[:1000])


@settings(deadline=None, max_examples=60)
@given(parties, sizes, st.booleans())
def test_what_was_encrypted_is_decrypted(party: tuple[Recipient, Identity], size: int, armor: bool) -> None:
    recipient, identity = party
    plain = plaintext(size)
    assert decrypt_bytes(encrypt_bytes(plain, [recipient], armor=armor), [identity]) == plain


@settings(deadline=None, max_examples=40)
@given(st.lists(sizes, max_size=6), st.lists(st.integers(1, 2 * CHUNK), min_size=1, max_size=8))
def test_the_size_of_writes_and_reads_does_not_matter(writes: list[int], reads: list[int]) -> None:
    plain, target = b"", io.BytesIO()
    with encrypting_writer(target, [CLASSIC.recipient()]) as writer:
        for size in writes:
            assert writer.write(plaintext(size)) == size
            plain += plaintext(size)
    reader = decrypting_reader(io.BytesIO(target.getvalue()), [CLASSIC])
    got = b"".join(reader.read(size) for size in reads)
    assert got + reader.read() == plain
    assert reader.read(1) == b""


def test_every_recipient_opens_the_file_and_nobody_else() -> None:
    identities = [HybridIdentity.generate() for _ in range(20)]
    file = encrypt_bytes(b"to all", [identity.recipient() for identity in identities])
    for identity in identities:
        assert decrypt_bytes(file, [HybridIdentity.generate(), identity]) == b"to all"
    with pytest.raises(NoMatchError):
        decrypt_bytes(file, [HYBRID, CLASSIC, ScryptIdentity(PASSPHRASE)])
    with pytest.raises(NoMatchError):
        decrypt_bytes(file, [])


def test_a_wrong_passphrase_is_told_from_a_missing_key() -> None:
    file = encrypt_bytes(b"", [ScryptRecipient(PASSPHRASE, work_factor=1)])
    with pytest.raises(WrongPassphraseError):
        decrypt_bytes(file, [ScryptIdentity("another"), CLASSIC])
    assert decrypt_bytes(file, [ScryptIdentity("another"), ScryptIdentity(PASSPHRASE)]) == b""


@pytest.mark.parametrize(
    "recipients",
    [
        [],
        [PARTIES[0][0], PARTIES[1][0]],
        [PARTIES[0][0], PARTIES[2][0]],
        [PARTIES[1][0], PARTIES[2][0]],
        [PARTIES[2][0], PARTIES[2][0]],
    ],
    ids=["nobody", "hybrid and X25519", "hybrid and passphrase", "X25519 and passphrase", "two passphrases"],
)
def test_recipients_that_weaken_each_other_never_share_a_file(recipients: list[Recipient]) -> None:
    target = io.BytesIO()
    with pytest.raises(AgeError):
        encrypt(io.BytesIO(b"text"), target, recipients)
    assert target.getvalue() == b""


def test_a_file_of_more_recipients_than_a_reader_would_take_is_not_written() -> None:
    target = io.BytesIO()
    with pytest.raises(AgeError, match="too many recipients"):
        encrypt(io.BytesIO(b"text"), target, [HYBRID.recipient()] * 170)
    assert target.getvalue() == b""


def test_no_bit_of_a_file_can_be_changed() -> None:
    """Each single bit of a small file, header and payload: refused, and nothing handed out."""
    file = encrypt_bytes(b"Concord.", [CLASSIC.recipient()])
    for place in range(len(file) * 8):
        changed = bytearray(file)
        changed[place // 8] ^= 1 << place % 8
        assert released(bytes(changed), [CLASSIC])[0] == b""
        assert released(bytes(changed), [CLASSIC])[1] is not None


@settings(deadline=None, max_examples=60)
@given(parties, sizes, st.data())
def test_a_changed_file_gives_no_more_than_a_true_beginning(
    party: tuple[Recipient, Identity], size: int, data: st.DataObject
) -> None:
    recipient, identity = party
    plain = plaintext(size)
    changed = bytearray(encrypt_bytes(plain, [recipient]))
    place = data.draw(st.integers(0, len(changed) * 8 - 1))
    changed[place // 8] ^= 1 << place % 8
    got, error = released(bytes(changed), [identity])
    assert error is not None
    assert plain.startswith(got)
    assert len(got) % CHUNK == 0


@settings(deadline=None, max_examples=60)
@given(sizes, st.booleans(), st.data())
def test_a_file_that_was_cut_short_is_refused(size: int, armor: bool, data: st.DataObject) -> None:
    plain = plaintext(size)
    file = encrypt_bytes(plain, [CLASSIC.recipient()], armor=armor).rstrip(b"\n" if armor else b"")
    got, error = released(file[: data.draw(st.integers(0, len(file) - 1))], [CLASSIC])
    assert error is not None
    assert plain.startswith(got)


@pytest.mark.parametrize("chunks", [1, 2, 3])
def test_a_file_cut_between_two_chunks_is_refused_after_its_true_beginning(chunks: int) -> None:
    """The public vectors `stream_no_final_full` and `stream_no_final_two_chunks_full` ask for just this."""
    plain = plaintext(4 * CHUNK)
    file = encrypt_bytes(plain, [CLASSIC.recipient()])
    got, error = released(file[: -SEALED_CHUNK * (4 - chunks)], [CLASSIC])
    assert got == plain[: chunks * CHUNK]
    assert isinstance(error, PayloadError)


@pytest.mark.parametrize("size", [0, 5, CHUNK, CHUNK + 5, 2 * CHUNK])
@pytest.mark.parametrize("more", [b"\0", bytes(16), bytes(SEALED_CHUNK)])
def test_what_follows_the_end_is_refused(size: int, more: bytes) -> None:
    plain = plaintext(size)
    got, error = released(encrypt_bytes(plain, [CLASSIC.recipient()]) + more, [CLASSIC])
    assert isinstance(error, PayloadError)
    assert plain.startswith(got)


def test_chunks_cannot_be_exchanged_repeated_or_left_out() -> None:
    file = encrypt_bytes(plaintext(4 * CHUNK), [CLASSIC.recipient()])
    head, body = file[: -4 * SEALED_CHUNK], file[-4 * SEALED_CHUNK :]
    one, two, three, four = (body[at : at + SEALED_CHUNK] for at in range(0, len(body), SEALED_CHUNK))
    for order in ([two, one, three, four], [one, one, two, three, four], [one, three, four], [four], [one, two, four]):
        got, error = released(head + b"".join(order), [CLASSIC])
        assert isinstance(error, PayloadError)
        assert plaintext(4 * CHUNK).startswith(got)


@pytest.mark.parametrize("chunk_from_the_end", [1, 2])
def test_a_reader_that_refused_once_refuses_for_ever(chunk_from_the_end: int) -> None:
    """Reading on after an error must neither skip what was wrong nor come to what looks like a good end."""
    file = bytearray(encrypt_bytes(plaintext(3 * CHUNK), [CLASSIC.recipient()]))
    file[-chunk_from_the_end * SEALED_CHUNK] ^= 1
    reader = decrypting_reader(io.BytesIO(bytes(file)), [CLASSIC])
    good = (3 - chunk_from_the_end) * CHUNK
    assert reader.read(good) == plaintext(good)
    for _ in range(3):
        with pytest.raises(PayloadError):
            reader.read(1)


def test_a_line_is_read_within_its_limit() -> None:
    file = encrypt_bytes(b"statement\nsignature\nbody", [HYBRID.recipient()])
    reader = decrypting_reader(io.BytesIO(file), [HYBRID])
    assert [reader.readline(4), reader.readline(100), reader.readline()] == [b"stat", b"ement\n", b"signature\n"]
    assert reader.read() == b"body"


def test_a_writer_that_failed_leaves_a_file_that_is_refused() -> None:
    target = io.BytesIO()
    with pytest.raises(KeyError), encrypting_writer(target, [CLASSIC.recipient()]) as writer:
        writer.write(plaintext(2 * CHUNK))
        raise KeyError
    writer.close()
    assert isinstance(released(target.getvalue(), [CLASSIC])[1], PayloadError)


def test_nothing_is_written_behind_the_end() -> None:
    with encrypting_writer(io.BytesIO(), [CLASSIC.recipient()]) as writer:
        writer.write(b"all")
    with pytest.raises(ValueError, match="complete"):
        writer.write(b"more")


@pytest.mark.parametrize("piece", [1, 7, 1000])
@pytest.mark.parametrize("armor", [False, True])
def test_a_pipe_that_gives_little_at_once_is_read_whole(piece: int, armor: bool) -> None:
    plain = plaintext(CHUNK + 100)
    source = Trickle(encrypt_bytes(plain, [CLASSIC.recipient()], armor=armor), piece)
    target = io.BytesIO()
    assert decrypt(cast(BinaryIO, source), target, [CLASSIC]) == len(plain)
    assert target.getvalue() == plain


def test_text_after_the_armor_is_noticed_however_slowly_it_comes() -> None:
    file = encrypt_bytes(b"letter", [CLASSIC.recipient()], armor=True) + b"\nP.S."
    target = io.BytesIO()
    with pytest.raises(ArmorError):
        decrypt(cast(BinaryIO, Trickle(file, 1)), target, [CLASSIC])
    assert target.getvalue() == b""


@pytest.mark.parametrize("armor", [False, True])
def test_a_file_that_takes_little_at_once_is_written_whole(armor: bool) -> None:
    plain, target = plaintext(2 * CHUNK), Reluctant()
    encrypt(io.BytesIO(plain), target, [HYBRID.recipient()], armor=armor)
    assert decrypt_bytes(target.getvalue(), [HYBRID]) == plain
    opened = Reluctant()
    decrypt(io.BytesIO(target.getvalue()), opened, [HYBRID])
    assert opened.getvalue() == plain


def test_armor_is_text_of_64_columns() -> None:
    lines = encrypt_bytes(plaintext(1000), [HYBRID.recipient()], armor=True).decode("ascii").split("\n")
    assert lines[0] == "-----BEGIN AGE ENCRYPTED FILE-----"
    assert lines[-2:] == ["-----END AGE ENCRYPTED FILE-----", ""]
    assert {len(line) for line in lines[1:-3]} == {64}
    assert 0 < len(lines[-3]) <= 64


def test_progress_adds_up_to_the_plaintext() -> None:
    told: list[int] = []
    target = io.BytesIO()
    total = encrypt(io.BytesIO(plaintext(200_000)), target, [CLASSIC.recipient()], progress=told.append)
    assert (sum(told), total, len(told)) == (200_000, 200_000, 4)
    told.clear()
    assert decrypt(io.BytesIO(target.getvalue()), io.BytesIO(), [CLASSIC], progress=told.append) == 200_000
    assert sum(told) == 200_000


class Zeros(io.RawIOBase):
    """A long file that is not in memory."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self._left = size

    def read(self, size: int = -1, /) -> bytes:
        size = min(size, self._left)
        self._left -= size
        return bytes(size)


class Sink(io.RawIOBase):
    """Counts, and keeps nothing."""

    size = 0

    def write(self, data: bytes, /) -> int:  # type: ignore[override]
        self.size += len(data)
        return len(data)


@pytest.mark.parametrize("armor", [False, True])
def test_memory_does_not_grow_with_the_file(armor: bool, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("age") / "large.age"
    tracemalloc.start()
    try:
        with path.open("wb") as sealed:
            encrypt(cast(BinaryIO, Zeros(8 << 20)), sealed, [CLASSIC.recipient()], armor=armor)
        with path.open("rb") as sealed:
            assert decrypt(sealed, cast(BinaryIO, Sink()), [CLASSIC]) == 8 << 20
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()
