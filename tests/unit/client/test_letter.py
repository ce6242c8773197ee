"""Letters: sealed by one clinician, opened by those who were named, refused in every other case."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from concord import errors
from concord.age import encrypt_bytes
from concord.letter import open_letter, seal, sink
from concord.letter.statement import _SHARED, MAX_STATEMENT_BYTES, parse_statement
from concord.signing import HybridSigningKey
from concord_formats.address import Address
from concord_formats.key_entries import SignedEntry
from concord_formats.signatures import ED25519_SIGNATURE_BYTES, SignedKind
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.client.people import BODY, Clinician, Parts, address, new_device, read_letter, write_letter


@pytest.fixture
def parts(ana: Clinician, noor: Clinician) -> Parts:
    """A good letter from Ana to Noor, taken apart."""
    letter, _ = write_letter(ana, noor)
    return Parts.of(letter, noor.keyring.encryption_identities()[0])


def refused(letter: bytes, reader: Clinician, sender: Clinician, error: type[errors.LetterError]) -> errors.LetterError:
    """Open a letter that must be refused with exactly this error; nothing may reach the target."""
    target = io.BytesIO()
    with pytest.raises(error) as caught:
        open_letter(
            io.BytesIO(letter),
            identities=reader.keyring.encryption_identities(),
            reader=reader.id,
            sender_history=reader.keys_of(sender),
            target=target,
        )
    assert target.getvalue() == b""
    assert caught.type is error
    assert caught.value.hint
    return caught.value


class TestSealingAndOpening:
    """What works."""

    @pytest.mark.parametrize("size", [0, 1, 65_536, 200_000])
    def test_a_recipient_reads_what_the_sender_sealed(self, ana: Clinician, noor: Clinician, size: int) -> None:
        body = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
        letter, sealed = write_letter(ana, noor, body=body, media_type="application/pdf")
        opened, read = read_letter(letter, noor, ana)
        assert read == body
        assert opened.statement == sealed.statement
        assert opened.statement.body.type == "application/pdf"
        assert opened.signer.practitioner == ana.id
        assert opened.signer.in_force
        assert (opened.sha256, sealed.size) == (hashlib.sha256(letter).hexdigest(), len(letter))
        assert opened.sha256 == sealed.sha256

    def test_every_recipient_and_the_sender_can_read(self, ana: Clinician, noor: Clinician, eve: Clinician) -> None:
        letter, _ = write_letter(ana, noor, eve)
        assert [read_letter(letter, reader, ana)[1] for reader in (noor, eve, ana)] == [BODY] * 3

    def test_a_letter_stays_readable_after_the_reader_rotates_the_key(self, ana: Clinician, noor: Clinician) -> None:
        letter, _ = write_letter(ana, noor)
        noor.rotate()
        assert read_letter(letter, noor, ana)[1] == BODY
        newer, _ = write_letter(ana, noor)
        assert read_letter(newer, noor, ana)[1] == BODY

    def test_nothing_of_the_document_stands_in_the_clear(self, ana: Clinician, noor: Clinician) -> None:
        letter, _ = write_letter(ana, noor)
        assert b"panic" not in letter

    def test_a_checked_key_entry_is_enough_to_know_the_sender(self, ana: Clinician, noor: Clinician) -> None:
        letter, _ = write_letter(ana, noor)
        target = io.BytesIO()
        open_letter(
            io.BytesIO(letter),
            identities=noor.keyring.encryption_identities(),
            reader=noor.id,
            sender_history=ana.entry,
            target=target,
        )
        assert target.getvalue() == BODY

    def test_progress_is_told_of_every_byte(self, ana: Clinician, noor: Clinician) -> None:
        steps: list[int] = []
        body = b"x" * 600_000
        target = io.BytesIO()
        seal(
            target,
            body=io.BytesIO(body),
            media_type="text/plain",
            address=address(ana, noor),
            signing_key=ana.keyring.signing_key(),
            recipients={noor.id: noor.entry},
            own_entry=ana.entry,
            progress=steps.append,
        )
        assert sum(steps) == len(body)

    @settings(max_examples=15, deadline=None)
    @given(st.binary(max_size=70_000))
    def test_any_body_comes_back(self, body: bytes) -> None:
        ana, noor = _pair()
        assert read_letter(write_letter(ana, noor, body=body)[0], noor, ana)[1] == body


class TestSealingRefuses:
    """Parts that do not fit together: refused before a byte is written."""

    def _seal(self, ana: Clinician, noor: Clinician, **changed: Any) -> None:
        target = io.BytesIO()
        parts: dict[str, Any] = {
            "body": io.BytesIO(BODY),
            "media_type": "text/plain",
            "address": address(ana, noor),
            "signing_key": ana.keyring.signing_key(),
            "recipients": {noor.id: noor.entry},
            "own_entry": ana.entry,
        }
        with pytest.raises(errors.SealingError):
            seal(target, **(parts | changed))
        assert target.getvalue() == b""

    def test_another_sender(self, ana: Clinician, noor: Clinician, eve: Clinician) -> None:
        self._seal(ana, noor, address=address(eve, noor))
        self._seal(ana, noor, address=address(ana, noor, sender=eve.id))

    def test_a_key_that_is_not_the_devices(self, ana: Clinician, noor: Clinician, eve: Clinician) -> None:
        self._seal(ana, noor, signing_key=eve.keyring.signing_key())

    def test_an_unknown_device(self, ana: Clinician, noor: Clinician) -> None:
        self._seal(ana, noor, address=address(ana, noor, device=uuid4()))

    def test_recipients_without_keys(self, ana: Clinician, noor: Clinician) -> None:
        self._seal(ana, noor, recipients={})

    def test_keys_of_somebody_the_address_does_not_name(self, ana: Clinician, noor: Clinician, eve: Clinician) -> None:
        self._seal(ana, noor, recipients={noor.id: noor.entry, eve.id: eve.entry})

    def test_keys_of_another_person_under_a_recipients_id(
        self, ana: Clinician, noor: Clinician, eve: Clinician
    ) -> None:
        self._seal(ana, noor, recipients={noor.id: eve.entry})

    def test_an_encryption_key_that_is_none(self, ana: Clinician, noor: Clinician) -> None:
        broken = noor.entry.model_copy(update={"encryption": "age1pq1" + "q" * 120})
        self._seal(ana, noor, recipients={noor.id: broken})

    @pytest.mark.parametrize("media_type", ["", "pdf", "text/plain\nX: y", "text/plain; a=\x00", "a/" + "b" * 200])
    def test_a_media_type_that_is_none(self, ana: Clinician, noor: Clinician, media_type: str) -> None:
        self._seal(ana, noor, media_type=media_type)

    def test_a_document_that_is_too_large(
        self, ana: Clinician, noor: Clinician, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(import_module("concord.letter.seal"), "MAX_BODY_BYTES", len(BODY) - 1)
        self._seal(ana, noor)

    def test_a_document_that_changes_meanwhile(self, ana: Clinician, noor: Clinician) -> None:
        """Hashed in the first pass, other bytes in the second: no letter may come of it."""

        class Changing(io.BytesIO):
            passes = 0

            def seek(self, offset: int, whence: int = 0, /) -> int:
                self.passes += 1
                if self.passes == 2:
                    self.getbuffer()[0] ^= 1
                return super().seek(offset, whence)

        with pytest.raises(errors.BodyMismatchError):
            write_letter(ana, noor, body=Changing(BODY))


class TestTheReader:
    """Who may open."""

    def test_somebody_who_was_not_sealed_to(self, ana: Clinician, noor: Clinician, eve: Clinician) -> None:
        letter, _ = write_letter(ana, noor)
        refused(letter, eve, ana, errors.NotARecipientError)

    def test_a_forwarded_letter(self, ana: Clinician, noor: Clinician, eve: Clinician, parts: Parts) -> None:
        """Noor seals Ana's signed statement anew, to Eve: it opens, and is refused, for Ana never named Eve."""
        refused(parts.sealed_to(eve), eve, ana, errors.ForwardedLetterError)

    def test_a_letter_named_to_ones_id_but_to_another_key(
        self, ana: Clinician, noor: Clinician, eve: Clinician, parts: Parts
    ) -> None:
        """Whoever publishes somebody's key under their own id cannot pass the letter off as sealed to themselves."""
        named = [{"practitioner": str(noor.id), "encryption": hashlib.sha256(str(eve.recipient).encode()).hexdigest()}]
        forged = parts.signed_anew(ana.keyring.signing_key(), recipients=named)
        refused(forged.sealed_to(noor), noor, ana, errors.ForwardedLetterError)


class TestTheSealedBytes:
    """Tampering."""

    def test_no_bit_of_the_sealed_letter_can_be_turned(self, ana: Clinician, noor: Clinician) -> None:
        """In the address, the header, its MAC, the nonce, the statement, the body and the last tag."""
        letter, sealed = write_letter(ana, noor)
        end = len(letter) - 1
        mac = letter.index(b"\n--- ") + 6
        places = {0, 5, sealed.address_line.index(b"consent"), len(sealed.address_line) + 3, mac, mac + 50, end}
        for place in places | set(range(mac + 60, end, 997)):
            broken = bytearray(letter)
            broken[place] ^= 1
            with pytest.raises(errors.LetterError):
                read_letter(bytes(broken), noor, ana)

    def test_a_tampered_header(self, ana: Clinician, noor: Clinician) -> None:
        letter, _ = write_letter(ana, noor)
        mac = letter.index(b"\n--- ") + 5
        changed = letter[:mac] + (b"A" if letter[mac : mac + 1] != b"A" else b"B") + letter[mac + 1 :]
        refused(changed, noor, ana, errors.TamperedLetterError)

    def test_a_tampered_payload(self, ana: Clinician, noor: Clinician) -> None:
        letter, _ = write_letter(ana, noor)
        refused(letter[:-1] + bytes([letter[-1] ^ 1]), noor, ana, errors.TamperedLetterError)

    @pytest.mark.parametrize("cut", [1, 17, 65_552, 70_000])
    def test_a_letter_cut_short(self, ana: Clinician, noor: Clinician, cut: int) -> None:
        letter, _ = write_letter(ana, noor, body=b"x" * 200_000)
        refused(letter[:-cut], noor, ana, errors.TamperedLetterError)

    def test_a_letter_with_something_behind_it(self, ana: Clinician, noor: Clinician) -> None:
        letter, _ = write_letter(ana, noor)
        refused(letter + b"x", noor, ana, errors.TamperedLetterError)

    @pytest.mark.parametrize(
        "bytes_", [b"", b"\n", b"{}\n", b"x" * 20_000, b"\xff\xfe\n", b"null\n", b"[" * 9999 + b"\n"]
    )
    def test_bytes_that_are_no_letter(self, ana: Clinician, noor: Clinician, bytes_: bytes) -> None:
        refused(bytes_, noor, ana, errors.MalformedLetterError)

    def test_an_address_with_no_age_file_behind_it(self, ana: Clinician, noor: Clinician, parts: Parts) -> None:
        refused(parts.address_line + b"\nhello", noor, ana, errors.MalformedLetterError)

    def test_an_armored_age_file(self, ana: Clinician, noor: Clinician, parts: Parts) -> None:
        """One letter has one form."""
        plain = b"\n".join((parts.statement, b"", parts.body))
        armored = encrypt_bytes(plain, [noor.recipient], armor=True)
        refused(parts.address_line + b"\n" + armored, noor, ana, errors.MalformedLetterError)


OTHER = {
    "letter": str(uuid4()),
    "device": str(uuid4()),
    "patient": "pt_" + "b" * 26,
    "consent": str(uuid4()),
    "consent_version": 2,
    "purpose": "care-coordination",
    "information": ["attendance"],
    "sensitivity": ["part-2"],
    "thread": str(uuid4()),
    "reply_to": str(uuid4()),
    "sealed_at": "2026-01-02T03:04:05Z",
}


class TestAddressAndStatement:
    """What was signed and what stands outside must be one."""

    @pytest.mark.parametrize("field", sorted(OTHER))
    def test_a_relabelled_letter(self, ana: Clinician, noor: Clinician, parts: Parts, field: str) -> None:
        """The address line is changed on the way: under another consent, with other labels, as another letter."""
        changed = parts.readdressed(**{field: OTHER[field]}).sealed_to(noor)
        assert refused(changed, noor, ana, errors.StatementMismatchError).members == {"field": field}

    def test_another_sender_in_the_address(self, ana: Clinician, noor: Clinician, eve: Clinician, parts: Parts) -> None:
        changed = parts.readdressed(sender=str(eve.id)).sealed_to(noor)
        assert refused(changed, noor, ana, errors.StatementMismatchError).members == {"field": "sender"}

    def test_other_recipients_in_the_address(
        self, ana: Clinician, noor: Clinician, eve: Clinician, parts: Parts
    ) -> None:
        changed = parts.readdressed(recipients=[str(noor.id), str(eve.id)]).sealed_to(noor)
        assert refused(changed, noor, ana, errors.StatementMismatchError).members == {"field": "recipients"}

    def test_an_address_that_means_the_same_in_other_bytes(self, ana: Clinician, noor: Clinician, parts: Parts) -> None:
        changed = parts.readdressed().sealed_to(noor)  # the same members, with spaces between them
        assert refused(changed, noor, ana, errors.StatementMismatchError).members == {"field": "address_sha256"}

    @pytest.mark.parametrize("field", sorted(OTHER))
    def test_a_statement_that_says_otherwise(self, ana: Clinician, noor: Clinician, parts: Parts, field: str) -> None:
        """The sender's own device signs a statement that differs from the address: the reader takes neither."""
        forged = parts.signed_anew(ana.keyring.signing_key(), **{field: OTHER[field]})
        assert refused(forged.sealed_to(noor), noor, ana, errors.StatementMismatchError).members == {"field": field}

    def test_a_letter_replayed_under_the_address_of_another(self, ana: Clinician, noor: Clinician) -> None:
        first, _ = write_letter(ana, noor)
        second, _ = write_letter(ana, noor)
        swapped = second.partition(b"\n")[0] + b"\n" + first.partition(b"\n")[2]
        assert refused(swapped, noor, ana, errors.StatementMismatchError).members == {"field": "letter"}

    def test_a_signing_key_that_is_not_the_devices(self, ana: Clinician, noor: Clinician, parts: Parts) -> None:
        other = HybridSigningKey.generate()
        forged = parts.signed_anew(other, signing_key=other.public().encode())
        assert refused(forged.sealed_to(noor), noor, ana, errors.StatementMismatchError).members == {
            "field": "signing_key"
        }


class TestTheSigner:
    """Whose device signed."""

    def test_a_device_that_is_not_the_senders(
        self, ana: Clinician, noor: Clinician, eve: Clinician, parts: Parts
    ) -> None:
        """Eve writes in Ana's name, with a device of her own: everything else is right."""
        readdressed = parts.readdressed(device=str(eve.keyring.device))
        forged = readdressed.signed_anew(
            eve.keyring.signing_key(),
            device=str(eve.keyring.device),
            signing_key=eve.keyring.signing_key().public().encode(),
            address_sha256=hashlib.sha256(readdressed.address_line).hexdigest(),
        )
        refused(forged.sealed_to(noor), noor, ana, errors.UnknownSignerError)

    def test_a_directory_that_gives_another_persons_keys(self, ana: Clinician, noor: Clinician, eve: Clinician) -> None:
        letter, _ = write_letter(ana, noor)
        with pytest.raises(errors.UnknownSignerError):
            open_letter(
                io.BytesIO(letter),
                identities=noor.keyring.encryption_identities(),
                reader=noor.id,
                sender_history=lambda _sender: eve.history,
                target=io.BytesIO(),
            )

    def test_a_device_that_somebody_else_listed_as_their_own(
        self, ana: Clinician, noor: Clinician, eve: Clinician
    ) -> None:
        """Eve copies Ana's public device into her own history; a directory gives that out as Ana's."""
        letter, _ = write_letter(ana, noor)
        eve.change(add_device=ana.entry.devices[0])
        with pytest.raises(errors.UnknownSignerError):
            open_letter(
                io.BytesIO(letter),
                identities=noor.keyring.encryption_identities(),
                reader=noor.id,
                sender_history=eve.entry,
                target=io.BytesIO(),
            )

    def test_a_device_that_was_revoked_before(self, ana: Clinician, noor: Clinician) -> None:
        letter, _ = write_letter(ana, noor, sealed_at=datetime.now(UTC) + timedelta(hours=1))
        ana.change(add_device=new_device())
        ana.change(revoke_device=ana.keyring.device)
        refused(letter, noor, ana, errors.RevokedDeviceError)

    def test_an_old_letter_of_a_device_that_was_revoked_since(self, ana: Clinician, noor: Clinician) -> None:
        """It was good when it was sealed; the reader is told that the device is out of force."""
        letter, _ = write_letter(ana, noor)
        ana.change(add_device=new_device())
        ana.change(revoke_device=ana.keyring.device)
        opened, body = read_letter(letter, noor, ana)
        assert body == BODY
        assert not opened.signer.in_force

    def test_a_device_dated_before_it_was_added(self, ana: Clinician, noor: Clinician) -> None:
        """A device that is in force now may have a clock that is behind."""
        letter, _ = write_letter(ana, noor, sealed_at=datetime(2020, 1, 1, tzinfo=UTC))
        assert read_letter(letter, noor, ana)[1] == BODY

    def test_a_history_that_is_not_sound(self, ana: Clinician, noor: Clinician) -> None:
        letter, _ = write_letter(ana, noor)
        ana.history.append(SignedEntry(ana.history[0].entry, ana.history[0].signature))
        with pytest.raises(errors.BadHistoryError):
            read_letter(letter, noor, ana)

    @pytest.mark.parametrize("half", ["ed25519", "mldsa65"])
    def test_one_half_of_the_signature_alone(self, ana: Clinician, noor: Clinician, parts: Parts, half: str) -> None:
        """Both must verify: a broken Ed25519, or a broken ML-DSA, alone forges nothing."""
        other = HybridSigningKey.generate().sign(SignedKind.STATEMENT, parts.statement)
        cut = ED25519_SIGNATURE_BYTES
        good = parts.signature
        parts.signature = good[:cut] + other[cut:] if half == "ed25519" else other[:cut] + good[cut:]
        refused(parts.sealed_to(noor), noor, ana, errors.SignatureMismatchError)

    def test_a_signature_of_another_kind(self, ana: Clinician, noor: Clinician, parts: Parts) -> None:
        parts.signature = ana.keyring.signing_key().sign(SignedKind.RECEIPT, parts.statement)
        refused(parts.sealed_to(noor), noor, ana, errors.SignatureMismatchError)

    def test_a_statement_changed_after_it_was_signed(self, ana: Clinician, noor: Clinician, parts: Parts) -> None:
        parts.statement = parts.statement.replace(b'"text/plain"', b'"text/html"')
        refused(parts.sealed_to(noor), noor, ana, errors.SignatureMismatchError)


class TestTheBody:
    """The document against its statement: signed by the sender, sealed by somebody in between."""

    @pytest.mark.parametrize(
        "body", [BODY[:-1], BODY + b"x", b"", BODY[:-2] + b"x\n"], ids=["short", "long", "none", "other"]
    )
    def test_another_body(self, ana: Clinician, noor: Clinician, parts: Parts, body: bytes) -> None:
        parts.body = body
        refused(parts.sealed_to(noor), noor, ana, errors.BodyMismatchError)

    def test_a_size_that_is_not_the_bodys(self, ana: Clinician, noor: Clinician, parts: Parts) -> None:
        body = json.loads(parts.statement)["body"] | {"size": len(BODY) + 1}
        forged = parts.signed_anew(ana.keyring.signing_key(), body=body)
        refused(forged.sealed_to(noor), noor, ana, errors.BodyMismatchError)

    def test_a_document_longer_than_signed_is_not_read_to_its_end(
        self, ana: Clinician, noor: Clinician, parts: Parts, tmp_path: Path
    ) -> None:
        """A gigabyte behind a statement of some bytes must not fill the disk."""
        parts.body = BODY + b"x" * 5_000_000
        written: list[int] = []
        with pytest.raises(errors.BodyMismatchError):
            open_letter(
                io.BytesIO(parts.sealed_to(noor)),
                identities=noor.keyring.encryption_identities(),
                reader=noor.id,
                sender_history=ana.entry,
                target=tmp_path / "document",
                progress=written.append,
            )
        assert sum(written) <= len(BODY)


def _hostile(statement: bytes) -> Iterator[bytes]:
    members = json.loads(statement)
    yield b""
    yield b"x" * (MAX_STATEMENT_BYTES + 10)
    yield b"[" * 30_000
    yield b"null"
    yield b"\xff" + statement
    yield statement[:-1] + b',"letter":"' + members["letter"].encode() + b'"}'
    yield statement[:-1] + b',"note":"hello"}'
    yield statement[:-1] + b"\r}"
    for name, value in (
        ("v", 2),
        ("v", True),
        ("v", 1.0),
        ("consent_version", 1.0),
        ("consent_version", "1"),
        ("recipients", []),
        ("recipients", members["recipients"] * 21),
        ("information", []),
        ("letter", members["letter"].upper()),
        ("letter", "{" + members["letter"] + "}"),
        ("sealed_at", 1_700_000_000),
        ("sealed_at", "1700000000"),
        ("sealed_at", "2026-01-02"),
        ("sealed_at", "0001-01-01T00:00:00+14:00"),
        ("body", members["body"] | {"size": -1}),
        ("body", members["body"] | {"size": 10**30}),
        ("body", members["body"] | {"size": 1e3}),
        ("body", members["body"] | {"type": "text/plain\n"}),
        ("body", members["body"] | {"name": "../../etc/passwd"}),
    ):
        yield json.dumps(members | {name: value}).encode()


class TestHostileStatements:
    """Lines that a signer or a stranger may seal: refused as malformed, whoever signed them."""

    def test_each_is_refused(self, ana: Clinician, noor: Clinician, parts: Parts) -> None:
        key = ana.keyring.signing_key()
        for line in _hostile(parts.statement):
            parts.statement, parts.signature = line, key.sign(SignedKind.STATEMENT, line)
            refused(parts.sealed_to(noor), noor, ana, errors.MalformedLetterError)

    def test_a_signature_line_without_end(self, ana: Clinician, noor: Clinician, parts: Parts) -> None:
        parts.signature = b"x" * 100_000
        refused(parts.sealed_to(noor), noor, ana, errors.MalformedLetterError)

    def test_a_signature_that_is_not_base64url(self, ana: Clinician, noor: Clinician, parts: Parts) -> None:
        plain = b"\n".join((parts.statement, b"+/==", parts.body))
        sealed = parts.address_line + b"\n" + encrypt_bytes(plain, [noor.recipient])
        refused(sealed, noor, ana, errors.MalformedLetterError)

    @settings(max_examples=200, deadline=None)
    @given(st.binary(max_size=300))
    def test_any_bytes_are_read_or_refused(self, line: bytes) -> None:
        with pytest.raises(errors.MalformedLetterError):
            parse_statement(line)


class TestTheTarget:
    """Nobody reads unverified text."""

    def _open(self, letter: bytes, noor: Clinician, ana: Clinician, target: Path) -> None:
        open_letter(
            io.BytesIO(letter),
            identities=noor.keyring.encryption_identities(),
            reader=noor.id,
            sender_history=ana.entry,
            target=target,
        )

    def test_a_document_takes_its_name_after_the_last_check(
        self, ana: Clinician, noor: Clinician, tmp_path: Path
    ) -> None:
        target = tmp_path / "summary.txt"
        self._open(write_letter(ana, noor)[0], noor, ana, target)
        assert target.read_bytes() == BODY
        assert target.stat().st_mode & 0o777 == 0o600
        assert list(tmp_path.iterdir()) == [target]

    def test_a_failed_opening_leaves_nothing(
        self, ana: Clinician, noor: Clinician, parts: Parts, tmp_path: Path
    ) -> None:
        parts.body = b"y" * 100_000
        with pytest.raises(errors.BodyMismatchError):
            self._open(parts.sealed_to(noor), noor, ana, tmp_path / "summary.txt")
        assert list(tmp_path.iterdir()) == []

    def test_a_failed_opening_leaves_the_file_that_was_there(
        self, ana: Clinician, noor: Clinician, tmp_path: Path
    ) -> None:
        target = tmp_path / "summary.txt"
        target.write_text("before")
        letter, _ = write_letter(ana, noor, body=b"x" * 300_000)
        with pytest.raises(errors.TamperedLetterError):
            self._open(letter[:-20], noor, ana, target)
        assert target.read_text() == "before"
        assert list(tmp_path.iterdir()) == [target]

    def test_a_large_document_to_a_stream_is_never_on_the_disk_in_the_clear(
        self, ana: Clinician, noor: Clinician, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What waits for its last check on the disk is sealed: the file is looked at just before it is read back."""
        body = b"panic symptoms " * 200_000
        seen: list[bytes] = []
        original = sink.decrypting_reader

        def look(source: Any, identities: Any) -> Any:
            seen.append(source.read())
            source.seek(0)
            return original(source, identities)

        monkeypatch.setattr(sink, "decrypting_reader", look)
        letter, _ = write_letter(ana, noor, body=body)
        assert read_letter(letter, noor, ana)[1] == body
        assert len(seen[0]) > len(body)
        assert b"panic" not in seen[0]


def _pair() -> tuple[Clinician, Clinician]:
    if not _PAIR:
        _PAIR.extend((Clinician(), Clinician()))
    return _PAIR[0], _PAIR[1]


_PAIR: list[Clinician] = []


def test_the_statement_repeats_every_member_of_the_address() -> None:
    """A member that is added to the address later must be signed and compared, too."""
    assert set(Address.model_fields) == {*_SHARED, "v", "recipients"}
