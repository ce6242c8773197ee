"""Large bodies, read a piece at a time."""

from __future__ import annotations

import io
from typing import IO, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.chassis.problems import Problem
from services.chassis.upload import read_limited


class Trickle:
    """A stream that gives what it likes, as a socket does, and counts what was taken."""

    def __init__(self, body: bytes, step: int) -> None:
        self._body = io.BytesIO(body)
        self._step = step
        self.taken = 0

    def read(self, size: int = -1) -> bytes:
        piece = self._body.read(min(size, self._step))
        self.taken += len(piece)
        return piece


def pieces(body: bytes, step: int, limit: int, chunk: int, announced: int | None = None) -> list[bytes]:
    return list(read_limited(cast(IO[bytes], Trickle(body, step)), limit, chunk, announced=announced))


@given(st.binary(max_size=300), st.integers(1, 40), st.integers(1, 64), st.booleans())
def test_pieces_are_of_one_size_and_make_up_the_body(body: bytes, step: int, chunk: int, announced: bool) -> None:
    read = pieces(body, step, limit=300, chunk=chunk, announced=len(body) if announced else None)
    assert b"".join(read) == body
    assert all(len(piece) == chunk for piece in read[:-1])


@given(st.integers(0, 100), st.integers(1, 200))
def test_nothing_beyond_the_limit_is_handed_on(limit: int, more: int) -> None:
    handed: list[bytes] = []
    with pytest.raises(Problem, match="too-large"):
        for piece in read_limited(io.BytesIO(b"x" * (limit + more)), limit, 16):
            handed.append(piece)
    assert sum(map(len, handed)) <= limit


def test_reading_stops_at_the_limit() -> None:
    """What is announced as nothing and never ends costs one piece beyond the limit, and no more."""
    stream = Trickle(b"x" * 10_000_000, 1 << 20)
    with pytest.raises(Problem, match="too-large"):
        list(read_limited(cast(IO[bytes], stream), 1000, 100))
    assert stream.taken <= 1100


def test_an_announced_excess_is_refused_unread() -> None:
    stream = Trickle(b"x" * 100, 10)
    with pytest.raises(Problem, match="too-large"):
        list(read_limited(cast(IO[bytes], stream), 50, announced=10 * 2**30))
    assert stream.taken == 0


def test_a_body_shorter_than_announced_is_refused_at_its_end() -> None:
    with pytest.raises(Problem, match="truncated"):
        pieces(b"x" * 99, 10, limit=1000, chunk=16, announced=100)


def test_a_broken_connection_is_a_truncated_body() -> None:
    class Broken:
        def read(self, size: int = -1) -> bytes:
            raise ConnectionResetError

    with pytest.raises(Problem, match="truncated"):
        list(read_limited(cast(IO[bytes], Broken()), 1000))


def test_a_body_of_exactly_the_limit_is_taken() -> None:
    assert b"".join(pieces(b"x" * 100, 7, limit=100, chunk=16, announced=100)) == b"x" * 100
