"""The clear address of a letter."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from concord_formats.address import (
    MAX_ADDRESS_BYTES,
    MAX_RECIPIENTS,
    Address,
    AddressError,
    address_digest,
    parse_address,
)
from concord_formats.vocabulary import Information, LabelReason, Purpose, Sensitivity
from hypothesis import given
from hypothesis import strategies as st

GOOD: dict[str, Any] = {
    "v": 1,
    "letter": str(uuid4()),
    "sender": str(uuid4()),
    "device": str(uuid4()),
    "recipients": [str(uuid4())],
    "patient": "pt_" + "a" * 26,
    "consent": str(uuid4()),
    "consent_version": 1,
    "purpose": "treatment",
    "information": ["diagnoses"],
    "sensitivity": ["general"],
    "thread": str(uuid4()),
    "sealed_at": "2026-11-23T12:00:00Z",
}


def line(**changed: Any) -> bytes:
    return json.dumps({name: value for name, value in (GOOD | changed).items() if value is not ...}).encode()


def _build(behalf: tuple[UUID, UUID] | None, **members: Any) -> Address:
    on_behalf_of, delegation = behalf or (None, None)
    return Address(on_behalf_of=on_behalf_of, delegation=delegation, **members)


addresses = st.builds(
    _build,
    behalf=st.none() | st.tuples(st.uuids(), st.uuids()),
    v=st.just(1),
    letter=st.uuids(),
    sender=st.uuids(),
    device=st.uuids(),
    recipients=st.lists(st.uuids(), min_size=1, max_size=MAX_RECIPIENTS, unique=True).map(tuple),
    team=st.none() | st.uuids(),
    patient=st.text("abcdefghijklmnopqrstuvwxyz234567", min_size=26, max_size=26).map("pt_".__add__),
    consent=st.uuids(),
    consent_version=st.integers(1, 1_000_000),
    purpose=st.sampled_from(Purpose),
    information=st.frozensets(st.sampled_from(Information), min_size=1),
    sensitivity=st.frozensets(st.sampled_from(Sensitivity), min_size=1),
    label_reason=st.none() | st.sampled_from(LabelReason),
    thread=st.uuids(),
    reply_to=st.none() | st.uuids(),
    sealed_at=st.datetimes(datetime(2000, 1, 2), datetime(2999, 12, 30), timezones=st.just(UTC)),  # noqa: DTZ001
)


@given(addresses)
def test_what_is_written_is_read(address: Address) -> None:
    encoded = address.encode()
    assert parse_address(encoded) == address
    assert b"\n" not in encoded
    assert len(encoded) <= MAX_ADDRESS_BYTES


def test_the_digest_is_of_the_exact_bytes() -> None:
    assert parse_address(line()) == parse_address(line().replace(b" ", b""))
    assert address_digest(line()) != address_digest(line().replace(b" ", b""))


@pytest.mark.parametrize("name", sorted(GOOD))
def test_every_member_is_required_and_named(name: str) -> None:
    with pytest.raises(AddressError) as caught:
        parse_address(line(**{name: ...}))
    assert caught.value.field == name


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("v", 2),
        ("recipients", []),
        ("recipients", [GOOD["sender"], GOOD["sender"]]),
        ("recipients", [str(UUID(int=n)) for n in range(1, MAX_RECIPIENTS + 2)]),
        ("patient", "Luz Rivera"),
        ("patient", "pt_" + "a" * 26 + "\n"),
        ("patient", "pt_" + "A" * 26),
        ("consent_version", 0),
        ("consent_version", 1.0),
        ("consent_version", "1"),
        ("consent_version", True),
        ("purpose", "marketing"),
        ("information", []),
        ("sensitivity", []),
        ("label_reason", "Luz Rivera relapsed in June"),
        ("label_reason", ["ruled-out"]),
        ("labels_left_out", ["hiv"]),  # which labels were left out is under the seal, never in the clear
        ("notice", "42 CFR part 2"),
        ("scope", {}),
        ("reply_to", "none"),
        ("team", "intake"),
        ("team", [GOOD["thread"]]),
        ("delegation", "d1"),
        ("on_behalf_of", "Dr. Rivera"),
        ("note", "hello"),
    ],
)
def test_a_wrong_member_is_refused_and_named(field: str, value: object) -> None:
    with pytest.raises(AddressError) as caught:
        parse_address(line(**{field: value}))
    assert caught.value.field.split(".")[0] == field
    assert "Rivera" not in str(caught.value)


def test_an_unknown_label_is_refused() -> None:
    for field in ("information", "sensitivity"):
        with pytest.raises(AddressError, match=field):
            parse_address(line(**{field: ["everything"]}))


def test_an_address_without_a_label_reason_is_written_as_it_always_was() -> None:
    assert b"label_reason" not in parse_address(line()).encode()


def test_an_address_without_team_or_delegator_is_written_as_it_always_was() -> None:
    encoded = parse_address(line()).encode()
    assert not any(name in encoded for name in (b"team", b"on_behalf_of", b"delegation", b"null"))


def test_a_letter_to_a_team_and_one_on_behalf_of_somebody_say_so() -> None:
    team, delegator, delegation = (str(uuid4()) for _ in range(3))
    read = parse_address(line(team=team, on_behalf_of=delegator, delegation=delegation))
    assert (str(read.team), str(read.on_behalf_of), str(read.delegation)) == (team, delegator, delegation)
    assert json.loads(read.encode())["on_behalf_of"] == delegator


@pytest.mark.parametrize(
    ("field", "members"),
    [
        ("delegation", {"delegation": str(uuid4())}),
        ("delegation", {"on_behalf_of": str(uuid4())}),
        ("on_behalf_of", {"on_behalf_of": GOOD["sender"], "delegation": str(uuid4())}),
        ("on_behalf_of", {"on_behalf_of": "nobody", "delegation": str(uuid4())}),
    ],
    ids=["delegation-alone", "delegator-alone", "on-behalf-of-oneself", "no-id"],
)
def test_a_right_is_named_with_whose_it_is(field: str, members: dict[str, str]) -> None:
    with pytest.raises(AddressError) as caught:
        parse_address(line(**members))
    assert caught.value.field == field


def test_an_address_is_bounded() -> None:
    with pytest.raises(AddressError, match="longer"):
        parse_address(line() + b" " * MAX_ADDRESS_BYTES)
