"""`python -m concord.age`: speaks like `age`, tells what is wrong, and leaves no output that is not verified."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from concord.age import HybridIdentity, X25519Identity, decrypt_bytes, encrypt_bytes, parse_identity
from concord.age.__main__ import main

PLAIN = b"a letter\n" * 20_000


@pytest.fixture
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a key, its recipient, a passphrase and a plaintext; it is the working directory."""
    monkeypatch.chdir(tmp_path)
    identity = HybridIdentity.generate()
    Path("key.txt").write_text(f"# mine\n{identity.encode()}\n")
    Path("recipient.txt").write_text(f"{identity.recipient()}\n")
    Path("passphrase").write_text("a small boat\n")
    Path("plain").write_bytes(PLAIN)
    return tmp_path


def names(room: Path) -> set[str]:
    return {path.name for path in room.iterdir()}


@pytest.fixture
def piped(monkeypatch: pytest.MonkeyPatch) -> Callable[[bytes], None]:
    """Puts bytes on standard input."""

    def put(content: bytes) -> None:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))

    return put


@pytest.mark.parametrize("armor", [[], ["-a"]])
def test_a_file_goes_there_and_back(room: Path, armor: list[str]) -> None:
    assert main(["-R", "recipient.txt", *armor, "-o", "sealed", "plain"]) == 0
    assert Path("sealed").read_bytes().startswith(b"-----BEGIN" if armor else b"age-encryption.org/v1\n")
    assert main(["-d", "-i", "key.txt", "-o", "opened", "sealed"]) == 0
    assert Path("opened").read_bytes() == PLAIN


def test_a_recipient_can_be_an_argument_and_an_identity_its_own_recipient(room: Path) -> None:
    assert main(["-r", Path("recipient.txt").read_text().strip(), "-o", "one", "plain"]) == 0
    assert main(["-e", "-i", "key.txt", "-o", "two", "plain"]) == 0
    for sealed in ("one", "two"):
        assert decrypt_bytes(Path(sealed).read_bytes(), [parse_identity(key())]) == PLAIN


def key() -> str:
    return Path("key.txt").read_text().splitlines()[1]


def test_standard_input_and_output_are_the_default_and_a_dash(room: Path) -> None:
    line = [sys.executable, "-m", "concord.age"]
    sealed = subprocess.run([*line, "-R", "recipient.txt", "-o", "-"], input=PLAIN, capture_output=True, check=True)
    opened = subprocess.run([*line, "-d", "-i", "key.txt", "-"], input=sealed.stdout, capture_output=True, check=True)
    assert (opened.stdout, opened.stderr) == (PLAIN, b"")


def test_a_passphrase_comes_from_a_file(room: Path) -> None:
    assert main(["--passphrase-file", "passphrase", "-a", "-o", "sealed", "plain"]) == 0
    assert main(["-d", "--passphrase-file", "passphrase", "-o", "opened", "sealed"]) == 0
    assert Path("opened").read_bytes() == PLAIN


def test_an_identity_file_may_itself_be_under_a_passphrase(room: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--passphrase-file", "passphrase", "-o", "key.age", "key.txt"]) == 0
    assert main(["-R", "recipient.txt", "-o", "sealed", "plain"]) == 0
    assert main(["-d", "-i", "key.age", "--passphrase-file", "passphrase", "-o", "opened", "sealed"]) == 0
    assert Path("opened").read_bytes() == PLAIN


def test_keygen_makes_a_hybrid_identity_that_only_its_owner_reads(
    room: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    assert main(["keygen", "-o", "new.txt"]) == 0
    assert Path("new.txt").stat().st_mode & 0o777 == 0o600
    made = parse_identity(Path("new.txt").read_text().splitlines()[-1])
    assert isinstance(made, HybridIdentity)
    assert main(["keygen", "-y", "new.txt"]) == 0
    assert capfdbinary.readouterr().out.decode() == f"{made.recipient()}\n"


def test_keygen_makes_an_x25519_identity_for_older_tools(room: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert main(["keygen", "--x25519"]) == 0
    assert isinstance(parse_identity(capfdbinary.readouterr().out.decode().splitlines()[-1]), X25519Identity)


def test_keygen_never_writes_over_a_key(room: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = Path("key.txt").read_bytes()
    assert main(["keygen", "-o", "key.txt"]) == 1
    assert Path("key.txt").read_bytes() == before
    assert "only copy" in capsys.readouterr().err


@pytest.mark.parametrize("damage", ["cut", "changed", "extended", "other key", "armor"])
def test_a_plaintext_that_is_not_verified_never_gets_its_name(
    room: Path, damage: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also the first chunks, which did verify: what was there before stays, and nothing else is left behind."""
    recipient = parse_identity(key() if damage != "other key" else HybridIdentity.generate().encode()).recipient()
    file = encrypt_bytes(PLAIN, [recipient], armor=damage == "armor")
    damaged = {"cut": file[:-1], "changed": file[:-1] + bytes([file[-1] ^ 1]), "extended": file + b"\0"}
    Path("sealed").write_bytes(damaged.get(damage, file[:-40] if damage == "armor" else file))
    Path("opened").write_bytes(b"what was there")
    before = names(room)
    assert main(["-d", "-i", "key.txt", "-o", "opened", "sealed"]) == 1
    assert Path("opened").read_bytes() == b"what was there"
    assert names(room) == before
    said = capsys.readouterr().err
    assert said.startswith("error: ")
    assert "\nhint: " in said


def test_a_device_or_a_pipe_is_written_to_and_not_replaced(room: Path) -> None:
    os.mkfifo("pipe")
    got: list[bytes] = []
    reader = threading.Thread(target=lambda: got.append(Path("pipe").read_bytes()), daemon=True)
    reader.start()
    assert main(["-R", "recipient.txt", "-o", "pipe", "plain"]) == 0
    reader.join(timeout=30)
    assert Path("pipe").is_fifo()
    assert decrypt_bytes(got[0], [parse_identity(key())]) == PLAIN


def test_a_link_keeps_pointing_where_it_pointed(room: Path) -> None:
    Path("link").symlink_to("target")
    assert main(["-R", "recipient.txt", "-o", "link", "plain"]) == 0
    assert Path("link").is_symlink()
    assert Path("target").read_bytes().startswith(b"age-encryption.org/v1\n")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (["plain"], "no recipient"),
        (["-r", "age1nobody", "plain"], "checksum"),
        (["-R", "missing", "plain"], "missing: No such file"),
        (["-R", "recipient.txt", "missing"], "missing: No such file"),
        (["-R", "recipient.txt", "--passphrase-file", "passphrase", "plain"], "stands alone"),
        (["-d", "-e", "-i", "key.txt", "plain"], "exclude each other"),
        (["-d", "-a", "-i", "key.txt", "plain"], "for encryption"),
        (["-d", "-i", "key.txt", "plain"], "not an age file"),
        (["-d", "-i", "plain", "plain"], "line 1"),
        (["-d", "-i", "noise", "plain"], "not text"),
        (["-d", "-i", "-", "-"], "only once"),
        (["--passphrase-file", "empty", "plain"], "empty passphrase"),
        (["--no-such-option"], "no-such-option"),
        (["keygen", "-y", "recipient.txt"], "line 1"),
    ],
)
def test_what_is_wrong_is_told_with_status_1(
    room: Path, line: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("noise").write_bytes(b"\xff\xfe\xfd")
    Path("empty").write_bytes(b"\n")
    before = names(room)
    assert main([*line, "-o", "out"] if line[0] != "--no-such-option" else line) == 1
    said = capsys.readouterr().err
    assert said.startswith("error: ")
    assert message in said
    assert names(room) == before


def test_a_secret_given_in_the_wrong_place_is_not_repeated(room: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["-r", key(), "-o", "out", "plain"]) == 1
    Path("broken.txt").write_text(key()[:-1] + "\n")
    assert main(["-d", "-i", "broken.txt", "plain"]) == 1
    assert key()[20:-1] not in capsys.readouterr().err


def test_a_key_may_come_on_standard_input(room: Path, piped: Callable[[bytes], None]) -> None:
    assert main(["-R", "recipient.txt", "-o", "sealed", "plain"]) == 0
    piped(Path("key.txt").read_bytes())
    assert main(["-d", "-i", "-", "-o", "opened", "sealed"]) == 0
    assert Path("opened").read_bytes() == PLAIN


def test_a_key_file_without_end_does_not_fill_the_memory(room: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["-d", "-i", "/dev/zero", "plain"]) == 1
    assert "too large" in capsys.readouterr().err


def test_a_reader_that_goes_away_ends_the_command_quietly(room: Path) -> None:
    Path("plain").write_bytes(os.urandom(4 << 20))
    command = [sys.executable, "-m", "concord.age", "-R", "recipient.txt", "plain"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.read(10)
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(timeout=30) == 1
