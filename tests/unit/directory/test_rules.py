"""The directory's decisions: people, invitations, the rotation of token keys, assertions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.directory.rules import assertions, invitations, rotation
from services.directory.rules.people import Member, Role, administers, folded, is_npi, is_taxonomy, may_revoke_device

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize("npi", ["1234567893", "1245319599", "1003000126"])
def test_a_published_npi_is_one(npi: str) -> None:
    assert is_npi(npi)


@given(st.from_regex(r"[0-9]{9}", fullmatch=True))
def test_exactly_one_check_digit_is_right(nine: str) -> None:
    assert sum(is_npi(nine + digit) for digit in "0123456789") == 1


@given(st.integers(0, 8), st.integers(1, 9))
def test_no_single_typing_error_makes_another_npi(place: int, shift: int) -> None:
    digits = [int(digit) for digit in "1234567893"]
    digits[place] = (digits[place] + shift) % 10
    assert not is_npi("".join(map(str, digits)))


@given(st.text(max_size=12))
def test_nothing_but_ten_ascii_digits_is_an_npi(text: str) -> None:
    if is_npi(text):
        assert len(text) == 10 and text.isascii() and text.isdigit()


@pytest.mark.parametrize(
    ("code", "valid"),
    [("207Q00000X", True), ("103TC0700X", True), ("207Q000000", False), ("207q00000X", False), ("207Q00000X\n", False)],
)
def test_a_taxonomy_code_has_its_form(code: str, valid: bool) -> None:
    assert is_taxonomy(code) is valid


@given(st.text(max_size=200))
def test_a_folded_name_fits_its_column_and_folds_to_itself(name: str) -> None:
    assert len(folded(name)) <= 600
    assert folded(folded(name)) == folded(name)


def test_an_administrator_acts_for_their_own_organization_only() -> None:
    here, there = uuid4(), uuid4()
    admin = Member(uuid4(), here, Role.ADMINISTRATOR)
    clinician = Member(uuid4(), here, Role.PRACTITIONER)
    assert administers(admin, here)
    assert not administers(admin, there)
    assert not administers(clinician, here)


def test_a_device_is_stopped_by_owner_or_administrator() -> None:
    here, owner = uuid4(), uuid4()
    assert may_revoke_device(Member(owner, here, Role.PRACTITIONER), owner, here)
    assert may_revoke_device(Member(uuid4(), here, Role.ADMINISTRATOR), owner, here)
    assert not may_revoke_device(Member(uuid4(), here, Role.PRACTITIONER), owner, here)
    assert not may_revoke_device(Member(uuid4(), uuid4(), Role.ADMINISTRATOR), owner, here)


def test_only_the_secret_opens_an_invitation() -> None:
    invitation = invitations.Invitation(invitations.secret_digest("secret"), NOW + timedelta(days=7), used=False)
    assert invitations.opens(invitation, "secret")
    assert not invitations.opens(invitation, "Secret")
    assert not invitations.opens(None, "secret")
    assert not invitations.opens(None, "")


def test_an_invitation_is_good_until_its_end_and_once() -> None:
    invitation = invitations.Invitation("", NOW, used=False)
    assert invitations.is_good(invitation, NOW - timedelta(seconds=1))
    assert not invitations.is_good(invitation, NOW)
    assert not invitations.is_good(invitations.Invitation("", NOW, used=True), NOW - timedelta(seconds=1))


def carried_out(keys: list[rotation.KeyTimes], now: datetime) -> list[rotation.KeyTimes]:
    """The keys after the plan of that moment was carried out."""
    plan = rotation.plan(keys, now)
    made = [rotation.KeyTimes(f"key-{now.timestamp()}", plan.make)] if plan.make else []
    return [key for key in keys if key.kid not in plan.forget] + made


@given(st.lists(st.integers(1, 40 * 86400), min_size=1, max_size=40))
def test_rotation_holds_whenever_the_worker_happens_to_look(pauses: list[int]) -> None:
    """Somebody always signs; a key signs no sooner than services can know it; a key stays while its tokens live."""
    keys: list[rotation.KeyTimes] = []
    published: dict[str, datetime] = {}
    last_signed: dict[str, datetime] = {}
    now = NOW
    for pause in pauses:
        keys = carried_out(keys, now)
        assert carried_out(keys, now) == keys, "planning again asks for nothing"
        for key in keys:
            published.setdefault(key.kid, now)
        signer = rotation.signing(keys, now)
        assert signer is not None
        if signer != next(iter(published)):  # the very first key signs at once
            assert now - published[signer] >= rotation.PUBLISH_AHEAD
        last_signed[signer] = now
        for kid, at in last_signed.items():
            if now - at <= timedelta(seconds=rotation.TOKEN_SECONDS):
                assert kid in [key.kid for key in keys], "its tokens still live"
        now += timedelta(seconds=pause)


def test_a_key_signs_for_thirty_days() -> None:
    keys = carried_out([], NOW)
    first = keys[0].kid
    for day in range(30):
        keys = carried_out(keys, NOW + timedelta(days=day))
        assert rotation.signing(keys, NOW + timedelta(days=day)) == first
    keys = carried_out(keys, NOW + timedelta(days=30) - rotation.PUBLISH_AHEAD)
    assert len(keys) == 2
    assert rotation.signing(keys, NOW + timedelta(days=30)) == keys[1].kid


CLAIMS = {"iss": "6f2f9d0e-8c1b-4f0e-9d59-000000000001", "sub": "6f2f9d0e-8c1b-4f0e-9d59-000000000001"}


@given(
    st.fixed_dictionaries(
        {},
        optional={
            name: st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.lists(st.text()))
            for name in ("iss", "sub", "aud", "iat", "exp", "jti")
        },
    )
)
def test_no_claims_at_all_make_the_check_fail_in_another_way(claims: dict[str, object]) -> None:
    try:
        assertions.check(claims, audience="http://concord.test/directory", now=1000.0)
    except assertions.UnacceptableAssertionError:
        return
    assert claims["aud"] == "http://concord.test/directory"
