"""The life of a consent, as its use cases tell it."""

from __future__ import annotations

from dataclasses import replace
from uuid import uuid4

import pytest

from services.chassis.problems import Problem
from services.consent import events, evidence, usecases
from services.consent.rules.standing import Member
from services.consent.rules.terms import Terms
from tests.unit.consent.examples import COLLEAGUE, DAY, PHYSICIAN, PSYCHOLOGIST, SIGNED, STRANGER, TERMS, practitioner
from tests.unit.consent.world import FORM, World, type_of

ONE_WAY = replace(TERMS, mutual=False)


def refusal(step: object, *args: object, **more: object) -> Problem:
    with pytest.raises(Problem) as refused:
        step(*args, **more)  # type: ignore[operator]
    return refused.value


def test_a_draft_is_told_to_nobody(world: World) -> None:
    consent = world.ready()
    assert world.statuses(consent) == ["draft"]
    assert world.told() == []


def test_a_consent_in_force_is_told_with_its_grants(world: World) -> None:
    consent = world.active()
    (event,) = world.told()
    assert (event.type, event.sequence) == (events.ACTIVATED, 1)
    assert (event.data["consent"], event.data["version"]) == (str(consent), 1)
    assert [grant["discloser"]["id"] for grant in event.data["grants"]] == [str(PHYSICIAN.practitioner)]
    assert {party["kind"] for party in event.data["parties"]} == {"practitioner", "organization"}


def test_the_outbox_holds_the_same_event(world: World) -> None:
    world.active()
    assert "outbox" in world.bell.rung


def test_a_later_acceptance_tells_the_whole_list_again(world: World) -> None:
    """The other side opens its direction while the consent is in force."""
    consent = world.active()
    seen = world.accept(consent, member=COLLEAGUE)
    first, second = world.told()
    assert (len(first.data["grants"]), len(second.data["grants"])) == (1, 2)
    assert seen.effective[1] is not None
    assert seen.consent.versions[0].directions[1].accepted_by == COLLEAGUE.practitioner


def test_accepting_twice_tells_once(world: World) -> None:
    consent = world.active()
    world.accept(consent)
    world.accept(consent)
    assert len(world.told()) == 1


def test_nobody_accepts_for_the_other_side(world: World) -> None:
    consent = world.draft(ONE_WAY)
    world.attach(consent)
    assert type_of(refusal(world.accept, consent, member=PSYCHOLOGIST)) == "not-the-discloser"


def test_the_order_of_acceptance_and_activation_never_matters(world: World) -> None:
    """Whether the other side accepts before or after, messaging ends with the same grants."""
    before = world.ready()
    world.accept(before, member=PSYCHOLOGIST)
    world.activate(before)
    after = world.active()
    world.accept(after, member=PSYCHOLOGIST)
    ends = {event.data["consent"]: event.data["grants"] for event in world.told()}
    assert ends[str(before)] == ends[str(after)]


def test_an_acceptance_of_other_evidence_is_refused(world: World) -> None:
    consent = world.draft()
    assert type_of(refusal(world.accept, consent)) == "evidence-differs"
    world.attach(consent)
    assert type_of(refusal(world.accept, consent, form=b"another")) == "evidence-differs"


def test_a_form_that_lacks_something_is_not_accepted_and_can_still_be_replaced(world: World) -> None:
    """An acceptance settles the evidence: of an incomplete form it would leave a draft that nobody can mend."""
    consent = world.draft()
    evidence.attach(world.all, PHYSICIAN, consent, 1, replace(SIGNED, copy_given=False), [FORM])
    problem = refusal(world.accept, consent)
    assert (problem.status, type_of(problem)) == (409, "consent-incomplete")
    assert problem.more["missing"] == [{"element": "copy-to-signer", "citation": "45 CFR 164.508(c)(4)"}]
    world.attach(consent)
    world.accept(consent)
    world.activate(consent)
    assert world.statuses(consent) == ["active"]


def test_an_incomplete_draft_is_not_put_in_force_and_every_lack_is_named(world: World) -> None:
    consent = world.draft(replace(TERMS, purposes=frozenset(), information=frozenset()))
    problem = refusal(world.activate, consent)
    assert (problem.status, type_of(problem)) == (409, "consent-incomplete")
    named = [each["element"] for each in problem.more["missing"]]
    assert named[:4] == ["purpose", "information", "signature", "signature-date"]
    assert named[-1] == "acceptance"
    assert all(each["citation"] for each in problem.more["missing"])
    assert world.statuses(consent) == ["draft"]
    assert world.told() == []


def test_an_expired_draft_is_not_put_in_force(world: World) -> None:
    consent = world.ready(replace(TERMS, valid_until=TERMS.valid_from + 2 * DAY))
    world.clock.pass_((2 * DAY).total_seconds())
    assert refusal(world.activate, consent).more["missing"][0]["element"] == "unexpired"


def test_activating_again_answers_the_same_and_tells_once(world: World) -> None:
    consent = world.active()
    assert world.activate(consent).consent.versions[0].status == "active"
    assert len(world.told()) == 1


@pytest.mark.parametrize("member", [PHYSICIAN, PSYCHOLOGIST, COLLEAGUE])
def test_any_party_revokes(world: World, member: Member) -> None:
    consent = world.active()
    made = world.revoke(consent, member)
    assert made.effective_at is not None
    assert world.statuses(consent) == ["revoked"]
    assert world.told()[-1].type == events.REVOKED
    assert world.told()[-1].data == {"consent": str(consent), "version": 1}


def test_revoking_again_answers_the_same(world: World) -> None:
    consent = world.active()
    first = world.revoke(consent)
    world.clock.pass_(60)
    assert world.revoke(consent, PHYSICIAN) == first
    assert len(world.told()) == 2


def test_a_revocation_that_does_not_hold_yet_says_so_and_can_be_asked_again(world: World) -> None:
    consent = world.active()
    world.barrier.holds = False
    assert world.revoke(consent).effective_at is None
    assert world.statuses(consent) == ["revoked"]
    world.barrier.holds = True
    assert world.revoke(consent).effective_at is not None


def test_a_draft_is_withdrawn_without_the_feed(world: World) -> None:
    consent = world.draft()
    made = world.revoke(consent)
    assert made.effective_at == made.revoked_at
    assert world.told() == []
    assert world.barrier.asked == []


@pytest.mark.parametrize("deed", ["attach", "accept", "activate"])
def test_nothing_is_done_to_a_revoked_consent(world: World, deed: str) -> None:
    consent = world.ready()
    world.revoke(consent)
    assert type_of(refusal(getattr(world, deed), consent)) == "consent-revoked"
    assert type_of(refusal(usecases.draft_version, world.all, PHYSICIAN, consent, TERMS)) == "consent-revoked"


def test_revoking_takes_the_draft_of_the_next_version_along(world: World) -> None:
    consent = world.active()
    usecases.draft_version(world.all, PHYSICIAN, consent, TERMS)
    world.attach(consent, 2)
    world.revoke(consent)
    assert world.statuses(consent) == ["revoked", "revoked"]
    assert type_of(refusal(world.accept, consent, 2)) == "consent-revoked"


def test_a_further_version_takes_the_place_of_the_one_before(world: World) -> None:
    consent = world.active()
    narrower = replace(TERMS, information=frozenset(list(TERMS.information)[:1]))
    usecases.draft_version(world.all, PSYCHOLOGIST, consent, narrower)
    assert world.statuses(consent) == ["active", "draft"]
    world.attach(consent, 2)
    world.accept(consent, 2)
    seen = world.activate(consent, 2)
    assert world.statuses(consent) == ["superseded", "active"]
    assert world.told()[-1].data["version"] == 2
    assert seen.effective[1] == seen.effective[2] is not None
    assert world.barrier.asked[-1] == (2, usecases.REVOCATION_WAIT_SECONDS)
    assert type_of(refusal(world.accept, consent, 1)) == "consent-superseded"


def test_a_new_version_starts_without_evidence_and_acceptance(world: World) -> None:
    """What was signed for the old words says nothing about the new ones."""
    consent = world.active()
    usecases.draft_version(world.all, PHYSICIAN, consent, TERMS)
    names = [each["element"] for each in refusal(world.activate, consent, 2).more["missing"]]
    assert names[:2] == ["signature", "signature-date"]
    assert names[-1] == "acceptance"


def test_there_is_one_draft_at_a_time(world: World) -> None:
    consent = world.draft()
    assert type_of(refusal(usecases.draft_version, world.all, PHYSICIAN, consent, TERMS)) == "draft-exists"


def test_a_further_version_is_about_the_same_people(world: World) -> None:
    consent = world.active()
    other = replace(TERMS, recipient=practitioner(STRANGER))
    problem = refusal(usecases.draft_version, world.all, PHYSICIAN, consent, other)
    assert (type_of(problem), problem.more["field"]) == ("invalid-field", "recipient")


def test_an_expired_consent_is_renewed_by_a_further_version(world: World) -> None:
    consent = world.active(replace(TERMS, valid_until=TERMS.valid_from + 2 * DAY))
    world.clock.pass_((2 * DAY).total_seconds())
    assert type_of(refusal(world.accept, consent, member=PSYCHOLOGIST)) == "consent-expired"
    usecases.draft_version(world.all, PHYSICIAN, consent, TERMS)
    world.attach(consent, 2)
    world.accept(consent, 2)
    world.activate(consent, 2)
    assert world.statuses(consent) == ["superseded", "active"]


def test_nobody_drafts_a_consent_between_others(world: World) -> None:
    problem = refusal(world.draft, TERMS, STRANGER)
    assert (problem.status, type_of(problem)) == (403, "not-a-party")


@pytest.mark.parametrize(
    ("terms", "field"),
    [
        (replace(TERMS, recipient=TERMS.discloser), "recipient"),
        (replace(TERMS, valid_until=TERMS.valid_from), "valid_until"),
    ],
)
def test_terms_that_cannot_stand_are_refused_by_the_field_s_name(world: World, terms: Terms, field: str) -> None:
    assert refusal(world.draft, terms).more["field"] == field


def test_a_party_that_the_directory_does_not_know_is_refused(world: World) -> None:
    world.register.struck_off = {TERMS.recipient.id}
    problem = refusal(world.draft)
    assert (problem.status, type_of(problem), problem.more["field"]) == (422, "unknown-party", "recipient")


def test_nothing_is_drafted_while_the_directory_is_away(world: World) -> None:
    world.register.away = True
    problem = refusal(world.draft)
    assert (problem.status, problem.headers["Retry-After"]) == (503, "2")
    assert usecases.list_own(world.all, PHYSICIAN, None, 10) == []


def test_a_stranger_cannot_tell_a_consent_from_none(world: World) -> None:
    consent = world.active()
    steps = [world.revoke, world.activate, world.accept, world.attach]
    for step in steps:
        at_it, at_none = refusal(step, consent, member=STRANGER), refusal(step, uuid4(), member=STRANGER)
        assert (at_it.status, at_it.type, at_it.detail) == (at_none.status, at_none.type, at_none.detail)
        assert at_it.status == 404
    foreign = refusal(
        usecases.draft_version, world.all, STRANGER, consent, replace(TERMS, valid_until=TERMS.valid_from)
    )
    assert foreign.status == 404
    assert world.statuses(consent) == ["active"]


def test_the_list_holds_what_one_is_a_party_to_and_goes_on(world: World) -> None:
    made = []
    for _ in range(5):
        made.append(world.draft())
        world.clock.pass_(1)
    first = usecases.list_own(world.all, COLLEAGUE, None, 3)
    last = first[-1].consent
    rest = usecases.list_own(world.all, COLLEAGUE, (last.created_at, last.id), 3)
    assert [each.consent.id for each in first + rest] == made
    assert usecases.list_own(world.all, STRANGER, None, 3) == []


def test_the_snapshot_tells_what_was_ever_in_force(world: World) -> None:
    drafted, active, revoked = world.draft(), world.active(), world.active()
    world.revoke(revoked)
    with world.database.transaction() as session:
        facts = {fact["consent"]: fact for fact in events.facts(session)}
    assert set(facts) == {str(active), str(revoked)} - {str(drafted)}
    assert (facts[str(active)]["status"], len(facts[str(active)]["grants"])) == ("active", 1)
    assert (facts[str(revoked)]["status"], facts[str(revoked)]["grants"]) == ("revoked", [])
    assert set(facts[str(active)]) == {"kind", "consent", "version", "patient", "parties", "status", "grants"}


def test_a_damaged_consent_grants_nothing_in_a_snapshot(world: World) -> None:
    """A version that lost its evidence, however that came to be, does not keep the others from their follower."""
    damaged, whole = world.active(), world.active()
    with world.database.transaction() as session:
        row = usecases.show(world.all, PHYSICIAN, damaged).consent.versions[0]
        session.merge(row).evidence_sha256 = None
        session.flush()
        facts = {fact["consent"]: fact for fact in events.facts(session)}
    assert facts[str(damaged)]["grants"] == []
    assert len(facts[str(whole)]["grants"]) == 1


def test_the_form_itself_never_reaches_an_event(world: World) -> None:
    consent = world.active()
    world.revoke(consent)
    assert not any(FORM[24:40] in event.encode() for event in world.told())
