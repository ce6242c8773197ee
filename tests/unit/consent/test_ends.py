"""How a consent ends, who ends it, and what is said of it before and after."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from concord_formats.vocabulary import ConsentType, ExpiryEvent
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, update

from services.chassis.event import Event
from services.chassis.problems import Problem
from services.consent import upkeep, usecases
from services.consent.models import ConsentRow, Outbox, VersionRow
from services.consent.rules import elements
from services.consent.rules.lifecycle import Deed, Status, shown
from services.consent.rules.renewal import REMINDERS_DAYS, reminder_due
from services.consent.rules.standing import WHO, Patient, Standing, standings
from services.consent.texts import text_of
from tests.unit.consent.examples import DAY, NOW, PATIENT, PHYSICIAN, PSYCHOLOGIST, STRANGER, TERMS, text
from tests.unit.consent.world import World, type_of

UNTIL_TREATMENT_ENDS = replace(TERMS, expires_on=ExpiryEvent.END_OF_TREATMENT)


def status_of(world: World, consent: object) -> Status:
    seen = usecases.show(world.all, PHYSICIAN, consent)  # type: ignore[arg-type]
    version = seen.consent.versions[-1]
    return shown(Status(version.status), text_of(seen.consent, version), world.clock.now())


def test_a_recorded_event_ends_a_consent_and_its_grants_have_an_empty_window(world: World) -> None:
    consent = world.active(UNTIL_TREATMENT_ENDS)
    usecases.end(world.all, PSYCHOLOGIST, consent, 1)
    assert status_of(world, consent) is Status.EXPIRED
    (grant,) = world.told()[-1].data["grants"]
    assert grant["valid_from"] == grant["valid_until"]


def test_recording_the_event_again_tells_nothing_new(world: World) -> None:
    consent = world.active(UNTIL_TREATMENT_ENDS)
    usecases.end(world.all, PSYCHOLOGIST, consent, 1)
    told = len(world.told())
    usecases.end(world.all, PHYSICIAN, consent, 1)
    assert len(world.told()) == told


@pytest.mark.parametrize("event", [None, ExpiryEvent.NONE])
def test_a_consent_without_an_event_ends_on_its_last_day_only(world: World, event: ExpiryEvent | None) -> None:
    consent = world.active(replace(TERMS, type=ConsentType.PART_2_TPO, expires_on=event))
    with pytest.raises(Problem) as refused:
        usecases.end(world.all, PHYSICIAN, consent, 1)
    assert (refused.value.status, type_of(refused.value)) == (409, "no-expiry-event")


def test_a_consent_that_ended_by_its_event_is_renewed_by_a_new_version(world: World) -> None:
    consent = world.active(UNTIL_TREATMENT_ENDS)
    usecases.end(world.all, PHYSICIAN, consent, 1)
    usecases.draft_version(world.all, PHYSICIAN, consent, UNTIL_TREATMENT_ENDS)
    world.attach(consent, 2)
    world.accept(consent, 2)
    world.activate(consent, 2)
    assert world.statuses(consent) == ["superseded", "active"]
    assert status_of(world, consent) is Status.ACTIVE


def test_the_patient_revokes_for_themselves(world: World) -> None:
    consent = world.active()
    done = usecases.revoke_as_patient(world.all, PATIENT, consent)
    assert done.effective_at is not None
    row = usecases.show(world.all, PHYSICIAN, consent).consent
    assert (row.revoked_by, row.revoked_as) == (None, "patient")


def test_another_patient_revokes_nothing_and_learns_nothing(world: World) -> None:
    consent = world.active()
    with pytest.raises(Problem) as refused:
        usecases.revoke_as_patient(world.all, "pt_" + "b" * 26, consent)
    assert refused.value.status == 404
    assert world.statuses(consent) == ["active"]


def test_revoking_one_of_several_consents_leaves_the_others(world: World) -> None:
    one = world.active()
    other = world.active(replace(TERMS, recipient=TERMS.discloser, discloser=TERMS.recipient))
    world.revoke(one)
    assert (world.statuses(one), world.statuses(other)) == (["revoked"], ["active"])


def test_who_revoked_is_on_record_by_side(world: World) -> None:
    one_way = replace(TERMS, mutual=False)
    for member, side in ((PHYSICIAN, "discloser"), (PSYCHOLOGIST, "recipient")):
        consent = world.active(one_way)
        world.revoke(consent, member)
        assert usecases.show(world.all, PHYSICIAN, consent).consent.revoked_as == side


def test_the_patient_may_read_account_and_revoke_and_nothing_that_widens() -> None:
    theirs = {deed for deed, who in WHO.items() if Standing.PATIENT in who}
    assert theirs == {Deed.READ, Deed.ACCOUNT, Deed.REVOKE}
    assert set(WHO) == set(Deed)
    assert standings(Patient(PATIENT), TERMS) == {Standing.PATIENT}
    assert not standings(Patient("pt_" + "b" * 26), TERMS)


def test_the_patient_s_page_cannot_be_used_to_end_or_accept(world: World) -> None:
    """Nothing but the table decides: a member's deeds are refused to a patient by it."""
    consent = world.active(UNTIL_TREATMENT_ENDS)
    with pytest.raises(Problem) as refused:
        usecases.end(world.all, Patient(PATIENT), consent, 1)  # type: ignore[arg-type]
    assert refused.value.status == 403


def test_a_consent_that_the_law_s_new_table_finds_deficient_grants_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    consent = world.active()
    assert upkeep.judge_anew(world.all) == 0
    stricter = elements.Element("seal", dict.fromkeys(ConsentType, "45 CFR 164.999"), lambda _: False)
    monkeypatch.setattr(elements, "ELEMENTS", (*elements.ELEMENTS, stricter))
    monkeypatch.setattr(upkeep, "LAW", "another table...")
    monkeypatch.setattr("services.consent.changes.LAW", "another table...")
    assert upkeep.judge_anew(world.all) == 1
    assert world.told()[-1].data["grants"] == []
    assert status_of(world, consent) is Status.DEFICIENT
    assert upkeep.judge_anew(world.all) == 0


def test_a_row_from_before_the_law_s_columns_is_judged_once(world: World) -> None:
    consent = world.active()
    with world.database.transaction() as session:
        session.execute(update(VersionRow).values(law=None, evidence_statements=[]))
    assert upkeep.judge_anew(world.all) == 1
    assert world.told()[-1].data["grants"] == []
    assert status_of(world, consent) is Status.DEFICIENT
    world.revoke(consent)
    assert world.statuses(consent) == ["revoked"]


def reminders(world: World) -> list[int]:
    with world.database.transaction() as session:
        bodies = session.scalars(select(Outbox.body).order_by(Outbox.id)).all()
    events = [Event.decode(body) for body in bodies]
    return [each.data["days"] for each in events if each.type.endswith("renewal-due.v1")]


def test_the_parties_are_reminded_a_month_and_a_week_before_the_end_once_each(world: World) -> None:
    world.active(replace(TERMS, valid_until=NOW + 40 * DAY))
    for day in range(45):
        upkeep.remind(world.all)
        assert reminders(world) == [days for days in REMINDERS_DAYS if 40 - day <= days or day > 40 - days], day
        world.clock.pass_(DAY.total_seconds())
    assert reminders(world) == [30, 7]


def test_nobody_is_reminded_of_what_was_revoked_or_has_ended(world: World) -> None:
    soon = replace(UNTIL_TREATMENT_ENDS, valid_until=NOW + 5 * DAY)
    world.revoke(world.active(soon))
    usecases.end(world.all, PHYSICIAN, world.active(soon), 1)
    assert upkeep.remind(world.all) == 0


def test_a_reminder_names_parties_and_dates_and_nothing_else(world: World) -> None:
    world.active(replace(TERMS, valid_from=NOW - 60 * DAY, valid_until=NOW + 5 * DAY))
    upkeep.remind(world.all)
    with world.database.transaction() as session:
        bodies = session.scalars(select(Outbox.body)).all()
    event = next(e for e in map(Event.decode, bodies) if e.type.endswith("renewal-due.v1"))
    assert set(event.data) == {"consent", "version", "patient", "parties", "valid_until", "days"}


@given(st.integers(1, 2000), st.integers(-10, 2000), st.sampled_from([None, *REMINDERS_DAYS]))
def test_a_reminder_is_never_sent_again_nor_after_the_end(length: int, passed: int, reminded: int | None) -> None:
    start = NOW
    end = NOW + length * DAY
    now = start + timedelta(days=passed)
    due = reminder_due(start, end, reminded, now)
    if due is not None:
        assert now < end
        assert end - now <= due * DAY < end - start
        assert reminded is None or due < reminded
        assert reminder_due(start, end, due, now) is None


def test_a_stranger_ends_nothing(world: World) -> None:
    consent = world.active(UNTIL_TREATMENT_ENDS)
    with pytest.raises(Problem) as refused:
        usecases.end(world.all, STRANGER, consent, 1)
    assert refused.value.status == 404
    assert text().ended_at is None


def test_every_consent_hangs_on_its_patient(world: World) -> None:
    consent = world.draft()
    with world.database.transaction() as session:
        assert session.get_one(ConsentRow, consent).patient == PATIENT
