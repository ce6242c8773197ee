"""Letters in somebody else's name: what a reader's client makes of the delegation that travels with one."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from concord import errors
from concord.letter import Enclosed, OpenedLetter, open_letter
from concord.letter.delegated import check_proof
from concord.letter.showing import as_text, before_the_document
from concord.letter.statement import DelegationProof, Statement
from concord_formats.delegations import Delegation, SignedDelegation
from concord_formats.signatures import SignedKind, to_base64url
from concord_formats.vocabulary import Information, Purpose, Sensitivity
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.client.people import (
    BODY,
    Clinician,
    Parts,
    address,
    new_device,
    read_letter,
    scope,
    write_letter,
)

RIGHT = UUID("de1e9a7e-0000-4000-8000-000000000001")
INFORMATION = frozenset({Information.DIAGNOSES, Information.MEDICATIONS})


def delegation(giver: Clinician, to: Clinician, /, **changed: Any) -> SignedDelegation:
    """What lets `to` send an ordinary letter in the giver's name, signed by the giver's first device."""
    now = datetime.now(UTC)
    members: dict[str, Any] = {
        "v": 1,
        "delegation": RIGHT,
        "delegator": giver.id,
        "delegate": to.id,
        "device": giver.keyring.device,
        "purposes": frozenset({Purpose.TREATMENT}),
        "information": INFORMATION,
        "sensitivity": frozenset({Sensitivity.GENERAL}),
        "valid_from": now - timedelta(hours=1),
        "valid_until": now + timedelta(days=30),
        "at": now - timedelta(hours=1),
    }
    line = Delegation(**(members | changed)).encode()
    return SignedDelegation(line, giver.keyring.signing_key().sign(SignedKind.DELEGATION, line))


def in_the_name_of(giver: Clinician, sender: Clinician, to: Clinician, **changed: Any) -> bytes:
    """A letter that the sender wrote in the giver's name."""
    proof = changed.pop("proof", None) or delegation(giver, sender)
    enclosed = Enclosed(delegation=proof)
    named = {"on_behalf_of": giver.id, "delegation": RIGHT} | changed
    return write_letter(sender, to, enclosed=enclosed, **named)[0]


def opened(letter: bytes, reader: Clinician, *known: Clinician) -> OpenedLetter:
    """Open it; the reader has the histories of these people."""
    target = io.BytesIO()
    found = open_letter(
        io.BytesIO(letter),
        identities=reader.keyring.encryption_identities(),
        reader=reader.id,
        sender_history=reader.keys_of(*known),
        target=target,
    )
    assert target.getvalue() == BODY
    return found


def refused(letter: bytes, reader: Clinician, *known: Clinician, error: type[errors.ConcordError]) -> str:
    """Open what must be refused so; nothing of the document may come out. What it said."""
    target = io.BytesIO()
    with pytest.raises(error) as caught:
        open_letter(
            io.BytesIO(letter),
            identities=reader.keyring.encryption_identities(),
            reader=reader.id,
            sender_history=reader.keys_of(*known),
            target=target,
        )
    assert target.getvalue() == b""
    assert caught.value.hint
    return caught.value.message


def with_another_proof(letter: bytes, sender: Clinician, to: Clinician, proof: SignedDelegation) -> bytes:
    """The same letter, its statement signed anew by a dishonest sender over another delegation."""
    parts = Parts.of(letter, to.keyring.encryption_identities()[0])
    shown = DelegationProof.of(proof).model_dump()
    return parts.signed_anew(sender.keyring.signing_key(), delegation_proof=shown).sealed_to(to, sender)


@pytest.fixture
def bo(eve: Clinician) -> Clinician:
    """A nurse, who writes in Ana's name."""
    return eve


class TestAGoodOne:
    """What the giver has let them send."""

    def test_it_opens_and_says_in_whose_name_it_was_sent(self, ana: Clinician, bo: Clinician, noor: Clinician) -> None:
        found = opened(in_the_name_of(ana, bo, noor), noor, ana, bo)
        assert (found.statement.sender, found.statement.on_behalf_of) == (bo.id, ana.id)
        names = {f"practitioner:{ana.id}": "Dr. Ana Whitfield", f"practitioner:{bo.id}": "Bo Park"}
        text = as_text(before_the_document(found, lambda who: names.get(who, who)))
        assert "Sent by Bo Park on behalf of Dr. Ana Whitfield" in text

    def test_a_letter_to_a_team_says_so(self, ana: Clinician, noor: Clinician) -> None:
        team = uuid4()
        found = read_letter(write_letter(ana, noor, team=team)[0], noor, ana)[0]
        assert found.statement.team == team
        text = as_text(before_the_document(found, lambda who: {f"team:{team}": "Intake"}.get(who, who)))
        assert text == "Recipient    To the team Intake"

    def test_it_stays_readable_when_the_givers_device_is_retired_later(
        self, ana: Clinician, bo: Clinician, noor: Clinician
    ) -> None:
        letter = in_the_name_of(ana, bo, noor, proof=delegation(ana, bo, at=datetime.now(UTC)))
        ana.change(add_device=new_device())
        ana.change(revoke_device=ana.keyring.device)
        assert opened(letter, noor, ana, bo).statement.on_behalf_of == ana.id

    def test_the_scope_that_goes_with_it_is_the_givers(self, ana: Clinician, bo: Clinician, noor: Clinician) -> None:
        letter = address(bo, noor, on_behalf_of=ana.id, delegation=RIGHT)
        assert scope(ana, noor).uncovered(letter) == ()
        (line,) = scope(bo, noor).uncovered(letter)
        assert "in whose name" in line


class TestAForgedOne:
    """A sender who says more than they were given."""

    def refuse(self, ana: Clinician, bo: Clinician, noor: Clinician, proof: SignedDelegation) -> str:
        letter = with_another_proof(in_the_name_of(ana, bo, noor), bo, noor, proof)
        return refused(letter, noor, ana, bo, error=errors.DelegationError)

    def test_signed_by_the_sender_themselves(self, ana: Clinician, bo: Clinician, noor: Clinician) -> None:
        own = delegation(ana, bo)
        forged = SignedDelegation(own.line, bo.keyring.signing_key().sign(SignedKind.DELEGATION, own.line))
        assert "device signed" in self.refuse(ana, bo, noor, forged)

    def test_by_a_device_that_is_not_the_givers(self, ana: Clinician, bo: Clinician, noor: Clinician) -> None:
        assert "device signed" in self.refuse(ana, bo, noor, delegation(ana, bo, device=bo.keyring.device))

    def test_by_a_device_of_the_givers_that_was_retired_before(
        self, ana: Clinician, bo: Clinician, noor: Clinician
    ) -> None:
        ana.change(add_device=new_device())
        ana.change(revoke_device=ana.keyring.device)
        late = datetime.now(UTC) + timedelta(seconds=1)
        assert "device signed" in self.refuse(ana, bo, noor, delegation(ana, bo, at=late, valid_from=late))

    def test_another_signature_of_the_givers(self, ana: Clinician, bo: Clinician, noor: Clinician) -> None:
        """Whatever else the giver signed, such as a receipt, is no delegation."""
        line = delegation(ana, bo).line
        other = SignedDelegation(line, ana.keyring.signing_key().sign(SignedKind.RECEIPT, line))
        assert "device signed" in self.refuse(ana, bo, noor, other)

    @pytest.mark.parametrize(
        ("changed", "said"),
        [
            ({"delegation": uuid4()}, "another one"),
            ({"delegate": uuid4()}, "somebody else than the sender"),
            ({"delegator": uuid4()}, "of somebody else than the colleague"),
            ({"purposes": frozenset({Purpose.PAYMENT})}, "treatment"),
            ({"information": frozenset({Information.DIAGNOSES})}, "medications"),
            ({"sensitivity": frozenset({Sensitivity.HIV})}, "general"),
            ({"valid_from": datetime.now(UTC) + timedelta(days=1)}, "outside its days"),
            (
                {
                    "at": datetime.now(UTC) - timedelta(days=9),
                    "valid_from": datetime.now(UTC) - timedelta(days=9),
                    "valid_until": datetime.now(UTC) - timedelta(days=2),
                },
                "outside its days",
            ),
        ],
        ids=["another", "delegate", "delegator", "purpose", "information", "sensitivity", "early", "late"],
    )
    def test_what_it_does_not_give(
        self, ana: Clinician, bo: Clinician, noor: Clinician, changed: dict[str, Any], said: str
    ) -> None:
        assert said in self.refuse(ana, bo, noor, delegation(ana, bo, **changed))

    def test_somebody_elses_word_for_the_giver(self, ana: Clinician, bo: Clinician, noor: Clinician) -> None:
        """Noor lets Bo write in her own name; Bo says it was in Ana's."""
        message = self.refuse(ana, bo, noor, delegation(noor, bo))
        assert "giver's device" in message

    def test_no_bytes_at_all(self, ana: Clinician, bo: Clinician, noor: Clinician) -> None:
        parts = Parts.of(in_the_name_of(ana, bo, noor), noor.keyring.encryption_identities()[0])
        for line in ("e30", to_base64url(b"not a line"), "A" * 42 + "B"):
            shown = {"line": line, "signature": "A" * 4498}
            letter = parts.signed_anew(bo.keyring.signing_key(), delegation_proof=shown).sealed_to(noor)
            refused(letter, noor, ana, bo, error=errors.DelegationError)

    @pytest.mark.parametrize("missing", ["on_behalf_of", "delegation", "delegation_proof"])
    def test_a_part_of_it_missing(self, ana: Clinician, bo: Clinician, noor: Clinician, missing: str) -> None:
        parts = Parts.of(in_the_name_of(ana, bo, noor), noor.keyring.encryption_identities()[0])
        letter = parts.signed_anew(bo.keyring.signing_key(), **{missing: None}).sealed_to(noor)
        refused(letter, noor, ana, bo, error=errors.MalformedLetterError)

    @pytest.mark.parametrize("member", ["on_behalf_of", "delegation", "team"])
    def test_whoever_carries_the_letter_cannot_change_in_whose_name_it_is_or_for_which_team(
        self, ana: Clinician, bo: Clinician, noor: Clinician, member: str
    ) -> None:
        letter = in_the_name_of(ana, bo, noor, team=uuid4())
        parts = Parts.of(letter, noor.keyring.encryption_identities()[0])
        changed = parts.readdressed(**{member: str(uuid4())}).sealed_to(noor)
        assert member in refused(changed, noor, ana, bo, error=errors.StatementMismatchError)

    def test_the_giver_took_another_identity_that_nobody_attested(
        self, ana: Clinician, bo: Clinician, noor: Clinician
    ) -> None:
        """Whatever is wrong with the giver's own history passes through, and no document comes out."""

        def histories(person: UUID) -> Any:
            if person == ana.id:
                raise errors.KeysChangedError("not the pinned one")
            return bo.history

        target = io.BytesIO()
        with pytest.raises(errors.KeysChangedError):
            open_letter(
                io.BytesIO(in_the_name_of(ana, bo, noor)),
                identities=noor.keyring.encryption_identities(),
                reader=noor.id,
                sender_history=histories,
                target=target,
            )
        assert target.getvalue() == b""


class TestSealing:
    """The sender's own client writes nothing that a reader would refuse."""

    @pytest.mark.parametrize(
        "changed",
        [
            {"purpose": Purpose.PAYMENT},
            {"sensitivity": frozenset({Sensitivity.HIV})},
            {"information": INFORMATION | {Information.LAB_RESULTS}},
            {"on_behalf_of": uuid4()},
            {"sealed_at": datetime.now(UTC) + timedelta(days=300)},
        ],
        ids=["purpose", "sensitivity", "information", "delegator", "moment"],
    )
    def test_beyond_what_was_given(
        self, ana: Clinician, bo: Clinician, noor: Clinician, changed: dict[str, Any]
    ) -> None:
        with pytest.raises(errors.SealingError, match="the delegation does not allow"):
            in_the_name_of(ana, bo, noor, **changed)

    def test_without_the_delegation_or_with_a_needless_one(
        self, ana: Clinician, bo: Clinician, noor: Clinician
    ) -> None:
        with pytest.raises(errors.SealingError, match="takes their delegation"):
            write_letter(bo, noor, on_behalf_of=ana.id, delegation=RIGHT)
        with pytest.raises(errors.SealingError, match="takes their delegation"):
            write_letter(bo, noor, enclosed=Enclosed(delegation=delegation(ana, bo)))

    def test_an_ordinary_statement_is_written_as_it_always_was(self, ana: Clinician, noor: Clinician) -> None:
        _, sealed = write_letter(ana, noor)
        assert not any(word in sealed.statement.encode() for word in (b"team", b"delegation", b"on_behalf_of"))


def _left_out(words: type[Information] | type[Sensitivity]) -> st.SearchStrategy[frozenset[Any]]:
    """All words but a few: a letter's own are left out as often as not."""
    return st.frozensets(st.sampled_from(words), max_size=3).map(lambda few: frozenset(words) - few)


@pytest.fixture(scope="module")
def written() -> tuple[Statement, Clinician, Clinician]:
    """What Bo signed of an ordinary letter in Ana's name, Ana, and Bo."""
    ana, bo = Clinician(), Clinician()
    named = {"on_behalf_of": ana.id, "delegation": RIGHT}
    return write_letter(bo, ana, enclosed=Enclosed(delegation=delegation(ana, bo)), **named)[1].statement, ana, bo


@settings(max_examples=50, deadline=None)
@given(
    _left_out(Information),
    _left_out(Sensitivity),
    st.sampled_from([Purpose.TREATMENT, *(each for each in Purpose if each is not Purpose.EMERGENCY)]),
)
def test_a_letter_opens_exactly_when_the_delegation_gives_every_word_of_it(
    written: tuple[Statement, Clinician, Clinician],
    information: frozenset[Information],
    sensitivity: frozenset[Sensitivity],
    purpose: Purpose,
) -> None:
    statement, ana, bo = written
    signed = delegation(ana, bo, information=information, sensitivity=sensitivity, purposes=frozenset({purpose}))
    shown = statement.model_copy(update={"delegation_proof": DelegationProof.of(signed)})
    if information >= INFORMATION and Sensitivity.GENERAL in sensitivity and purpose is Purpose.TREATMENT:
        assert check_proof(shown, bo.keys_of(ana)) is not None
        return
    with pytest.raises(errors.DelegationError, match="does not give"):
        check_proof(shown, bo.keys_of(ana))
