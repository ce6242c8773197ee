"""From what a sender decides to what is sealed: the labels checked, the address, the consent's scope, the notice.

Owns the checks of a draft that come before anything is sealed. Refuses labels left out without a reason, and to take
the gate's place: a letter that its consent does not cover goes to the gate, which says why not and accounts for it,
unless 42 CFR Part 2 protects what is in it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import BinaryIO
from uuid import UUID, uuid4

from concord_formats.address import Address
from concord_formats.delegations import SignedDelegation
from concord_formats.vocabulary import Information, LabelReason, Purpose, Sensitivity

from .api import Consent, ConsentVersion, Party
from .colleagues import Colleagues
from .labels import Finding, LeftOut, Proposal, propose
from .letter import ConsentScope, Enclosed
from .letter.scope import due_notice, is_part_2
from .letter.streams import pieces
from .provenance import Known, Provenance


@dataclass(frozen=True)
class Draft:
    """What the sender decides: the document, the consent it goes under, why, and what is in it.

    `label_reason` says why labels that were found in the document are not declared. With `team` it goes to that team's
    present members (or those of them that are named as recipients); with `on_behalf_of` it goes in that person's name.
    """

    body: BinaryIO  # seekable
    media_type: str
    consent: UUID
    purpose: Purpose
    information: frozenset[Information]
    sensitivity: frozenset[Sensitivity]
    recipients: tuple[UUID, ...] = ()
    reply_to: UUID | None = None
    label_reason: LabelReason | None = None
    team: UUID | None = None
    on_behalf_of: UUID | None = None


def proposal(draft: Draft, provenance: Provenance) -> Proposal:
    """The least labels of a draft: those that its document's codes say, and those that the document went under before.

    Raises `DocumentError` when the document is not of its media type.
    """
    proposed = propose(draft.body, draft.media_type)
    known = provenance.find(_sha256(draft.body))
    return _with_known(proposed, known) if known else proposed


def make_address(
    draft: Draft, consent: Consent, recipients: tuple[UUID, ...], left_out: LeftOut, **own: UUID
) -> Address:
    """The address of a new letter; `own` are the members `sender`, `device`, `thread` when it is an answer, and
    `delegation` when it goes in somebody else's name.
    """
    version = consent.cited
    letter = consent.letter or uuid4()  # an emergency is declared for one letter
    return Address(
        v=1,
        letter=letter,
        recipients=recipients,
        team=draft.team,
        on_behalf_of=draft.on_behalf_of,
        patient=consent.patient,
        consent=draft.consent,
        consent_version=version.version,
        purpose=draft.purpose,
        information=draft.information,
        sensitivity=draft.sensitivity,
        label_reason=draft.label_reason if left_out else None,
        reply_to=draft.reply_to,
        sealed_at=datetime.now(UTC),
        **({"thread": letter} | own),
    )


def enclose(
    address: Address,
    version: ConsentVersion,
    colleagues: Colleagues,
    left_out: LeftOut,
    proof: str | None = None,
    delegation: SignedDelegation | None = None,
) -> Enclosed:
    """What goes into the statement beside the address; `proof` is that of one's own keys in the key log, `delegation`
    what lets one write in somebody else's name.
    """
    return Enclosed(
        scope=_scope(address, version, colleagues),
        notice=due_notice(address.sensitivity),
        labels_left_out=left_out.information | left_out.sensitivity,
        key_log=proof,
        delegation=delegation,
    )


def _scope(address: Address, version: ConsentVersion, colleagues: Colleagues) -> ConsentScope | None:
    """The scope of the direction that is one's own (or theirs, in whose name one writes) and comes nearest to covering
    the letter.
    """
    for_whom = address.on_behalf_of
    ways = [way for way in version.directions if colleagues.is_side_of(way.discloser, for_whom)]
    scopes = [_scope_of(version, way.discloser, way.recipient) for way in ways]
    nearest = min(scopes, key=lambda scope: len(scope.uncovered(address)), default=None)
    if nearest and nearest.uncovered(address) and not is_part_2(address.sensitivity):
        return None  # the gate refuses the letter, and its reasons are better than ours
    return nearest


def _scope_of(version: ConsentVersion, discloser: Party, recipient: Party) -> ConsentScope:
    return ConsentScope(
        type=version.type,
        discloser=_text(discloser),
        recipient=_text(recipient),
        purposes=frozenset(version.purposes),
        information=frozenset(version.information),
        sensitivity=frozenset(version.sensitivity),
        valid_from=version.valid_from,
        valid_until=version.valid_until,
        expires_on=version.expires_on,
    )


def _text(party: Party) -> str:
    return f"{party.kind.value}:{party.id}"


def _with_known(proposed: Proposal, known: Known) -> Proposal:
    findings = (
        Finding(
            label=label,
            system="letter",
            code=str(known.letter),
            display="",
            value_set="documents under 42 CFR Part 2 on this device",
            path=f"the document as a whole, which went under this label in letter {known.letter}",
        )
        for label in sorted(known.labels)
    )
    return replace(proposed, sensitivity=proposed.sensitivity | known.labels, findings=(*proposed.findings, *findings))


def _sha256(body: BinaryIO) -> str:
    body.seek(0)
    digest = hashlib.sha256()
    for piece in pieces(body):
        digest.update(piece)
    body.seek(0)
    return digest.hexdigest()


__all__ = ["Draft", "enclose", "make_address", "proposal"]
