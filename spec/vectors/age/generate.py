"""Writes our own age vectors beside this file. It was run once; the vectors are what counts, not another run of it.

Owns the making of files that are right, and of files that break one rule each. Refuses to write over a vector: keys
and nonces are random, so a second run would change them all.

    python spec/vectors/age/generate.py
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import zlib
from collections.abc import Callable
from pathlib import Path

from concord.age import HybridIdentity, ScryptRecipient, X25519Identity
from concord.age.header import Stanza, derive, encode_header
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

FOLDER = Path(__file__).resolve().parent
HYBRID, OTHER_HYBRID = HybridIdentity.generate(), HybridIdentity.generate()
CLASSIC, OTHER_CLASSIC = X25519Identity.generate(), X25519Identity.generate()
PASSPHRASE = "a small boat on a calm lake"  # noqa: S105 - it protects vectors that everybody may read
TEXT = b"Concord.\n"
# A point of order 8 with the unused top bit set: a list of the usual encodings would miss it.
LOW_ORDER = bytes.fromhex("5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f11d7")
BEGIN, END = b"-----BEGIN AGE ENCRYPTED FILE-----\n", b"-----END AGE ENCRYPTED FILE-----\n"
GREASE = Stanza("grease", ("of", "no", "meaning"), b"")

Wrap = Callable[[bytes], Stanza]
Change = Callable[[bytes], bytes]
hybrid, other_hybrid = HYBRID.recipient().wrap, OTHER_HYBRID.recipient().wrap
classic, other_classic = CLASSIC.recipient().wrap, OTHER_CLASSIC.recipient().wrap
scrypt = ScryptRecipient(PASSPHRASE, work_factor=10).wrap


def age_file(*wraps: Wrap, change: Change = bytes, payload: Change | None = None, key: bytes = b"") -> bytes:
    """An age file. `change` is done to the header before its MAC, which therefore fits; `payload` makes the chunks."""
    key = key or os.urandom(16)
    covered = change(encode_header([wrap(key) for wrap in wraps], key).rpartition(b" ")[0])
    mac = hmac.digest(derive(key, b"header"), covered, "sha256")
    nonce = os.urandom(16)
    chunks = (payload or (lambda k: chunk(k, TEXT)))(derive(key, b"payload", nonce))
    return covered + b" " + base64.b64encode(mac).rstrip(b"=") + b"\n" + nonce + chunks


def chunk(key: bytes, plain: bytes, *, last: bool = True) -> bytes:
    """The first chunk of a payload."""
    return ChaCha20Poly1305(key).encrypt(bytes(11) + bytes([last]), plain, None)


def armored(file: bytes) -> bytes:
    """A file in its armor."""
    text = base64.b64encode(file)
    return BEGIN + b"".join(text[at : at + 64] + b"\n" for at in range(0, len(text), 64)) + END


def swapped(old: bytes, new: bytes) -> Change:
    """A change of the header that must find what it changes."""

    def change(header: bytes) -> bytes:
        if old not in header:
            raise ValueError("nothing to change")
        return header.replace(old, new, 1)

    return change


def with_enc(change: Change) -> Wrap:
    """A hybrid stanza whose encapsulated key was changed."""

    def wrap(key: bytes) -> Stanza:
        stanza = hybrid(key)
        enc = change(base64.b64decode(stanza.arguments[0] + "=="))
        return Stanza(stanza.type, (base64.b64encode(enc).rstrip(b"=").decode(),), stanza.body)

    return wrap


def with_share(share: bytes) -> Wrap:
    """An X25519 stanza with this share, sealed under the all-zero secret that a point of low order leads to."""

    def wrap(key: bytes) -> Stanza:
        public = CLASSIC.recipient().public
        cipher = ChaCha20Poly1305(derive(bytes(32), b"age-encryption.org/v1/X25519", share + public))
        argument = base64.b64encode(share).rstrip(b"=").decode()
        return Stanza("X25519", (argument,), cipher.encrypt(bytes(12), key, None))

    return wrap


def not_canonical(header: bytes) -> bytes:
    """A header with a spare bit set in the last base64 character of its last body."""
    at = len(header) - len(b"\n---") - 1
    alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    return header[:at] + bytes([alphabet[alphabet.index(header[at]) + 1]]) + header[at + 1 :]


def good() -> dict[str, bytes]:
    """What is accepted."""
    return {
        "hybrid": age_file(hybrid),
        "hybrid_two_recipients": age_file(other_hybrid, hybrid),
        "hybrid_beside_x25519": age_file(other_classic, hybrid),
        "hybrid_grease": age_file(lambda _: GREASE, hybrid, lambda _: GREASE),
        "x25519": age_file(classic),
        "scrypt": age_file(scrypt),
        "stanza_every_character": age_file(lambda _: Stanza("".join(map(chr, range(33, 127))), (), b""), classic),
        "stream_empty": age_file(hybrid, payload=lambda key: chunk(key, b"")),
        "armor": armored(age_file(hybrid)),
        "armor_crlf": armored(age_file(classic)).replace(b"\n", b"\r\n"),
    }


def no_match() -> dict[str, bytes]:
    """Well-formed files that are for somebody else."""
    return {
        "hybrid_other": age_file(other_hybrid),
        "hybrid_mlkem_changed": age_file(with_enc(lambda enc: bytes([enc[0] ^ 1]) + enc[1:])),
        "hybrid_x25519_changed": age_file(with_enc(lambda enc: enc[:-9] + bytes([enc[-9] ^ 1]) + enc[-8:])),
        "hybrid_upper_case": age_file(hybrid, change=swapped(b"mlkem768x25519", b"MLKEM768X25519")),
        "scrypt_upper_case": age_file(scrypt, change=swapped(b"scrypt", b"Scrypt")),
    }


def bad_header() -> dict[str, bytes]:
    """Headers that break one rule each; their MAC fits."""
    long_stanza = Stanza("padding", (), bytes(300_000))
    return {
        "empty": b"",
        "header_crlf": age_file(classic, change=lambda header: header.replace(b"\n", b"\r\n")),
        "header_leading_space": b" " + age_file(classic),
        "header_no_stanza": age_file(classic, change=lambda _: b"age-encryption.org/v1\n---"),
        "header_too_long": age_file(classic, change=swapped(b"\n---", b"\n" + long_stanza.encode() + b"---")),
        "header_line_too_long": age_file(classic, change=swapped(b"\n->", b"\n-> " + b"x" * 17_000 + b"\n\n->")),
        "hybrid_long_enc": age_file(with_enc(lambda enc: enc + b"\0")),
        "hybrid_low_order": age_file(with_enc(lambda enc: enc[:-32] + LOW_ORDER)),
        "hybrid_extra_argument": age_file(hybrid, change=swapped(b"mlkem768x25519 ", b"mlkem768x25519 1 ")),
        "hybrid_no_argument": age_file(lambda _: Stanza("mlkem768x25519", (), bytes(32))),
        "hybrid_body_not_canonical": age_file(hybrid, change=not_canonical),
        "hybrid_long_file_key": age_file(hybrid, key=os.urandom(24)),
        "x25519_low_order": age_file(with_share(LOW_ORDER)),
        "x25519_long_file_key": age_file(classic, key=os.urandom(24)),
        "scrypt_beside_x25519": age_file(scrypt, classic),
        "scrypt_work_factor_21": age_file(scrypt, change=swapped(b" 10\n", b" 21\n")),
        "scrypt_work_factor_plus": age_file(scrypt, change=swapped(b" 10\n", b" +10\n")),
        "scrypt_work_factor_zero": age_file(scrypt, change=swapped(b" 10\n", b" 0\n")),
        "scrypt_work_factor_overflow": age_file(scrypt, change=swapped(b" 10\n", b" 18446744073709551626\n")),
        "scrypt_extra_argument": age_file(scrypt, change=swapped(b" 10\n", b" 10 10\n")),
        "stanza_bad_start": age_file(classic, change=swapped(b"-> ", b"->\t")),
        "stanza_two_spaces": age_file(classic, change=swapped(b"-> ", b"->  ")),
        "stanza_not_ascii": age_file(classic, change=swapped(b"\n->", "\n-> é\n\n->".encode())),
        "mac_two_spaces": age_file(classic, change=swapped(b"---", b"--- ")),
        "stream_short_nonce": age_file(classic)[:-30],
    }


def bad_rest() -> dict[str, dict[str, bytes]]:
    """A MAC, payloads and armors that break one rule each."""
    file = age_file(classic)
    return {
        "HMAC failure": {"mac_of_another_header": file.replace(b"\n---", b"\n" + GREASE.encode() + b"---", 1)},
        "payload failure": {
            "stream_not_last": age_file(hybrid, payload=lambda key: chunk(key, TEXT, last=False)),
            "stream_changed": file[:-1] + bytes([file[-1] ^ 1]),
            "stream_only_a_tag_in_part": file[:-16],
            "stream_followed": file + b"\0",
        },
        "armor failure": {
            "armor_leading_text": b"Dear colleague,\n" + armored(file),
            "armor_no_end": armored(file).removesuffix(END),
            "armor_lower_case": armored(file).replace(b"AGE", b"age"),
            "armor_space_at_line_end": armored(file).replace(b"\nYW", b" \nYW", 1),
            "armor_two": armored(file) * 2,
            "armor_much_space_after": armored(file) + b" " * 2000,
        },
    }


def write(name: str, expect: str, file: bytes) -> None:
    """One vector: its head, an empty line, the file."""
    head = [f"expect: {expect}"]
    if expect in ("success", "payload failure"):
        plain = TEXT if expect == "success" and name != "stream_empty" else b""
        head.append(f"payload: {hashlib.sha256(plain).hexdigest()}")
    if name.startswith("scrypt"):
        head.append(f"passphrase: {PASSPHRASE}")
    head += [f"identity: {HYBRID.encode()}", f"identity: {CLASSIC.encode()}"]
    if len(file) > 8192:
        head, file = [*head, "compressed: zlib"], zlib.compress(file, 9)
    with (FOLDER / name).open("xb") as vector:
        vector.write("\n".join(head).encode() + b"\n\n" + file)


def main() -> None:
    """Write them all."""
    families = {"success": good(), "no match": no_match(), "header failure": bad_header()} | bad_rest()
    for expect, files in families.items():
        for name, file in files.items():
            write(name, expect, file)


if __name__ == "__main__":
    main()
