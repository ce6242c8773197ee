"""`python -m concord.age`: speaks like the `age` tool, for interoperation and recovery.

Owns the arguments and the messages. Refuses a passphrase as an argument, where every other process could read it.

    python -m concord.age keygen -o key.txt
    python -m concord.age -r age1pq1… -o letter.age letter.pdf
    python -m concord.age -d -i key.txt -o letter.pdf letter.age
"""

from __future__ import annotations

import argparse
import getpass
import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

from . import (
    AgeError,
    HybridIdentity,
    Identity,
    Recipient,
    ScryptIdentity,
    ScryptRecipient,
    X25519Identity,
    decrypt,
    decrypt_bytes,
    encrypt,
    parse_identities,
    parse_recipient,
    parse_recipients,
)
from .armor import MARK
from .header import VERSION_LINE
from .places import STANDARD, open_input, open_output, read_key_file


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Refuse wrong usage the way everything else is refused, with status 1."""
        raise AgeError(f"{message} (see --help)")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it; 0, or 1 with `error:` and perhaps `hint:` on standard error."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        if words[:1] == ["keygen"]:
            _keygen(_keygen_parser().parse_args(words[1:]))
        else:
            _crypt(_parser().parse_args(words))
    except BrokenPipeError:
        # Whoever read our output has gone. Without this, the interpreter would complain again when it flushes.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (AgeError, UnicodeDecodeError, OSError, MemoryError) as error:
        return _failed(_told(error), _HINTS.get(type(error).__name__, ""))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="concord.age", description="Encrypt and decrypt age files.")
    parser.add_argument("-e", "--encrypt", action="store_true", help="encrypt (the default)")
    parser.add_argument("-d", "--decrypt", action="store_true", help="decrypt")
    parser.add_argument("-r", "--recipient", action="append", default=[], metavar="RECIPIENT")
    parser.add_argument("-R", "--recipients-file", action="append", default=[], type=Path, metavar="FILE")
    parser.add_argument("-i", "--identity", action="append", default=[], type=Path, metavar="FILE")
    parser.add_argument("-p", "--passphrase", action="store_true", help="ask for a passphrase")
    parser.add_argument("--passphrase-file", type=Path, metavar="FILE", help="read the passphrase from a file")
    parser.add_argument("-a", "--armor", action="store_true", help="write text")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="default: standard output")
    parser.add_argument("input", nargs="?", type=Path, help="default: standard input")
    return parser


def _keygen_parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="concord.age keygen", description="Make an identity.")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="default: standard output")
    parser.add_argument("-y", dest="convert", action="store_true", help="print the recipients of an identity file")
    parser.add_argument("--x25519", action="store_true", help="a classical identity, for older tools")
    parser.add_argument("input", nargs="?", type=Path, help="with -y; default: standard input")
    return parser


def _keygen(options: argparse.Namespace) -> None:
    if options.convert:
        text = read_key_file(options.input or STANDARD).decode("utf-8")
        lines = [str(identity.recipient()) for identity in parse_identities(text)]
    else:
        identity = X25519Identity.generate() if options.x25519 else HybridIdentity.generate()
        made = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        lines = [f"# created: {made}", f"# public key: {identity.recipient()}", identity.encode()]
    with open_output(options.output, overwrite=False) as target:
        target.write(("\n".join(lines) + "\n").encode("ascii"))


def _crypt(options: argparse.Namespace) -> None:
    if options.encrypt and options.decrypt:
        raise AgeError("-e and -d exclude each other")
    _check_standard_streams(options)
    keys = _identities(options) if options.decrypt else _recipients(options)  # asked for before the output is made
    with open_input(options.input) as source, open_output(options.output) as target:
        if options.decrypt:
            decrypt(source, target, keys)  # type: ignore[arg-type]  # identities, as asked for above
        else:
            encrypt(source, target, keys, armor=options.armor)  # type: ignore[arg-type]


def _recipients(options: argparse.Namespace) -> list[Recipient]:
    recipients: list[Recipient] = [parse_recipient(text) for text in options.recipient]
    for path in options.recipients_file:
        recipients += parse_recipients(read_key_file(path).decode("utf-8"))
    for path in options.identity:
        recipients += [identity.recipient() for identity in parse_identities(_identity_text(path, options))]
    if options.passphrase or options.passphrase_file:
        recipients.append(ScryptRecipient(_passphrase(options, twice=True)))
    if not recipients:
        raise AgeError("no recipient: give -r, -R or a passphrase")
    return recipients


def _identities(options: argparse.Namespace) -> list[Identity]:
    if options.recipient or options.recipients_file or options.armor:
        raise AgeError("-r, -R and -a are for encryption; a decryption takes -i or a passphrase")
    identities: list[Identity] = []
    for path in options.identity:
        identities += parse_identities(_identity_text(path, options))
    if not identities or options.passphrase or options.passphrase_file:
        identities.append(ScryptIdentity(_passphrase(options, twice=False)))
    return identities


def _identity_text(path: Path, options: argparse.Namespace) -> str:
    """What an identity file says; it may itself be an age file under a passphrase, as with `age`."""
    content = read_key_file(path)
    if content.startswith((VERSION_LINE, MARK)):
        content = decrypt_bytes(content, [ScryptIdentity(_passphrase(options, twice=False))])
    return content.decode("utf-8")


def _check_standard_streams(options: argparse.Namespace) -> None:
    paths = [options.input or STANDARD, options.passphrase_file, *options.identity, *options.recipients_file]
    if paths.count(STANDARD) > 1:
        raise AgeError("standard input can be read only once: name a file for the others")
    if not options.decrypt and not options.armor and options.output is None and sys.stdout.isatty():
        raise AgeError("an encrypted file would garble the terminal: give -a for text, or -o for a file")


def _passphrase(options: argparse.Namespace, *, twice: bool) -> str:
    if options.passphrase_file:
        return read_key_file(options.passphrase_file).decode("utf-8").rstrip("\r\n")
    if not sys.stdin.isatty():
        raise AgeError("a passphrase is needed: give --passphrase-file, or -i for an identity")
    given = getpass.getpass("Passphrase: ")
    if twice and getpass.getpass("Again: ") != given:
        raise AgeError("the two passphrases differ")
    return given


def _told(error: Exception) -> str:
    if isinstance(error, OSError):
        return f"{error.filename or 'file'}: {error.strerror or error}"
    if isinstance(error, UnicodeDecodeError):  # its own text would quote the file
        return "a key file is not text"
    if isinstance(error, MemoryError):
        return "there is not enough memory for this passphrase's work factor"
    return str(error)


def _failed(message: str, hint: str) -> int:
    print(f"error: {message}", file=sys.stderr)  # noqa: T201 - this is a command
    if hint:
        print(f"hint: {hint}", file=sys.stderr)  # noqa: T201
    return 1


_HINTS = {
    "MemoryError": "close other programs and try again",
    "NoMatchError": "give the identity that the file was encrypted to, with -i",
    "WrongPassphraseError": "check the keyboard and try again",
    "HeaderError": "is this an age file, and did all of it arrive?",
    "HeaderMacError": "the file was changed after it was written; ask for it again",
    "PayloadError": "the file was changed or cut short; ask for it again",
    "ArmorError": "copy the text again, from BEGIN to END",
    "KeyFormatError": "recipients begin with age1, identities with AGE-SECRET-KEY-",
}


if __name__ == "__main__":
    sys.exit(main())
