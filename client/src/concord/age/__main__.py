"""`python -m concord.age`: speaks like the `age` tool, for interoperation and recovery.

Owns the arguments, the files and the messages. Refuses to leave an output under its name before it is whole and
verified, and a passphrase as an argument.

    python -m concord.age keygen -o key.txt
    python -m concord.age -r age1pq1… -o letter.age letter.pdf
    python -m concord.age -d -i key.txt -o letter.pdf letter.age
"""

from __future__ import annotations

import argparse
import contextlib
import getpass
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from . import (
    AgeError,
    HybridIdentity,
    Identity,
    Recipient,
    ScryptIdentity,
    ScryptRecipient,
    X25519Identity,
    decrypt,
    encrypt,
    parse_identities,
    parse_recipient,
    parse_recipients,
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it; 0, or 1 with `error:` and perhaps `hint:` on standard error."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        if words[:1] == ["keygen"]:
            _keygen(_keygen_parser().parse_args(words[1:]))
        else:
            _crypt(_parser().parse_args(words))
    except AgeError as error:
        return _failed(str(error), _HINTS.get(type(error).__name__, ""))
    except UnicodeDecodeError:
        return _failed("a key file is not text", "")
    except OSError as error:
        return _failed(f"{error.filename or 'file'}: {error.strerror}", "")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="concord.age", description="Encrypt and decrypt age files.")
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
    parser = argparse.ArgumentParser(prog="concord.age keygen", description="Make an identity.")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="default: standard output")
    parser.add_argument("-y", dest="convert", action="store_true", help="print the recipients of an identity file")
    parser.add_argument("--x25519", action="store_true", help="a classical identity, for older tools")
    parser.add_argument("input", nargs="?", type=Path, help="with -y; default: standard input")
    return parser


def _keygen(options: argparse.Namespace) -> None:
    if options.convert:
        text = options.input.read_text() if options.input else sys.stdin.read()
        lines = [str(identity.recipient()) for identity in parse_identities(text)]
    else:
        identity = X25519Identity.generate() if options.x25519 else HybridIdentity.generate()
        made = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        lines = [f"# created: {made}", f"# public key: {identity.recipient()}", identity.encode()]
    with _output(options.output, overwrite=False) as target:
        target.write(("\n".join(lines) + "\n").encode("ascii"))


def _crypt(options: argparse.Namespace) -> None:
    if options.encrypt and options.decrypt:
        raise AgeError("-e and -d exclude each other")
    keys = _identities(options) if options.decrypt else _recipients(options)  # asked for before the output is made
    with _input(options.input) as source, _output(options.output) as target:
        if options.decrypt:
            decrypt(source, target, keys)  # type: ignore[arg-type]  # identities, as asked for above
        else:
            encrypt(source, target, keys, armor=options.armor)  # type: ignore[arg-type]


def _recipients(options: argparse.Namespace) -> list[Recipient]:
    recipients: list[Recipient] = [parse_recipient(text) for text in options.recipient]
    for path in options.recipients_file:
        recipients += parse_recipients(path.read_text())
    for path in options.identity:
        recipients += [identity.recipient() for identity in parse_identities(path.read_text())]
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
        identities += parse_identities(path.read_text())
    if not identities or options.passphrase or options.passphrase_file:
        identities.append(ScryptIdentity(_passphrase(options, twice=False)))
    return identities


def _passphrase(options: argparse.Namespace, *, twice: bool) -> str:
    if options.passphrase_file:
        return str(options.passphrase_file.read_text().rstrip("\r\n"))
    if not sys.stdin.isatty():
        raise AgeError("a passphrase is needed: give --passphrase-file, or -i for an identity")
    given = getpass.getpass("Passphrase: ")
    if twice and getpass.getpass("Again: ") != given:
        raise AgeError("the two passphrases differ")
    return given


@contextlib.contextmanager
def _input(path: Path | None) -> Iterator[BinaryIO]:
    if path is None or str(path) == "-":
        yield sys.stdin.buffer
        return
    with path.open("rb") as source:
        yield source


@contextlib.contextmanager
def _output(path: Path | None, *, overwrite: bool = True) -> Iterator[BinaryIO]:
    """Standard output, or a file that gets its name only when everything went well."""
    if path is None or str(path) == "-":
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    if not overwrite and path.exists():
        raise AgeError(f"{path} is there already; it may be the only copy of a key")
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as temporary:
        try:
            yield temporary  # type: ignore[misc]  # a wrapper that is a BinaryIO in all but name
            temporary.flush()
            os.fsync(temporary.fileno())
            Path(temporary.name).replace(path)
        except BaseException:
            Path(temporary.name).unlink(missing_ok=True)
            raise


def _failed(message: str, hint: str) -> int:
    print(f"error: {message}", file=sys.stderr)  # noqa: T201 - this is a command
    if hint:
        print(f"hint: {hint}", file=sys.stderr)  # noqa: T201
    return 1


_HINTS = {
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
