"""How versions live, who may do what, and which windows are sensible."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.consent.rules.lifecycle import STORED, TRANSITIONS, Deed, LifecycleError, Status, after, shown
from services.consent.rules.standing import WHO, Standing, may, standings
from services.consent.rules.terms import Terms, TermsError, check_parties, check_renewal
from services.consent.rules.window import MAX_WINDOW, check_signed_on, check_window
from tests.unit.consent.examples import (
    COLLEAGUE,
    DAY,
    NOW,
    PHYSICIAN,
    PSYCHOLOGIST,
    STRANGER,
    TERMS,
    organization,
    practitioner,
    text,
)

SECOND = timedelta(seconds=1)


@given(st.lists(st.sampled_from(Deed)))
def test_nothing_leads_out_of_revoked(deeds: list[Deed]) -> None:
    status = Status.REVOKED
    for deed in deeds:
        try:
            status = after(status, deed)
        except LifecycleError:
            continue
    assert status is Status.REVOKED


def test_only_activation_puts_in_force() -> None:
    into_force = {(before, deed) for (before, deed), later in TRANSITIONS.items() if later is Status.ACTIVE}
    assert {deed for before, deed in into_force if before is not Status.ACTIVE} == {Deed.ACTIVATE}


def test_expired_is_never_stored() -> None:
    assert Status.EXPIRED not in STORED
    assert Status.DEFICIENT not in STORED
    assert {deed for (_, deed), later in TRANSITIONS.items() if later is Status.EXPIRED} == {Deed.EXPIRE}
    assert Status.DEFICIENT not in TRANSITIONS.values()


def test_every_status_can_be_revoked() -> None:
    """Whatever became of a version, revoking its consent never fails."""
    assert all(after(status, Deed.REVOKE) for status in Status)


def test_a_consent_is_in_force_until_the_last_second_before_its_end() -> None:
    assert shown(Status.ACTIVE, text(), TERMS.valid_until - SECOND) is Status.ACTIVE
    assert shown(Status.ACTIVE, text(), TERMS.valid_until) is Status.EXPIRED
    assert shown(Status.DRAFT, text(), TERMS.valid_until) is Status.DRAFT
    assert shown(Status.REVOKED, text(), TERMS.valid_until) is Status.REVOKED


@given(st.integers(-14 * 60, 14 * 60))
def test_the_reader_s_time_zone_never_moves_the_end(minutes: int) -> None:
    zone = timezone(timedelta(minutes=minutes))
    end = TERMS.valid_until.astimezone(zone)
    assert shown(Status.ACTIVE, text(replace(TERMS, valid_until=end)), (TERMS.valid_until - SECOND)) is Status.ACTIVE
    assert shown(Status.ACTIVE, text(), end) is Status.EXPIRED


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"valid_until": TERMS.valid_from}, "valid_until"),
        ({"valid_until": NOW}, "valid_until"),
        ({"valid_until": TERMS.valid_from + MAX_WINDOW + SECOND}, "valid_until"),
        ({"valid_from": NOW - 3000 * DAY, "valid_until": NOW + DAY}, "valid_from"),
        ({"valid_from": NOW + 400 * DAY, "valid_until": NOW + 500 * DAY}, "valid_from"),
    ],
)
def test_an_absurd_window_is_refused_by_the_field_s_name(changed: dict[str, datetime], field: str) -> None:
    with pytest.raises(TermsError) as refused:
        check_window(replace(TERMS, **changed), NOW)
    assert refused.value.field == field


@pytest.mark.parametrize("until", [NOW + SECOND, TERMS.valid_from + MAX_WINDOW])
def test_the_shortest_and_the_longest_window_are_accepted(until: datetime) -> None:
    check_window(replace(TERMS, valid_until=until), NOW)


def test_a_form_may_be_signed_today_wherever_today_is() -> None:
    """At noon in Greenwich it is tomorrow already on Kiritimati."""
    check_signed_on(date(2026, 11, 24), NOW)
    with pytest.raises(TermsError):
        check_signed_on(date(2026, 11, 25), NOW)
    with pytest.raises(TermsError):
        check_signed_on(date(1019, 11, 23), NOW)


def test_a_consent_between_a_party_and_itself_is_refused() -> None:
    with pytest.raises(TermsError):
        check_parties(replace(TERMS, recipient=TERMS.discloser))


def test_an_organization_and_its_own_member_may_be_the_two_parties() -> None:
    check_parties(replace(TERMS, discloser=practitioner(PHYSICIAN), recipient=organization(PHYSICIAN)))


@pytest.mark.parametrize("field", ["patient", "discloser", "recipient"])
def test_a_further_version_keeps_patient_and_parties(field: str) -> None:
    other = {"patient": "pt_" + "b" * 26, "discloser": practitioner(STRANGER), "recipient": practitioner(STRANGER)}
    with pytest.raises(TermsError) as refused:
        check_renewal(TERMS, replace(TERMS, **{field: other[field]}))
    assert refused.value.field == field
    check_renewal(TERMS, replace(TERMS, mutual=False, purposes=frozenset()))


ONE_WAY = replace(TERMS, mutual=False)


@pytest.mark.parametrize(
    ("member", "terms", "expected"),
    [
        (PHYSICIAN, ONE_WAY, {Standing.DISCLOSER}),
        (PSYCHOLOGIST, ONE_WAY, {Standing.RECIPIENT}),
        (COLLEAGUE, ONE_WAY, {Standing.RECIPIENT}),
        (PHYSICIAN, TERMS, {Standing.DISCLOSER, Standing.RECIPIENT}),
        (STRANGER, TERMS, set()),
    ],
)
def test_standing_follows_from_the_directions(member: object, terms: Terms, expected: set[Standing]) -> None:
    assert standings(member, terms) == expected  # type: ignore[arg-type]


def test_a_practitioner_s_id_never_passes_for_an_organization_s() -> None:
    """The kinds are compared, not only the ids."""
    terms = replace(ONE_WAY, recipient=organization(PSYCHOLOGIST))
    impostor = replace(STRANGER, practitioner=PSYCHOLOGIST.organization)
    assert not standings(impostor, terms)


@given(st.sampled_from(Deed))
def test_a_stranger_may_do_nothing_and_a_recipient_may_not_accept(deed: Deed) -> None:
    assert not may(deed, frozenset())
    assert may(Deed.REVOKE, frozenset({Standing.RECIPIENT}))
    assert not may(Deed.ACCEPT, frozenset({Standing.RECIPIENT}))
    assert all(WHO.values())
