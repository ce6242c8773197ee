"""The canary search finds what it looks for, in each form."""

from __future__ import annotations

import base64

import pytest

from tests.journeys.canary import findings

NAME = "Armendáriz"


@pytest.mark.parametrize(
    "hidden",
    [
        NAME.encode(),
        NAME.encode("utf-16-le"),
        NAME.encode().hex().encode(),
        base64.b64encode(b"x" + NAME.encode() + b"yz"),
        base64.b64encode(b"xy" + NAME.encode() + b"z"),
        base64.urlsafe_b64encode(b"xyz" + NAME.encode()),
        b'"Armend\\u00e1riz"',
    ],
)
def test_a_planted_name_is_found_in_every_form(hidden: bytes) -> None:
    found = findings([NAME], [("planted", b"before " + hidden + b" after")])
    assert set(found) == {"planted: " + NAME}


def test_nothing_is_found_where_nothing_stands() -> None:
    assert findings([NAME], [("clean", bytes(range(256)) * 40)]) == []
