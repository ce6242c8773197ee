"""The key log's calls: what is read of an answer, and how much of it at the most."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator

import httpx
import pytest
from concord import errors
from concord.api.key_log import MAX_NOTE_BYTES, KeyLogApi
from concord_formats.tiles import encode_bundle

from tests.unit.client.test_transport import Services

Call = Callable[[KeyLogApi], object]
NOTE, BUNDLE, KEY = KeyLogApi.checkpoint, lambda api: api.bundle(0, 2), KeyLogApi.key


def api(*answers: httpx.Response) -> KeyLogApi:
    return KeyLogApi(Services(*answers).transport())


def test_a_note_and_a_bundle_are_read_as_they_came() -> None:
    assert api(httpx.Response(200, text="note \u2014\n")).checkpoint() == "note \u2014\n"
    assert api(httpx.Response(200, content=encode_bundle([b"a", b"bc"]))).bundle(0, 2) == [b"a", b"bc"]


@pytest.mark.parametrize("call", [NOTE, BUNDLE, KEY])
def test_a_body_without_an_end_is_left(call: Call) -> None:
    given = 0

    def endless() -> Iterator[bytes]:
        nonlocal given
        while True:
            given += 64 * 1024
            yield bytes(64 * 1024)

    with pytest.raises(errors.MalformedLogError, match="longer"):
        call(api(httpx.Response(200, content=endless())))
    assert given <= 2 * 1024 * 1024


@pytest.mark.parametrize("body", [zlib.compress(bytes(MAX_NOTE_BYTES)), b"not compressed at all"])
def test_a_compressed_body_is_not_taken_apart(body: bytes) -> None:
    with pytest.raises(errors.MalformedLogError, match="compressed"):
        api(httpx.Response(200, content=iter([body]), headers={"Content-Encoding": "deflate"})).checkpoint()


@pytest.mark.parametrize(
    ("call", "body"),
    [
        (NOTE, b"\xff\xfe"),
        (KEY, b"[]"),
        (KEY, b"{}"),
        (BUNDLE, encode_bundle([b"a"])),
        (BUNDLE, encode_bundle([b"a", b"b", b"c"])),
        (BUNDLE, b"\xff\xffab"),
        (BUNDLE, b""),
    ],
)
def test_what_is_not_of_its_form_is_refused(call: Call, body: bytes) -> None:
    with pytest.raises(errors.MalformedLogError):
        call(api(httpx.Response(200, content=body)))
