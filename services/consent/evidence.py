"""Evidence: the signed form, sealed by a client, stored as it came.

Owns the staging of an upload, the swap that makes it count, the reading and the sweeping. Refuses a form that is not
sealed, and to change what someone has accepted. An upload is staged row by row without any lock, and counts from one
short transaction on.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID, uuid4

from sqlalchemy import delete, select

from services.chassis.db import Database

from . import records, refusals, texts
from .changes import Change, change, check_standing
from .deps import Collaborators
from .models import EvidenceChunk, EvidenceUpload, VersionRow
from .records import Seen
from .rules.lifecycle import Deed, is_settled
from .rules.standing import Member
from .rules.terms import Attestation, TermsError, check_attestation
from .rules.window import check_signed_on

# A scan of a form of several pages; a larger one is not a form.
MAX_EVIDENCE_BYTES = 8 * 1024 * 1024
# The version line of an age file (age-encryption.org/v1): the least that tells a sealed form from one in the clear.
AGE_LINE = b"age-encryption.org/v1\n"
# No upload of eight megabytes takes an hour; what is older and counts for nothing was abandoned.
ABANDONED_AFTER = timedelta(hours=1)


@dataclass(frozen=True)
class Sealed:
    """Stored evidence: its size and digest, and its bytes, read a row at a time."""

    size: int
    sha256: str
    pieces: Iterator[bytes]


@dataclass
class _Staged:
    upload: UUID
    size: int
    sha256: str


def attach(
    with_: Collaborators, member: Member, consent: UUID, number: int, attested: Attestation, pieces: Iterable[bytes]
) -> Seen:
    """Store the evidence of a draft, in the place of any before; `pieces` are of at most 1 MiB each.

    Raises problems 404, 409 `evidence-settled`, 422 `evidence-not-sealed` or `invalid-field`, and what reading
    `pieces` raises: whichever it is, nothing of the upload is kept.
    """
    try:
        check_signed_on(attested.signed_on, with_.clock.now())
        check_attestation(attested)
    except TermsError as error:
        raise refusals.wrong_terms(error) from None
    with change(with_, member, consent) as opened:
        _replaceable(opened, number)
    staged = _stage(with_, consent, pieces)
    try:
        with change(with_, member, consent) as opened:
            _swap(opened, _replaceable(opened, number), attested, staged)
            return records.see(opened.session, opened.consent)
    except BaseException:
        _drop(with_.database, staged.upload)
        raise


def read(with_: Collaborators, member: Member, consent: UUID, number: int) -> Sealed:
    """The evidence of a version, to a party. Raises problem 404."""
    with with_.database.transaction() as session:
        row = records.find(session, consent)
        if row is None:
            raise refusals.no_such_consent()
        check_standing(member, Deed.READ, row, row.versions[-1])
        version = records.version_of(row, number)
    if version is None:
        raise refusals.no_such_version()
    return sealed_of(with_.database, version)


def sealed_of(database: Database, version: VersionRow) -> Sealed:
    """The evidence of a version, to whoever was found to have a right to it. Raises problem 404."""
    if version.evidence_upload is None:
        raise refusals.no_evidence()
    size, sha256 = version.evidence_size or 0, version.evidence_sha256 or ""
    return Sealed(size, sha256, _pieces_of(database, version.evidence_upload))


def sweep(with_: Collaborators) -> int:
    """Remove uploads that were abandoned an hour ago or more; how many."""
    counted = select(VersionRow.evidence_upload).where(VersionRow.evidence_upload.is_not(None))
    with with_.database.transaction() as session:
        old = EvidenceUpload.started_at < with_.clock.now() - ABANDONED_AFTER
        found = session.scalars(
            select(EvidenceUpload.id).where(old, EvidenceUpload.id.not_in(counted)).limit(100)
        ).all()
        session.execute(delete(EvidenceUpload).where(EvidenceUpload.id.in_(found)))
    return len(found)


def _replaceable(opened: Change, number: int) -> VersionRow:
    version = opened.version(number, Deed.ATTACH)
    if is_settled(texts.text_of(opened.consent, version).directions):
        raise refusals.evidence_settled()
    return version


def _stage(with_: Collaborators, consent: UUID, pieces: Iterable[bytes]) -> _Staged:
    upload = uuid4()
    with with_.database.transaction() as session:
        session.add(EvidenceUpload(id=upload, consent=consent, started_at=with_.clock.now()))
    try:
        return _stage_pieces(with_.database, upload, pieces)
    except BaseException:
        _drop(with_.database, upload)
        raise


def _stage_pieces(database: Database, upload: UUID, pieces: Iterable[bytes]) -> _Staged:
    digest, size = hashlib.sha256(), 0
    for place, piece in enumerate(pieces):
        if place == 0 and not piece.startswith(AGE_LINE):
            raise refusals.evidence_not_sealed()
        digest.update(piece)
        size += len(piece)
        with database.transaction() as session:
            session.add(EvidenceChunk(upload=upload, place=place, body=piece))
    if not size:
        raise refusals.evidence_not_sealed()
    return _Staged(upload, size, digest.hexdigest())


def _swap(opened: Change, version: VersionRow, attested: Attestation, staged: _Staged) -> None:
    if opened.session.get(EvidenceUpload, staged.upload, with_for_update=True) is None:
        raise refusals.upload_lost()
    before, version.evidence_upload = version.evidence_upload, staged.upload
    texts.put_evidence(version, staged.sha256, staged.size, attested, opened.member.practitioner)
    opened.session.flush()
    if before is not None:
        opened.session.execute(delete(EvidenceUpload).where(EvidenceUpload.id == before))


def _drop(database: Database, upload: UUID) -> None:
    with database.transaction() as session:
        session.execute(delete(EvidenceUpload).where(EvidenceUpload.id == upload))


def _pieces_of(database: Database, upload: UUID) -> Iterator[bytes]:
    place = 0
    while True:
        with database.transaction() as session:
            wanted = (EvidenceChunk.upload == upload, EvidenceChunk.place == place)
            body = session.scalars(select(EvidenceChunk.body).where(*wanted)).one_or_none()
        if body is None:
            return
        yield body
        place += 1
