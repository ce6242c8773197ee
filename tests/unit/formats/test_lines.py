"""Lines and scalars: one text for one value."""

from __future__ import annotations

import json
from typing import Any

import pytest
from concord_formats.lines import LineError, parse_line
from concord_formats.scalars import FormatVersion, Id, Moment, Sha256
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict


class Example(BaseModel):
    """A line with one of each."""

    model_config = ConfigDict(extra="forbid")
    v: FormatVersion
    id: Id
    at: Moment
    digest: Sha256


GOOD: dict[str, Any] = {
    "v": 1,
    "id": "0f9f4f0e-9a0c-4a5e-8f7e-2b3b8f6c1d20",
    "at": "2026-11-23T12:00:00.123456Z",
    "digest": "0" * 64,
}


def read(line: bytes) -> Example:
    return parse_line(Example, line, 1000)


def test_a_good_line_is_read() -> None:
    assert str(read(json.dumps(GOOD).encode()).id) == GOOD["id"]


@pytest.mark.parametrize("at", ["2026-11-23T12:00:00Z", "2026-11-23T12:00:00+02:00", "2000-01-01T00:00:00-12:00"])
def test_a_moment_has_seconds_and_an_offset(at: str) -> None:
    assert read(json.dumps(GOOD | {"at": at}).encode()).at.tzinfo is not None


@pytest.mark.parametrize(
    ("member", "value"),
    [
        *(("v", value) for value in (2, True, 1.0, "1", None)),
        *(("id", value) for value in ("", GOOD["id"].upper(), GOOD["id"].replace("-", ""), "{" + GOOD["id"] + "}", 7)),
        ("id", "urn:uuid:" + GOOD["id"]),
        ("id", GOOD["id"] + "\n"),
        *(("at", value) for value in (1_700_000_000, "1700000000", "2026-11-23", "2026-11-23T12:00Z", None)),
        *(("at", value) for value in ("2026-11-23T12:00:00", "2026-11-23 12:00:00Z", "2026-13-23T12:00:00Z")),
        *(
            ("at", value)
            for value in ("1999-12-31T23:59:59Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00")
        ),
        ("at", "２０２６-11-23T12:00:00Z"),
        *(("digest", value) for value in ("0" * 63, "A" * 64, "0" * 64 + "\n")),
    ],
)
def test_another_text_for_a_value_is_refused_and_named(member: str, value: object) -> None:
    with pytest.raises(LineError) as caught:
        read(json.dumps(GOOD | {member: value}).encode())
    assert caught.value.field == member


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"null",
        b"[]",
        b'"text"',
        b"{",
        b"\xff",
        b"\xef\xbb\xbf{}",
        b"[" * 900,
        json.dumps(GOOD).encode() + b"\n",
        b"{\n}",
        b"{\r}",
        json.dumps(GOOD).encode()[:-1] + b',"v":1}',
        json.dumps(GOOD).encode()[:-1] + b',"more":{"a":1,"a":2}}',
        json.dumps(GOOD).encode() + b" " * 1000,
        json.dumps(GOOD).encode("utf-16"),
    ],
)
def test_what_is_not_one_object_on_one_line_is_refused(line: bytes) -> None:
    with pytest.raises(LineError):
        read(line)


def test_an_unknown_member_is_refused() -> None:
    with pytest.raises(LineError, match="more"):
        read(json.dumps(GOOD | {"more": 1}).encode())


def test_no_error_repeats_a_value() -> None:
    with pytest.raises(LineError) as caught:
        read(json.dumps(GOOD | {"digest": "Rivera"}).encode())
    assert "Rivera" not in str(caught.value)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(line: bytes) -> None:
    with pytest.raises(LineError):
        read(line)


@given(st.recursive(st.none() | st.booleans() | st.floats() | st.text(), st.lists, max_leaves=5))
def test_any_value_in_any_place_is_refused(value: object) -> None:
    for member in GOOD:
        with pytest.raises(LineError):
            read(json.dumps(GOOD | {member: value}).encode())
