"""Cosignatures: a checkpoint that others made and others cosigned, the message of the specification, and forgeries."""

from __future__ import annotations

import base64

import pytest
from concord_formats.cosignatures import (
    MAX_TIME,
    WitnessKey,
    cosign,
    cosigned_at,
    line_among,
    line_of,
    own_clock,
    with_signatures,
)
from concord_formats.notes import MAX_SIGNATURES, Checkpoint, NoteError, VerifierKey, sign_note, verify_note
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

# A checkpoint of a log of Certificate Transparency, as its public witnesses cosigned it in May 2026; keys of the log
# (0x01) and of witnesses (0x04) that made it.
# ruff: noqa: E501 - the lines are as long as they are
PUBLIC = """\
arche2025h1.staging.ct.transparency.dev
1432088532
U7WM79jrzyhGZ5/GUBTpM7NzwdyfFx61t3RovgcC4Ro=

— arche2025h1.staging.ct.transparency.dev zTM8sQAAAZ5W0WdjBAMARjBEAiBjW5IQf9pvsYLfQFX6hoGREPMHbdQ3urbllzalApkptQIgIpwtEroeW2BXaHAI4kJXFbon5Ch9MNL5zRNZ55lvGt0=
— arche2025h1.staging.ct.transparency.dev ui8GwCF1+kWqZrxGdhj4aX3gcw7XUlXQQabg/27lefwhUkzbC3NygNI75MdhL1bfTW9g8Ei59RA23oHP7Ry1k3ZFWwQ=
— transparency.dev/DEV:witness-little-garden 2AQqhwAAAABqEiEgzgFIqqhbUoDwjMWE6UP8nd8/KYTzwZ2rhIgcqoXHAwVkjZr4AscylP3v7sEodkRAErumC2q44vdgJY096st5BQ==
— witness1.smartit.nu/witness1 pIyCDwAAAABqEiEghIp82KWebrw7/oHQwlTAm3g2RKS4+eebl8eO0WH+/iEcxZ75W3u5hNI7TOQtmJbqmNWVuE0tgh0XwzdZsDsUAQ==
— remora.n621.de 2net5wAAAABqEiEgPlfF3V06o0Y+fHM+J5J9s27wgxxcOVSpZ/2g/KSiXCg9DEZI+aVCIobWX9sXTynk5XeU/zZ0WBxtqB0DrAWfBw==
— witness.stagemole.eu Z/euoAAAAABqEiEgw0i+7g2ENfDAWHmtRzCfKTHSDwYDJA2NmKeGi9Y8FtEyOUvVr+AJmIY/2TUFucgKi7lI7cUiOvKFYe/TmN9DAg==
"""
PUBLIC_LOG = "arche2025h1.staging.ct.transparency.dev+ba2f06c0+AU0vHmlGCS/PdN8b2OaGmKprLI8HKM+dJ472xgFYh15f"
WITNESSES = [
    "remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2",
    "witness1.smartit.nu/witness1+a48c820f+BPSFWg9G6KPiO7QPryYO5Xq4oYJJ+kAvLKLSimDhoxMO",
    "witness.stagemole.eu+67f7aea0+BEqSG3yu9YrmcM3BHvQYTxwFj3uSWakQepafafpUqklv",
]
# The example of c2sp.org/tlog-cosignature; its keys are not published.
EXAMPLE = """\
example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=
"""
LOG, WITNESS = (Ed25519PrivateKey.from_private_bytes(bytes([n]) * 32) for n in (1, 2))
ORIGIN, NAME = "concord.example/directory/log", "witness.example/w1"
LOG_KEY, WITNESS_KEY = VerifierKey.of(ORIGIN, LOG), WitnessKey.of(NAME, WITNESS)
TEXT = Checkpoint(ORIGIN, 7, b"r" * 32).encode()
NOTE = sign_note(TEXT, ORIGIN, LOG)
NOW = 1_795_000_000


def cosigned(time: int = NOW) -> str:
    return with_signatures(NOTE, [cosign(TEXT, NAME, WITNESS, time)])


class TestOthers:
    """What other people's programs made."""

    @pytest.mark.parametrize("vkey", WITNESSES)
    def test_the_cosignature_of_a_public_witness_verifies(self, vkey: str) -> None:
        key = WitnessKey.decode(vkey)
        assert key.encode() == vkey
        assert cosigned_at(PUBLIC, key) == 1779573024  # 2026-05-23 21:50:24 UTC
        text, _, lines = PUBLIC.partition("\n\n")
        assert line_among(lines, f"{text}\n", key) == line_of(PUBLIC, key)
        assert f"\n{line_of(PUBLIC, key)}" in PUBLIC

    @pytest.mark.parametrize("vkey", WITNESSES)
    def test_and_of_no_other_text(self, vkey: str) -> None:
        with pytest.raises(NoteError):
            cosigned_at(PUBLIC.replace("1432088532", "1432088533"), WitnessKey.decode(vkey))

    def test_the_checkpoint_under_them_verifies_as_well(self) -> None:
        checkpoint = Checkpoint.parse(verify_note(PUBLIC, VerifierKey.decode(PUBLIC_LOG)))
        assert checkpoint.size == 1432088532

    def test_what_is_signed_is_what_the_specification_prints(self) -> None:
        line = cosign(EXAMPLE, NAME, WITNESS, 1679315147)
        signature = base64.b64decode(line.split(" ")[2])
        assert line.startswith(f"— {NAME} ")
        assert signature[:4] == WITNESS_KEY.id
        assert signature[4:12] == bytes.fromhex("000000006418 50cb")
        WITNESS.public_key().verify(signature[12:], f"cosignature/v1\ntime 1679315147\n{EXAMPLE}".encode())


class TestOwn:
    """Round trips and forgeries."""

    @given(st.integers(0, MAX_TIME))
    def test_the_time_is_read_as_it_was_said(self, time: int) -> None:
        assert cosigned_at(cosigned(time), WITNESS_KEY) == time

    @pytest.mark.parametrize("time", [-1, MAX_TIME + 1, 2**64])
    def test_a_time_out_of_bounds_is_not_said(self, time: int) -> None:
        with pytest.raises(NoteError):
            cosign(TEXT, NAME, WITNESS, time)

    def test_nor_heard(self) -> None:
        raw = base64.b64decode(cosign(TEXT, NAME, WITNESS, NOW).split(" ")[2])
        late = base64.b64encode(raw[:4] + (2**63).to_bytes(8, "big") + raw[12:]).decode()
        with pytest.raises(NoteError):
            cosigned_at(f"{NOTE}— {NAME} {late}\n", WITNESS_KEY)

    def test_a_log_says_when_under_its_own_key(self) -> None:
        clock = own_clock(LOG_KEY)
        note = with_signatures(NOTE, [cosign(TEXT, ORIGIN, LOG, NOW)])
        assert cosigned_at(note, clock) == NOW
        assert verify_note(note, LOG_KEY) == TEXT
        assert clock.id != LOG_KEY.id

    def test_neither_of_a_logs_signatures_passes_for_the_other(self) -> None:
        with pytest.raises(NoteError):
            cosigned_at(NOTE, own_clock(LOG_KEY))
        only_clock = f"{TEXT}\n{cosign(TEXT, ORIGIN, LOG, NOW)}"
        with pytest.raises(NoteError):
            verify_note(only_clock, LOG_KEY)
        with pytest.raises(NoteError):
            VerifierKey.decode(own_clock(LOG_KEY).encode())
        with pytest.raises(NoteError):
            WitnessKey.decode(LOG_KEY.encode())

    def test_every_flipped_bit_of_the_line_is_refused(self) -> None:
        line = cosign(TEXT, NAME, WITNESS, NOW)
        raw = line.encode()
        for bit in range(len(raw) * 8):
            flipped = bytearray(raw)
            flipped[bit // 8] ^= 1 << bit % 8
            with pytest.raises((NoteError, UnicodeDecodeError)):
                cosigned_at(NOTE + flipped.decode(), WITNESS_KEY)

    @pytest.mark.parametrize("length", [0, 1, 8, 63, 71, 73, 2428])
    def test_a_signature_of_another_length_is_refused(self, length: int) -> None:
        raw = base64.b64encode(WITNESS_KEY.id + bytes(length)).decode()
        with pytest.raises(NoteError):
            cosigned_at(f"{NOTE}— {NAME} {raw}\n", WITNESS_KEY)

    def test_another_key_or_another_name_cosigned_nothing(self) -> None:
        for key in (WitnessKey.of(NAME, LOG), WitnessKey.of("witness.example/w2", WITNESS)):
            with pytest.raises(NoteError):
                cosigned_at(cosigned(), key)

    def test_a_name_with_a_line_feed_is_none(self) -> None:
        for name in ("witness\nexample", "wit ness", "wit+ness", "", "w" * 257, "w\x85"):
            with pytest.raises(NoteError):
                cosign(TEXT, name, WITNESS, NOW)

    def test_what_cannot_be_a_note_is_not_cosigned(self) -> None:
        for text in ("", "no line feed", "\n", "a\ttab\n"):
            with pytest.raises(NoteError):
                cosign(text, NAME, WITNESS, NOW)


class TestTogether:
    """Lines under one note."""

    def test_lines_come_together_and_none_is_lost(self) -> None:
        note = with_signatures(cosigned(), [cosign(TEXT, ORIGIN, LOG, NOW)])
        assert verify_note(note, LOG_KEY) == TEXT
        assert cosigned_at(note, WITNESS_KEY) == cosigned_at(note, own_clock(LOG_KEY)) == NOW

    def test_the_same_line_again_is_one(self) -> None:
        line = cosign(TEXT, NAME, WITNESS, NOW)
        assert with_signatures(NOTE, [line, line]) == with_signatures(cosigned(), [line]) == cosigned()
        assert with_signatures(NOTE, []) == NOTE

    def test_a_renewed_cosignature_takes_the_place_of_the_earlier_one(self) -> None:
        renewed = with_signatures(cosigned(), [cosign(TEXT, NAME, WITNESS, NOW + 60)])
        assert cosigned_at(renewed, WITNESS_KEY) == NOW + 60
        assert renewed.count("\n") == cosigned().count("\n")

    def test_a_note_that_carries_two_by_one_key_says_nothing(self) -> None:
        with pytest.raises(NoteError, match="more than once"):
            cosigned_at(cosigned() + cosign(TEXT, NAME, WITNESS, NOW + 60), WITNESS_KEY)

    def test_one_name_may_have_several_kinds_of_keys(self) -> None:
        other = base64.b64encode(b"\6\6\6\6" + bytes(2428)).decode()
        note = with_signatures(cosigned(), [f"— {NAME} {other}\n"])
        assert cosigned_at(note, WITNESS_KEY) == NOW
        assert other in note

    @pytest.mark.parametrize(
        "line", ["", "\n", "no signature\n", "— witness.example/w1\n", "— w !!!!\n", "- w AAAAAAA=\n"]
    )
    def test_what_is_no_line_is_not_added(self, line: str) -> None:
        with pytest.raises(NoteError):
            with_signatures(NOTE, [line, "x"])

    def test_a_text_cannot_be_smuggled_in_with_a_line(self) -> None:
        forged = Checkpoint(ORIGIN, 8, b"s" * 32).encode()
        with pytest.raises(NoteError):
            with_signatures(NOTE, [f"\n{sign_note(forged, 'evil.example', WITNESS)}"])

    def test_there_is_a_bound(self) -> None:
        keys = [Ed25519PrivateKey.from_private_bytes(bytes([9, n]) * 16) for n in range(MAX_SIGNATURES)]
        lines = [cosign(TEXT, NAME, key, NOW) for key in keys]
        assert with_signatures(NOTE, lines[:-1]).count("—") == MAX_SIGNATURES
        with pytest.raises(NoteError):
            with_signatures(NOTE, lines)

    def test_the_line_of_one_key_is_picked_out_of_an_answer_that_holds_others(self) -> None:
        theirs = cosign(TEXT, NAME, WITNESS, NOW)
        answer = cosign(TEXT, ORIGIN, WITNESS, NOW) + theirs
        assert line_among(answer, TEXT, WITNESS_KEY) == theirs

    def test_a_line_about_another_text_is_not_picked(self) -> None:
        other = Checkpoint(ORIGIN, 8, b"s" * 32).encode()
        theirs = cosign(other, NAME, WITNESS, NOW)
        for answer in (theirs, f"{other}\n{theirs}", f"\n{other}\n{theirs}", ""):
            with pytest.raises(NoteError):
                line_among(answer, TEXT, WITNESS_KEY)
