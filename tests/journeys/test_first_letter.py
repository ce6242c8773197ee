"""The first letter, end to end: consent, letter, answer, receipts, revocation, and what the account tells of it all."""

from __future__ import annotations

import io
import json
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from concord.api import Consent, InboxEntry, Party, Terms
from concord.client import Client
from concord.consents import Form
from concord.documents import describe
from concord.errors import ServiceError
from concord.labels import propose
from concord.letters import Draft, Sent
from concord_formats.vocabulary import ConsentType, Information, PartyKind, Purpose, Sensitivity

from tests.deployment import wait_for
from tests.journeys.world import World, account, refusal
from tests.people import People, accepted, active_consent, delivered, note, released, send_note, stopped, terms

SUMMARY = Path(__file__).parents[2] / "demo" / "patient" / "summary.json"
FHIR = "application/fhir+json"
FOUND = propose(SUMMARY, FHIR)
# What a consent has to cover for the summary and the notes around it.
COVERING = {
    "information": [Information.COORDINATION, *sorted(FOUND.information)],
    "sensitivity": sorted({Sensitivity.GENERAL, *FOUND.sensitivity}),
}


def summary(consent: UUID) -> Draft:
    """The whole record of the sample patient, with every label that was found in it."""
    labels = {"information": FOUND.information, "sensitivity": FOUND.sensitivity | {Sensitivity.GENERAL}}
    return note(consent, SUMMARY.read_bytes(), media_type=FHIR, **labels)


def read(person: Client, letter: UUID) -> bytes:
    """Open a letter; its document."""
    body = io.BytesIO()
    person.letters.open(letter, body)
    return body.getvalue()


def inbox(person: Client) -> list[InboxEntry]:
    """Everything in an inbox, page after page."""
    found: list[InboxEntry] = []
    after: str | None = None
    while True:
        entries, after = person.letters.inbox(after=after)
        if not entries:
            return found
        found += entries


def waiting(person: Client) -> list[UUID]:
    """The letters in an inbox, oldest first."""
    return [entry.letter for entry in inbox(person)]


def next_version(person: Client, consent: Consent, new: Terms) -> Consent:
    """Draft, accept and put in force the next version."""
    form = Form.concord(b"signed again", new.type, datetime.now(UTC).date(), "ink", copy_given=True)
    person.consents.create(new, form, consent.id)
    return accepted(person, consent.id)


def test_the_story_of_the_first_letter(world: World, people: People) -> None:
    """A physician sends a patient's whole summary, a psychologist reads and answers, the patient revokes."""
    physician, psychologist = people.physician, people.psychologist
    consent = active_consent(people, **COVERING)
    sent = delivered(physician, summary(consent.id))
    assert waiting(psychologist)[-1] == sent.letter

    body = io.BytesIO()
    opened = psychologist.letters.open(sent.letter, body)
    assert body.getvalue() == SUMMARY.read_bytes()
    assert (opened.statement.sender, opened.signer.device) == (physician.practitioner, physician.settings.device)
    assert (opened.statement.consent, opened.statement.consent_version) == (consent.id, 1)
    assert describe(io.BytesIO(body.getvalue()), FHIR).text

    accepted(psychologist, consent.id)
    reply = delivered(psychologist, note(consent.id, b"Thank you.", reply_to=sent.letter))
    answer = physician.letters.open(reply.letter, io.BytesIO())
    assert answer.statement.reply_to == sent.letter
    assert answer.statement.thread == opened.statement.thread == sent.letter

    unopened = released(people, consent.id)
    psychologist.consents.revoke(consent.id)
    stopped(people, consent.id)
    assert refusal(lambda: psychologist.letters.open(unopened.letter, io.BytesIO())).type == "consent-revoked"
    assert read(psychologist, sent.letter) == SUMMARY.read_bytes(), "what was opened before stays with the reader"

    told = account(physician, consent.id, "refused", "opened", "handed-out", "released")
    wait_for(lambda: len(list(physician.consents.disclosures(consent.id))) == 9, 60, "nine lines of the account")
    told = [line.event for line in physician.consents.disclosures(consent.id)]
    assert sorted(told) == sorted(["released", "handed-out", "opened"] * 2 + ["released"] + ["refused"] * 2)
    reasons = {line.reason for line in physician.consents.disclosures(consent.id) if line.event == "refused"}
    assert reasons == {"consent-revoked"}
    assert "refused" not in {line.event for line in psychologist.consents.disclosures(consent.id)}


def test_the_account_is_for_the_parties_only(world: World, people: People) -> None:
    stranger = world.another(people.practices[1], "Dr. Stranger")
    consent = active_consent(people)
    released(people, consent.id)
    assert refusal(lambda: list(stranger.consents.disclosures(consent.id))).status == 404
    assert refusal(lambda: stranger.consents.show(consent.id)).status == 404
    assert refusal(lambda: stranger.consents.revoke(consent.id)).status == 404


def test_receipts_tell_the_sender_what_became_of_a_letter(world: World, people: People) -> None:
    """Released, then fetched and opened by the recipient's own signed word."""
    consent = active_consent(people)
    sent = released(people, consent.id)
    (before,) = people.physician.letters.status(sent.letter)
    assert (before.state, before.fetched_at, before.verified) == ("released", None, False)
    read(people.psychologist, sent.letter)
    (after,) = people.physician.letters.status(sent.letter)
    assert after.verified
    assert before.released_at and after.fetched_at and after.opened_at
    assert before.released_at <= after.fetched_at
    assert after in list(people.physician.letters.receipts())


def test_a_reader_who_does_not_acknowledge_leaves_no_receipt(world: World, people: People) -> None:
    sent = released(people, active_consent(people).id)
    people.psychologist.letters.open(sent.letter, io.BytesIO(), acknowledge=False)
    (line,) = people.physician.letters.status(sent.letter)
    assert line.fetched_at is not None
    assert (line.opened_at, line.verified) == (None, False)


def test_a_letter_under_a_superseded_version_is_refused_with_the_version_to_seal_again_under(
    world: World, people: People
) -> None:
    """A letter sealed before, and one released before but not yet opened: neither passes under the new version."""
    consent = active_consent(people)
    unopened = released(people, consent.id)
    sealed = people.physician.letters.seal(note(consent.id))
    newer = next_version(people.physician, consent, terms(people, consent.patient))
    assert [version.status for version in newer.versions] == ["superseded", "active"]
    refused = refusal(lambda: people.physician.letters.resend(sealed))
    assert refused.type == "consent-superseded"
    assert "again under version 2" in refused.message
    assert refusal(lambda: read(people.psychologist, unopened.letter)).type == "consent-superseded"
    again = released(people, consent.id)
    assert people.psychologist.letters.open(again.letter, io.BytesIO()).statement.consent_version == 2


def test_a_narrower_version_takes_away_what_it_no_longer_names(world: World, people: People) -> None:
    consent = active_consent(people)
    medications = frozenset({Information.MEDICATIONS})
    delivered(people.physician, note(consent.id, information=medications))
    narrower = terms(people, consent.patient, information=[Information.COORDINATION])
    next_version(people.physician, consent, narrower)
    refused = refusal(lambda: people.physician.letters.send(note(consent.id, information=medications)))
    assert refused.type == "label-not-covered"
    assert refused.members["labels"] == ["medications"]


def test_an_organization_can_be_the_party(world: World, people: People) -> None:
    """A consent to the psychologist's practice: everyone of it may read, nobody else may."""
    harbor = people.practices[1]
    colleague = world.another(harbor, "Dr. Ferreira")
    party = Party(kind=PartyKind.ORGANIZATION, id=harbor.organization)
    consent = active_consent(people, recipient=party)
    to = (people.psychologist.practitioner, colleague.practitioner)
    sent = delivered(people.physician, note(consent.id, recipients=to))
    assert [read(reader, sent.letter) for reader in (people.psychologist, colleague)] == [b"A note about care."] * 2
    assert {line.verified for line in people.physician.letters.status(sent.letter)} == {True}
    outsider = world.another(people.practices[0], "Dr. Elsewhere")
    wrong = note(consent.id, recipients=(outsider.practitioner,))
    assert refusal(lambda: people.physician.letters.send(wrong)).type == "recipient-not-covered"


def test_a_member_of_the_organization_accepts_its_direction(world: World, people: People) -> None:
    harbor = people.practices[1]
    consent = active_consent(people, recipient=Party(kind=PartyKind.ORGANIZATION, id=harbor.organization))
    accepted(people.psychologist, consent.id)
    to = (people.physician.practitioner,)
    sent = delivered(people.psychologist, note(consent.id, b"From the practice.", recipients=to))
    assert read(people.physician, sent.letter) == b"From the practice."


def test_one_recipient_who_is_not_covered_stops_the_whole_letter(world: World, people: People) -> None:
    outsider = world.another(people.practices[0], "Dr. Aside")
    consent = active_consent(people)
    to = (people.psychologist.practitioner, outsider.practitioner)
    with world.nothing_written(refusal=1):
        refused = refusal(lambda: people.physician.letters.send(note(consent.id, recipients=to)))
    listed = [{"recipient": str(outsider.practitioner), "reason": "recipient-not-covered"}]
    assert refused.members["refusals"] == listed


def test_a_one_way_consent_lets_nothing_come_back(world: World, people: People) -> None:
    consent = active_consent(people, mutual=False)
    released(people, consent.id)
    refused = refusal(lambda: people.psychologist.consents.accept(consent.id))
    assert refused.type == "not-the-discloser"
    back = note(consent.id, recipients=(people.physician.practitioner,))
    assert refusal(lambda: people.psychologist.letters.send(back)).type == "recipient-not-covered"


def test_a_direction_is_closed_until_its_own_discloser_accepts_it(world: World, people: People) -> None:
    consent = active_consent(people)
    back = note(consent.id, recipients=(people.physician.practitioner,))
    assert refusal(lambda: people.psychologist.letters.send(back)).type == "recipient-not-covered"


def test_nothing_leaves_under_a_draft(world: World, people: People) -> None:
    token = people.physician.address_book.add(f"draft-{time.monotonic_ns()}", "Jaime Armendáriz").token
    form = Form.concord(b"signed", ConsentType.HIPAA_AUTHORIZATION, datetime.now(UTC).date(), "ink", copy_given=True)
    draft = people.physician.consents.create(terms(people, token), form)
    assert refusal(lambda: send_note(people, draft.id)).type == "no-active-consent"


def test_nothing_leaves_before_the_window_opens(world: World, people: People) -> None:
    opens = datetime.now(UTC) + timedelta(days=1)
    consent = active_consent(people, valid_from=opens, valid_until=opens + timedelta(days=1))
    assert refusal(lambda: send_note(people, consent.id)).type == "consent-not-yet-valid"


def test_nothing_leaves_after_the_window_has_closed(world: World, people: People) -> None:
    """Neither a new letter nor one that was released while the window was open."""
    consent, unopened = closing(people)
    closes = consent.latest.valid_until
    time.sleep(max(0.0, (closes - datetime.now(UTC)).total_seconds()) + 0.1)
    assert refusal(lambda: send_note(people, consent.id)).type == "consent-expired"
    assert refusal(lambda: read(people.psychologist, unopened.letter)).type == "consent-expired"
    assert people.physician.consents.show(consent.id).latest.status == "expired"


def closing(people: People) -> tuple[Consent, Sent]:
    """A consent whose window closes soon, and a letter that was released before it did.

    A window in which a slow machine cannot do so much is tried again, wider; any other refusal is the test's to see.
    """
    for seconds in (12, 36, 108):
        closes = datetime.now(UTC) + timedelta(seconds=seconds)
        try:
            consent = active_consent(people, valid_until=closes)
            return consent, released(people, consent.id)
        except (AssertionError, ServiceError):
            if datetime.now(UTC) < closes:
                raise
    raise TimeoutError("no window was wide enough")


def test_sending_a_letter_again_changes_nothing(world: World, people: People) -> None:
    consent = active_consent(people)
    sent = released(people, consent.id)
    with world.nothing_written():
        assert people.physician.letters.resend(sent.letter).answer == sent.answer
    assert waiting(people.psychologist).count(sent.letter) == 1


def test_sending_a_letter_again_after_the_revocation_tells_what_became_of_it_and_releases_nothing(
    world: World, people: People
) -> None:
    consent = active_consent(people)
    sent = released(people, consent.id)
    people.physician.consents.revoke(consent.id)
    with world.nothing_written():
        assert people.physician.letters.resend(sent.letter).answer == sent.answer
    assert refusal(lambda: read(people.psychologist, sent.letter)).type == "consent-revoked"


def test_revoking_twice_says_the_same(world: World, people: People) -> None:
    consent = active_consent(people)
    first = people.physician.consents.revoke(consent.id)
    assert people.psychologist.consents.revoke(consent.id) == first


def test_a_revoked_consent_does_not_come_back(world: World, people: People) -> None:
    """A new version is refused: what was taken back takes a new consent."""
    consent = active_consent(people)
    people.psychologist.consents.revoke(consent.id)
    assert refusal(lambda: next_version(people.physician, consent, terms(people, consent.patient))).status == 409
    stopped(people, consent.id)


def test_a_waiting_reader_is_woken_by_a_letter(world: World, people: People) -> None:
    consent = active_consent(people)
    reader = world.another(people.practices[1], "Dr. Patience")
    allowed = active_consent(people, recipient=Party(kind=PartyKind.PRACTITIONER, id=reader.practitioner))
    assert consent.id != allowed.id
    woken: list[tuple[list[UUID], float]] = []

    def wait() -> None:
        entries, _ = reader.letters.inbox(wait=20)
        woken.append(([entry.letter for entry in entries], time.monotonic()))

    waits = threading.Thread(target=wait)
    waits.start()
    time.sleep(0.5)
    assert woken == [], "an empty inbox was answered at once"
    sent = released(people, allowed.id)
    gone = time.monotonic()
    waits.join(60)
    assert woken[0][0] == [sent.letter]
    assert woken[0][1] - gone < 10.0


def test_a_sender_opens_their_own_letter_from_the_sealed_copy(world: World, people: People) -> None:
    """Also after the revocation, and without asking the services for its bytes: it is theirs."""
    consent = active_consent(people)
    sent = released(people, consent.id, b"What did I write?")
    people.psychologist.consents.revoke(consent.id)
    assert read(people.physician, sent.letter) == b"What did I write?"
    (line,) = people.physician.letters.status(sent.letter)
    assert (line.fetched_at, line.opened_at) == (None, None)
    on_disk = (people.physician.profile.letters / f"{sent.letter}.letter").read_bytes()
    assert b"What did I write?" not in on_disk


def test_a_letter_opens_into_a_file_only_its_reader_can_see(world: World, people: People, tmp_path: Path) -> None:
    sent = delivered(people.physician, summary(active_consent(people, **COVERING).id))
    chart = tmp_path / "chart.json"
    people.psychologist.letters.open(sent.letter, chart)
    assert json.loads(chart.read_bytes())["resourceType"] == "Bundle"
    assert chart.stat().st_mode & 0o077 == 0


def test_the_labels_and_the_purpose_are_the_senders_word_in_clear(world: World, people: People) -> None:
    """What the inbox shows before a letter is opened is what the opened letter was signed for."""
    sent = released(people, active_consent(people).id)
    entry = next(entry for entry in inbox(people.psychologist) if entry.letter == sent.letter)
    opened = people.psychologist.letters.open(sent.letter, io.BytesIO())
    assert entry.parsed_address == opened.address
    assert opened.statement.purpose is Purpose.TREATMENT
    assert opened.statement.sensitivity == frozenset({Sensitivity.GENERAL})


def test_a_letter_is_nobody_elses(world: World, people: People) -> None:
    """Not even another member of the recipient's practice finds it."""
    colleague = world.another(people.practices[1], "Dr. Curious")
    sent = released(people, active_consent(people).id)
    for look in (colleague.letters.api.status, lambda letter: colleague.letters.open(letter, io.BytesIO())):
        with pytest.raises(ServiceError) as refused:
            look(sent.letter)
        assert refused.value.type == "not-found"
