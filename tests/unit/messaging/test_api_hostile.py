"""Messaging over HTTP: what a hostile client, or a broken one, may try."""

from __future__ import annotations

import io
from typing import Any
from uuid import uuid4

import pytest

from services.messaging import models

from .site import MAX, Site, empty, problem
from .world import AGE, framed


class Endless(io.RawIOBase):
    """A body that never ends, and says how much of it was read."""

    def __init__(self, head: bytes) -> None:
        self.head, self.taken = head, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        piece = self.head[self.taken : self.taken + len(buffer)] or b"x" * len(buffer)
        buffer[: len(piece)] = piece
        self.taken += len(piece)
        return len(piece)


def test_an_endless_body_is_refused_while_it_is_read(site: Site) -> None:
    """Without a length (chunked), the server must count for itself."""
    address = site.world.address()
    endless = Endless(framed(address, AGE))
    response = site.stream(address.letter, endless, None)
    assert problem(response) == (413, "too-large")
    assert endless.taken <= MAX + 2 * 1024 * 1024
    assert empty(site.world)


def test_ten_gigabytes_announced_as_one_kilobyte_are_one_kilobyte(site: Site) -> None:
    address = site.world.address()
    endless = Endless(framed(address, AGE))
    response = site.stream(address.letter, endless, 1024)
    assert response.status_code == 201
    assert endless.taken <= 1024
    assert sum(len(row.body) for row in site.world.rows(models.ChunkRow)) < 1024


def test_a_body_announced_too_large_is_refused_before_it_is_read(site: Site) -> None:
    address = site.world.address()
    endless = Endless(framed(address, AGE))
    response = site.stream(address.letter, endless, 10 * 1024**3)
    assert problem(response) == (413, "too-large")
    assert endless.taken == 0


@pytest.mark.parametrize("size", [10, 1024 * 1024 + 10])
def test_a_body_cut_short_leaves_nothing(site: Site, size: int) -> None:
    address = site.world.address()
    body = framed(address, AGE + b"x" * size)
    response = site.stream(address.letter, io.BytesIO(body), len(body) + 5)
    assert problem(response) == (400, "truncated")
    assert empty(site.world)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"\n", 400),
        (b"{}", 400),
        (b"{}\n", 400),
        (b"{}\nage-encryption.org/v2\n", 400),
        (b"{}\n" + AGE, 422),
        (b"[]\n" + AGE, 422),
        (b"\xff\xfe\n" + AGE, 422),
        (b"x" * 20_000, 422),
        (b"x" * 20_000 + b"\n" + AGE, 422),
        (b"[" * 16_000 + b"\n" + AGE, 422),
    ],
)
def test_a_malformed_letter_is_refused_by_name(site: Site, body: bytes, status: int) -> None:
    response = site.put(uuid4(), body)
    assert problem(response)[0] == status
    assert empty(site.world)


def test_a_letter_of_another_type_is_refused(site: Site) -> None:
    address = site.world.address()
    response = site.put(address.letter, framed(address, AGE), content_type="application/json")
    assert problem(response) == (415, "unsupported-media-type")


def test_a_letter_of_another_is_refused(site: Site) -> None:
    _, response = site.send(sender=site.world.stranger.id)
    assert problem(response) == (403, "not-the-sender")


def test_the_path_must_name_the_letter(site: Site) -> None:
    address = site.world.address()
    response = site.put(uuid4(), framed(address, AGE))
    assert (problem(response), response.json["field"]) == ((422, "invalid-field"), "letter")
    assert problem(site.ask("GET", "/v1/letters/not-an-id", site.world.physician))[0] == 422


@pytest.mark.parametrize(
    "query", ["after=-1", "after=x", "wait=-1", "wait=nan", "wait=inf", "limit=0", "limit=201", "x=1"]
)
def test_a_wrong_query_is_refused(site: Site, query: str) -> None:
    assert problem(site.get(f"/v1/inbox?{query}"))[0] == 422
