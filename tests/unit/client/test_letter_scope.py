"""Scope, notice and label reasons in a letter: what is not sealed without them, and what a reader is told of them."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from concord import errors
from concord.letter import ConsentScope, Enclosed, OpenedLetter, open_letter
from concord.letter.seal import check_enclosed
from concord.letter.statement import parse_statement
from concord_formats.vocabulary import (
    PART_2_LABELS,
    PART_2_NOTICE,
    ConsentType,
    ExpiryEvent,
    Information,
    LabelReason,
    Purpose,
    Sensitivity,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.client.people import BODY, Clinician, Parts, address, part_2_letter, read_letter, scope, write_letter

PART_2 = frozenset({Sensitivity.PART_2})
OTHERS = frozenset(Sensitivity) - PART_2_LABELS
_PAIR: list[Clinician] = []


def pair() -> tuple[Clinician, Clinician]:
    """Two clinicians, made once: hypothesis knows no fixtures."""
    if not _PAIR:
        _PAIR.extend((Clinician(), Clinician()))
    return _PAIR[0], _PAIR[1]


def opened(parts: Parts, noor: Clinician, ana: Clinician) -> OpenedLetter:
    """The letter of these parts, opened."""
    return read_letter(parts.sealed_to(noor), noor, ana)[0]


class TestSealing:
    """What is refused before a byte is written."""

    @settings(max_examples=60, deadline=None)
    @given(
        st.frozensets(st.sampled_from(sorted(PART_2_LABELS)), min_size=1),
        st.frozensets(st.sampled_from(sorted(OTHERS))),
        st.none() | st.text() | st.sampled_from([PART_2_NOTICE.upper(), PART_2_NOTICE + " ", ""]),
        st.booleans(),
    )
    def test_no_part_2_label_is_sealed_without_the_notice(
        self, protected: frozenset[Sensitivity], others: frozenset[Sensitivity], notice: str | None, with_scope: bool
    ) -> None:
        ana, noor = pair()
        labels = protected | others
        given_scope = scope(ana, noor, sensitivity=labels) if with_scope else None
        with pytest.raises(errors.SealingError):
            check_enclosed(address(ana, noor, sensitivity=labels), Enclosed(given_scope, notice))

    def test_nor_without_the_scope(self, ana: Clinician, noor: Clinician) -> None:
        for label in PART_2_LABELS:
            with pytest.raises(errors.SealingError, match="scope"):
                write_letter(ana, noor, sensitivity=frozenset({label}), enclosed=Enclosed(None, PART_2_NOTICE))

    def test_seal_itself_refuses_and_writes_nothing(self, ana: Clinician, noor: Clinician) -> None:
        body = io.BytesIO(BODY)
        with pytest.raises(errors.SealingError):
            write_letter(ana, noor, body=body, sensitivity=PART_2)
        assert body.tell() == 0

    @pytest.mark.parametrize(
        ("changed", "told"),
        [
            ({"purposes": frozenset({Purpose.CARE_COORDINATION})}, "treatment"),
            ({"information": frozenset({Information.DIAGNOSES})}, "medications"),
            ({"sensitivity": frozenset({Sensitivity.GENERAL})}, "part-2"),
            ({"type": ConsentType.HIPAA_AUTHORIZATION}, "hipaa-authorization"),
            ({"discloser": f"practitioner:{uuid4()}"}, "sender"),
            ({"recipient": f"practitioner:{uuid4()}"}, "recipient"),
        ],
    )
    def test_a_scope_that_does_not_cover_the_letter(
        self, ana: Clinician, noor: Clinician, changed: dict[str, Any], told: str
    ) -> None:
        enclosed = Enclosed(scope(ana, noor, **changed), PART_2_NOTICE)
        with pytest.raises(errors.SealingError, match=told):
            write_letter(ana, noor, sensitivity=PART_2, enclosed=enclosed)

    @pytest.mark.parametrize(
        ("label", "own"),
        [
            (Sensitivity.PSYCHOTHERAPY_NOTES, ConsentType.PSYCHOTHERAPY_NOTES),
            (Sensitivity.SUD_COUNSELING_NOTES, ConsentType.SUD_COUNSELING_NOTES),
        ],
    )
    def test_notes_go_under_a_consent_of_their_own_type(
        self, ana: Clinician, noor: Clinician, label: Sensitivity, own: ConsentType
    ) -> None:
        notes = address(ana, noor, sensitivity=frozenset({label}))
        for type_ in ConsentType:
            given_scope = scope(ana, noor, type=type_, sensitivity=frozenset({label}))
            fits = type_ in {own, ConsentType.EMERGENCY}
            assert (given_scope.uncovered(notes) == ()) is fits, type_

    def test_an_organization_stands_for_its_people(self, ana: Clinician, noor: Clinician) -> None:
        wide = scope(ana, noor, discloser=f"organization:{uuid4()}", recipient=f"organization:{uuid4()}")
        write_letter(ana, noor, sensitivity=PART_2, enclosed=Enclosed(wide, PART_2_NOTICE))

    def test_labels_left_out_take_a_reason_and_the_other_way_round(self, ana: Clinician, noor: Clinician) -> None:
        left_out = Enclosed(labels_left_out=frozenset({Sensitivity.HIV}))
        with pytest.raises(errors.SealingError, match="reason"):
            write_letter(ana, noor, enclosed=left_out)
        with pytest.raises(errors.SealingError, match="reason"):
            write_letter(ana, noor, label_reason=LabelReason.RULED_OUT)
        with pytest.raises(errors.SealingError, match="at once"):
            declared = frozenset({Sensitivity.HIV})
            write_letter(ana, noor, enclosed=left_out, label_reason=LabelReason.RULED_OUT, sensitivity=declared)


class TestTheReader:
    """What comes with an opened letter."""

    def test_scope_notice_and_reason_reach_the_reader(self, ana: Clinician, noor: Clinician) -> None:
        left_out = frozenset({Sensitivity.HIV, Information.LAB_RESULTS})
        letter = opened(
            part_2_letter(ana, noor, left_out=left_out, label_reason=LabelReason.NOT_IN_THIS_PART), noor, ana
        )
        assert (letter.notice, letter.doubts) == (PART_2_NOTICE, ())
        assert letter.scope is not None
        assert letter.scope.discloser == f"practitioner:{ana.id}"
        assert letter.statement.labels_left_out == left_out
        assert letter.statement.label_reason == letter.address.label_reason == LabelReason.NOT_IN_THIS_PART

    def test_an_ordinary_letter_needs_neither(self, ana: Clinician, noor: Clinician) -> None:
        letter, _ = write_letter(ana, noor)
        plain, _ = read_letter(letter, noor, ana)
        assert (plain.notice, plain.scope, plain.doubts) == (None, None, ())

    def test_the_reader_supplies_a_notice_that_was_not_sent_and_says_so(self, ana: Clinician, noor: Clinician) -> None:
        bare = part_2_letter(ana, noor).signed_anew(ana.keyring.signing_key(), scope=None, notice=None)
        letter = opened(bare, noor, ana)
        assert letter.notice == PART_2_NOTICE
        told = "\n".join(letter.doubts)
        assert "without the notice" in told
        assert "without the scope" in told

    @pytest.mark.parametrize(
        ("changed", "told"),
        [
            ({"purposes": ["patient-request"]}, "purpose"),
            ({"sensitivity": ["general"]}, "part-2"),
            ({"type": "psychotherapy-notes"}, "psychotherapy-notes"),
            ({"recipient": f"practitioner:{uuid4()}"}, "recipient"),
            ({"valid_until": "2020-01-01T00:00:00Z"}, "outside"),
            ({"valid_from": "2998-01-01T00:00:00Z", "valid_until": "2999-01-01T00:00:00Z"}, "outside"),
        ],
    )
    def test_a_scope_that_contradicts_the_letter_is_told(
        self, ana: Clinician, noor: Clinician, changed: dict[str, Any], told: str
    ) -> None:
        """A client that was changed seals it; the gate has judged the real consent, so the letter opens."""
        good = part_2_letter(ana, noor)
        said = json.loads(good.statement)["scope"] | changed
        letter = opened(good.signed_anew(ana.keyring.signing_key(), scope=said), noor, ana)
        assert any(told in doubt for doubt in letter.doubts), letter.doubts

    def test_a_document_waits_for_what_goes_before_it(self, ana: Clinician, noor: Clinician, tmp_path: Path) -> None:
        letter, _ = write_letter(ana, noor)

        def full(_opened: OpenedLetter) -> None:
            assert list(tmp_path.glob("chart*")) == []
            raise OSError("no room for the notice")

        for target in (tmp_path / "chart.txt", io.BytesIO()):
            with pytest.raises(OSError, match="no room"):
                open_letter(
                    io.BytesIO(letter),
                    identities=noor.keyring.encryption_identities(),
                    reader=noor.id,
                    sender_history=ana.entry,
                    target=target,
                    beforehand=full,
                )
            assert not (target.exists() if isinstance(target, Path) else target.getvalue())
        assert list(tmp_path.iterdir()) == []


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(ConsentType),
    st.frozensets(st.sampled_from(Purpose), min_size=1),
    st.frozensets(st.sampled_from(Information), min_size=1),
    st.frozensets(st.sampled_from(Sensitivity), min_size=1),
    st.none() | st.sampled_from(ExpiryEvent),
    st.datetimes(datetime(2000, 1, 2), datetime(2990, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
)
def test_any_scope_comes_back_as_it_was_signed(
    type_: ConsentType,
    purposes: frozenset[Purpose],
    information: frozenset[Information],
    sensitivity: frozenset[Sensitivity],
    event: ExpiryEvent | None,
    start: datetime,
) -> None:
    ana, noor = pair()
    said = scope(
        ana,
        noor,
        type=type_,
        purposes=purposes,
        information=information,
        sensitivity=sensitivity,
        expires_on=event,
        valid_from=start,
        valid_until=start + timedelta(days=1),
    )
    good = part_2_letter(ana, noor)
    members = json.loads(good.statement) | {"scope": json.loads(said.model_dump_json(exclude_none=True))}
    assert parse_statement(parse_statement(json.dumps(members).encode()).encode()).scope == said


def test_a_scope_names_no_person() -> None:
    """Words of the vocabulary, ids and days: nothing that a patient or a diagnosis could be in."""
    assert set(ConsentScope.model_fields) == {
        *("type", "discloser", "recipient", "purposes", "information", "sensitivity"),
        *("valid_from", "valid_until", "expires_on"),
    }
