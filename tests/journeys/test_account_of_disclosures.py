"""The account of disclosures from end to end: numbered, verified on the client, and blinded where it is not for one."""

from __future__ import annotations

import io
import json
from collections import Counter
from datetime import UTC, datetime

import pytest
from concord.account import Fetched, verify
from concord.api import Party
from concord.client import Client
from concord.consents import Form
from concord.errors import LineChangedError, LineMissingError, ServiceError
from concord_formats.vocabulary import ConsentType, PartyKind, Sensitivity

from tests.deployment import wait_for
from tests.journeys.world import World, refusal
from tests.people import People, accepted, active_consent, delivered, note, released, terms


def account(client: Client, patient: str, *kinds: str) -> Fetched:
    """The account, once all of it has come: `blinded` for each line that is not for the reader."""

    def fetch() -> Fetched | None:
        try:
            return client.accounts.fetch(patient)
        except ServiceError as error:
            assert error.type == "not-found"
            return None

    def kinds_of(fetched: Fetched) -> Counter[str]:
        return Counter(line.event.kind if line.event else "blinded" for line in fetched.account.lines)

    def there() -> bool:
        found = fetch()
        return found is not None and kinds_of(found) == Counter(kinds)

    wait_for(there, 60, "the lines of the account")
    found = fetch()
    assert found is not None
    return found


def test_what_happened_stands_in_the_account_and_verifies_offline(world: World, people: People) -> None:
    consent = active_consent(people)
    first = released(people, consent.id)
    people.psychologist.letters.open(first.letter, io.BytesIO())
    told = account(people.physician, consent.patient, "released", "handed-out", "opened")
    assert [event.n for event in told.account.events] == [1, 2, 3]
    assert {event.letter for event in told.account.events} == {first.letter}
    assert {event.recipient for event in told.account.events} == {people.psychologist.practitioner}
    released(people, consent.id)
    later = account(people.physician, consent.patient, "released", "handed-out", "opened", "released")
    again = verify(later.raw, key=told.account.key, earlier=told.raw)
    assert (again.goes_on, again.blinded, len(again.lines)) == (True, 0, 4)


def test_an_export_with_a_line_taken_out_or_edited_is_found_out(world: World, people: People) -> None:
    consent = active_consent(people)
    released(people, consent.id)
    released(people, consent.id)
    members = json.loads(account(people.physician, consent.patient, "released", "released").raw)
    first, second = members["lines"]
    with pytest.raises(LineMissingError):
        verify(json.dumps(members | {"lines": [first]}).encode())
    second["event"] = second["event"].replace("treatment", "payment")
    with pytest.raises(LineChangedError):
        verify(json.dumps(members).encode())


def test_the_recipient_of_a_refused_letter_does_not_learn_of_its_labels(world: World, people: People) -> None:
    consent = active_consent(people)
    letter = note(consent.id, sensitivity=frozenset({Sensitivity.HIV}))
    assert refusal(lambda: people.physician.letters.send(letter)).type == "label-not-covered"
    mine = account(people.physician, consent.patient, "refused").account
    assert [(event.reason, event.sensitivity) for event in mine.events] == [("label-not-covered", ("hiv",))]
    theirs = account(people.psychologist, consent.patient, "blinded")
    assert theirs.account.events == []
    assert b"hiv" not in theirs.raw
    assert list(people.psychologist.consents.disclosures(consent.id)) == []
    assert [each.event for each in people.physician.consents.disclosures(consent.id)] == ["refused"]


def test_a_party_sees_its_own_lines_whole_and_all_others_blinded(world: World, people: People) -> None:
    consent = active_consent(people)
    colleague = world.another(people.practices[1], "Dr. Ida Moss")
    party = Party(kind=PartyKind.PRACTITIONER, id=colleague.practitioner)
    form = Form.concord(
        b"signed once more", ConsentType.HIPAA_AUTHORIZATION, datetime.now(UTC).date(), "ink", copy_given=True
    )
    draft = people.physician.consents.create(terms(people, consent.patient, recipient=party), form)
    other = accepted(people.physician, draft.id).id
    released(people, consent.id)
    delivered(people.physician, note(other, recipients=(colleague.practitioner,)))
    assert len(account(people.physician, consent.patient, "released", "released").account.events) == 2
    seen = account(colleague, consent.patient, "released", "blinded").account
    assert [event.consent for event in seen.events] == [other]
    stranger = world.another(people.practices[0], "Dr. Nobody Known")
    with pytest.raises(ServiceError) as refused:
        stranger.accounts.fetch(consent.patient)
    assert refused.value.status == 404
