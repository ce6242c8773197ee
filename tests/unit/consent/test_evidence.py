"""The signed form: stored as it came, sealed, and left alone once accepted."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import func, select

from services.chassis.problems import Problem
from services.consent import evidence
from services.consent.models import EvidenceChunk, EvidenceUpload
from tests.unit.consent.examples import COLLEAGUE, PHYSICIAN, SIGNED, STRANGER
from tests.unit.consent.world import FORM, World, type_of


def rows(world: World) -> tuple[int, int]:
    """How many uploads and how many rows of bytes are stored."""
    with world.database.transaction() as session:
        count = [session.scalar(select(func.count()).select_from(each)) for each in (EvidenceUpload, EvidenceChunk)]
    return (count[0] or 0, count[1] or 0)


def refused(world: World, pieces: object, number: int = 1, member: object = PHYSICIAN, **more: object) -> Problem:
    consent = more.get("consent") or world.draft()
    with pytest.raises(Problem) as raised:
        evidence.attach(world.all, member, consent, number, SIGNED, pieces)  # type: ignore[arg-type]
    return raised.value


def test_evidence_comes_back_as_it_was_stored(world: World) -> None:
    consent = world.draft()
    pieces = [FORM.ljust(1024, b"x"), b"y" * 1024, b"z"]
    seen = evidence.attach(world.all, PHYSICIAN, consent, 1, SIGNED, pieces)
    whole = b"".join(pieces)
    row = seen.consent.versions[0]
    assert (row.evidence_size, row.evidence_sha256) == (len(whole), hashlib.sha256(whole).hexdigest())
    sealed = evidence.read(world.all, COLLEAGUE, consent, 1)
    assert b"".join(sealed.pieces) == whole
    assert (sealed.size, sealed.sha256) == (len(whole), hashlib.sha256(whole).hexdigest())


@pytest.mark.parametrize("body", [b"%PDF-1.7 a form in the clear", b"", b"age-encryption.org/v2\n", b"age-encryption"])
def test_a_form_in_the_clear_is_refused_and_none_of_it_is_kept(world: World, body: bytes) -> None:
    assert type_of(refused(world, [body] if body else [])) == "evidence-not-sealed"
    assert rows(world) == (0, 0)


def test_an_upload_that_breaks_off_leaves_nothing(world: World) -> None:
    def breaking() -> Iterator[bytes]:
        yield FORM
        raise Problem(400, "truncated", "Body cut short", "The body ended early.")

    consent = world.draft()
    assert type_of(refused(world, breaking(), consent=consent)) == "truncated"
    assert rows(world) == (0, 0)


def test_a_draft_s_evidence_can_be_replaced_until_it_is_accepted(world: World) -> None:
    consent = world.draft()
    world.attach(consent)
    other = FORM + b"again"
    world.attach(consent, form=other)
    assert rows(world) == (1, 1)
    world.accept(consent, form=other)
    assert type_of(refused(world, [FORM], consent=consent)) == "evidence-settled"
    assert b"".join(evidence.read(world.all, PHYSICIAN, consent, 1).pieces) == other


def test_an_acceptance_during_an_upload_wins(world: World) -> None:
    """The evidence is accepted while another one is on its way: the upload is refused at its end and leaves nothing."""
    consent = world.draft()
    world.attach(consent)

    def slow() -> Iterator[bytes]:
        yield FORM + b"other"
        world.accept(consent)

    assert type_of(refused(world, slow(), consent=consent)) == "evidence-settled"
    assert rows(world) == (1, 1)
    assert b"".join(evidence.read(world.all, PHYSICIAN, consent, 1).pieces) == FORM


def test_evidence_is_for_the_parties(world: World) -> None:
    consent = world.draft()
    world.attach(consent)
    for wrong, number, member in ((consent, 1, STRANGER), (uuid4(), 1, PHYSICIAN), (consent, 2, PHYSICIAN)):
        with pytest.raises(Problem) as raised:
            evidence.read(world.all, member, wrong, number)
        assert raised.value.status == 404
    assert refused(world, [FORM], member=STRANGER, consent=consent).status == 404


def test_a_version_without_evidence_has_none_to_fetch(world: World) -> None:
    with pytest.raises(Problem) as raised:
        evidence.read(world.all, PHYSICIAN, world.draft(), 1)
    assert raised.value.status == 404


def test_a_signing_date_that_has_not_come_is_refused_by_the_header_s_name(world: World) -> None:
    late = replace(SIGNED, signed_on=date(2027, 1, 1))
    with pytest.raises(Problem) as raised:
        evidence.attach(world.all, PHYSICIAN, world.draft(), 1, late, [FORM])
    assert raised.value.more["field"] == "Concord-Signed-On"


def test_abandoned_uploads_are_swept_and_stored_evidence_is_not(world: World) -> None:
    consent = world.draft()
    world.attach(consent)
    with world.database.transaction() as session:
        session.add(EvidenceUpload(id=uuid4(), consent=consent, started_at=world.clock.now()))
    assert evidence.sweep(world.all) == 0
    world.clock.pass_((evidence.ABANDONED_AFTER + timedelta(seconds=1)).total_seconds())
    assert evidence.sweep(world.all) == 1
    assert rows(world) == (1, 1)
