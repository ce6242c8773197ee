"""Part 2 records on their way: the notice and the scope go with them, at every open and export, and onward."""

from __future__ import annotations

import io
import json
from contextlib import nullcontext
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from concord.cli import letters as sending
from concord.cli import opening
from concord.cli.app import app
from concord.client import Client
from concord.errors import LabelsLeftOutError, SealingError
from concord.letters import NOTICE_ENDING, Draft
from concord_formats.vocabulary import (
    PART_2_NOTICE,
    ConsentType,
    Information,
    LabelReason,
    PartyKind,
    Purpose,
    Sensitivity,
)
from pypdf import PdfReader
from typer.testing import CliRunner, Result

from tests.journeys.world import World, refusal
from tests.people import People, accepted, active_consent, note

PART_2 = frozenset({Sensitivity.PART_2})
TERMS = {"type": ConsentType.PART_2_CONSENT, "sensitivity": [Sensitivity.GENERAL, Sensitivity.PART_2]}


def records(consent: UUID, text: bytes | None = None, **changed: object) -> Draft:
    """A text of a Part 2 program; each is another one."""
    return note(consent, text or f"Seen here since {uuid4()}.".encode(), **({"sensitivity": PART_2} | changed))


def typed(monkeypatch: pytest.MonkeyPatch, person: Client, *words: str, stdin: bytes = b"") -> Result:
    """A command, typed by this person."""
    for module in (opening, sending):
        monkeypatch.setattr(module, "unlock", lambda *_: nullcontext(person))
    return CliRunner().invoke(app, [*words], input=stdin)


class TestTheRecords:
    """From the sender to the reader."""

    def test_notice_and_scope_arrive_under_the_senders_signature(self, world: World, people: People) -> None:
        consent = active_consent(people, **TERMS)
        sent = people.physician.letters.send(records(consent.id))
        opened = people.psychologist.letters.open(sent.letter, io.BytesIO())
        assert (opened.statement.notice, opened.doubts) == (PART_2_NOTICE, ())
        scope, terms = opened.scope, consent.latest
        assert scope is not None
        assert scope.type is ConsentType.PART_2_CONSENT
        assert scope.discloser == f"{PartyKind.PRACTITIONER}:{people.physician.practitioner}"
        assert (scope.valid_from, scope.valid_until) == (terms.valid_from, terms.valid_until)
        assert scope.information == frozenset(terms.information)
        shown = dict(people.psychologist.letters.before(opened))
        assert shown["Notice"] == PART_2_NOTICE
        told = [text for _, text in people.psychologist.letters.before(opened)]
        assert "Dr. Ana Whitfield may disclose to Dr. Noor Haddad" in told

    def test_an_answer_carries_the_scope_of_its_own_direction(self, world: World, people: People) -> None:
        consent = active_consent(people, **TERMS)
        accepted(people.psychologist, consent.id)
        sent = people.psychologist.letters.send(records(consent.id))
        opened = people.physician.letters.open(sent.letter, io.BytesIO())
        assert opened.doubts == ()
        assert opened.scope is not None
        assert opened.scope.discloser.endswith(str(people.psychologist.practitioner))

    def test_an_ordinary_letter_carries_its_scope_and_no_notice(self, world: World, people: People) -> None:
        sent = people.physician.letters.send(note(active_consent(people).id))
        opened = people.psychologist.letters.open(sent.letter, io.BytesIO())
        assert opened.scope is not None
        assert opened.scope.type is ConsentType.HIPAA_AUTHORIZATION
        assert opened.notice is None

    def test_under_an_authorization_they_are_not_even_sealed(self, world: World, people: People) -> None:
        consent = active_consent(people)
        with world.nothing_written(), pytest.raises(SealingError, match="part-2"):
            people.physician.letters.send(records(consent.id))
        assert people.physician.letters.unsent() == []

    def test_what_is_no_part_2_record_is_for_the_gate_to_refuse(self, world: World, people: People) -> None:
        """Its refusal names the reason, and stands in the account."""
        consent = active_consent(people)
        hiv = note(consent.id, sensitivity=frozenset({Sensitivity.HIV}))
        assert refusal(lambda: people.physician.letters.send(hiv)).type == "label-not-covered"


class TestOnward:
    """Redisclosure: what came as a Part 2 record does not become another by being sent on."""

    def _received(self, people: People) -> bytes:
        text = f"Seen here since {uuid4()}.".encode()
        sent = people.physician.letters.send(records(active_consent(people, **TERMS).id, text))
        people.psychologist.letters.open(sent.letter, io.BytesIO())
        return text

    def test_the_label_is_not_lost_in_silence(self, world: World, people: People) -> None:
        text = self._received(people)
        onward = active_consent(people)
        accepted(people.psychologist, onward.id)
        with world.nothing_written(), pytest.raises(LabelsLeftOutError) as caught:
            people.psychologist.letters.send(note(onward.id, text))
        assert caught.value.labels == ("part-2",)
        assert people.psychologist.letters.unsent() == []

    def test_leaving_it_out_takes_a_reason_that_the_reader_sees(self, world: World, people: People) -> None:
        text = self._received(people)
        onward = active_consent(people)
        accepted(people.psychologist, onward.id)
        draft = note(onward.id, text, label_reason=LabelReason.CODED_IN_ERROR)
        sent = people.psychologist.letters.send(draft)
        opened = people.physician.letters.open(sent.letter, io.BytesIO())
        assert opened.statement.labels_left_out == PART_2
        assert opened.address.label_reason is LabelReason.CODED_IN_ERROR
        shown = "\n".join(text for _, text in people.physician.letters.before(opened))
        assert "42 CFR Part 2" in shown
        assert "coded-in-error" in shown

    def test_with_the_label_it_goes_under_a_part_2_consent(self, world: World, people: People) -> None:
        text = self._received(people)
        onward = active_consent(people, **TERMS)
        accepted(people.psychologist, onward.id)
        sent = people.psychologist.letters.send(records(onward.id, text))
        assert people.physician.letters.open(sent.letter, io.BytesIO()).notice == PART_2_NOTICE


class TestAtTheTerminal:
    """What is shown, and where it goes."""

    @pytest.fixture
    def letter(self, people: People) -> str:
        """A Part 2 letter that waits for the psychologist."""
        sent = people.physician.letters.send(records(active_consent(people, **TERMS).id, b"Seen here since June."))
        return str(sent.letter)

    def test_on_the_screen_the_notice_stands_before_the_document(
        self, people: People, letter: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for _ in range(2):  # at every opening
            told = typed(monkeypatch, people.psychologist, "open", letter).stdout
            assert told.startswith(f"Notice       {PART_2_NOTICE}\nScope        Permission to share substance use")
            assert told.index("may disclose to") < told.index("Seen here since June.")

    def test_a_program_gets_it_as_well(self, people: People, letter: str, monkeypatch: pytest.MonkeyPatch) -> None:
        told = json.loads(typed(monkeypatch, people.psychologist, "open", letter, "--json").stdout)
        assert (told["notice"], told["doubts"]) == (PART_2_NOTICE, [])
        assert told["scope"]["type"] == "part-2-consent"

    def test_an_export_has_its_notice_beside_it(
        self, people: People, letter: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        chart = tmp_path / "chart.txt"
        done = typed(monkeypatch, people.psychologist, "open", letter, "-o", str(chart))
        assert PART_2_NOTICE in done.stderr
        assert chart.read_bytes() == b"Seen here since June."
        beside = chart.with_name(chart.name + NOTICE_ENDING)
        assert beside.read_text().startswith(f"Notice       {PART_2_NOTICE}")
        assert "Dr. Ana Whitfield may disclose to Dr. Noor Haddad" in beside.read_text()
        assert beside.stat().st_mode & 0o777 == 0o600
        assert sorted(tmp_path.iterdir()) == sorted([chart, beside])

    def test_without_room_for_the_notice_there_is_no_export(
        self, people: People, letter: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        chart = tmp_path / "chart.txt"
        chart.with_name(chart.name + NOTICE_ENDING).mkdir()
        assert typed(monkeypatch, people.psychologist, "open", letter, "-o", str(chart)).exit_code != 0
        assert not chart.exists()

    def test_on_paper_it_opens_the_letter(
        self, people: People, letter: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        paper = tmp_path / "letter.pdf"
        done = typed(monkeypatch, people.psychologist, "open", letter, "--print", str(paper))
        assert PART_2_NOTICE in done.stderr
        page = " ".join(PdfReader(paper).pages[0].extract_text().split())
        assert page.index(PART_2_NOTICE) < page.index("Seen here since June.")
        assert "Dr. Ana Whitfield, Riverside" in page
        assert paper.stat().st_mode & 0o777 == 0o600

    def test_into_a_pipe_goes_the_document_alone(
        self, people: People, letter: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        done = typed(monkeypatch, people.psychologist, "open", letter, "-o", "-")
        assert done.stdout_bytes == b"Seen here since June."
        assert done.stderr.startswith(f"Notice       {PART_2_NOTICE}")

    def test_the_sender_is_told_that_a_text_cannot_be_read_for_codes(
        self, people: People, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        words = ("send", "-", "--consent", str(active_consent(people).id), "--information", "coordination")
        done = typed(monkeypatch, people.physician, *words, stdin=b"A note.")
        assert done.exit_code == 0, done.stderr
        assert "you alone know what is in it" in done.stderr

    def test_labels_that_are_left_out_are_named_with_their_place(
        self, people: People, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        document = tmp_path / "summary.txt"
        document.write_bytes(f"Seen here since {uuid4()}.".encode())
        wide = active_consent(people, **TERMS)
        people.physician.letters.send(records(wide.id, document.read_bytes()))
        words = ("send", str(document), "--consent", str(wide.id), "--information", "coordination")
        done = typed(monkeypatch, people.physician, *words)
        assert isinstance(done.exception, LabelsLeftOutError)
        assert "found part-2 at the document as a whole" in done.exception.hint
        again = typed(monkeypatch, people.physician, *words, "--label-reason", "coded-in-error", "--json")
        assert json.loads(again.stdout)["proposed"]["sensitivity"] == ["part-2"]


def test_purposes_of_a_letter_are_those_of_its_scope(world: World, people: People) -> None:
    """A Part 2 letter for a purpose that the patient did not allow is not sealed."""
    consent = active_consent(people, **TERMS)
    elsewhere = records(consent.id, purpose=Purpose.CARE_COORDINATION)
    with world.nothing_written(), pytest.raises(SealingError, match="care-coordination"):
        people.physician.letters.send(elsewhere)
    more = records(consent.id, information=frozenset({Information.LAB_RESULTS}))
    with world.nothing_written(), pytest.raises(SealingError, match="lab-results"):
        people.physician.letters.send(more)
