"""The texts and values of keys: published pairs, round trips, refusals that keep the secret to themselves."""

from __future__ import annotations

import hashlib

import pytest
from concord.age import (
    HybridIdentity,
    HybridRecipient,
    KeyFormatError,
    ScryptIdentity,
    ScryptRecipient,
    X25519Identity,
    X25519Recipient,
    bech32,
    encrypt_bytes,
    parse_identities,
    parse_identity,
    parse_recipient,
    parse_recipients,
)
from hypothesis import given
from hypothesis import strategies as st

CLASSIC_TEXT = "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX"
HYBRID_TEXT = "AGE-SECRET-KEY-PQ-1XX76JRALNLXDMEW0CRK45QMCCH4X06SE84UN3VPM33W6HWDX0H3SK3ZQFR"
seeds = st.binary(min_size=32, max_size=32)


def test_the_pairs_of_the_age_specification_belong_together() -> None:
    """C2SP age prints one pair for each type; the hybrid recipient has 1,958 characters and stands here as its hash."""
    classic, hybrid = parse_identity(CLASSIC_TEXT), parse_identity(HYBRID_TEXT)
    assert str(classic.recipient()) == "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj"
    digest = hashlib.sha256(str(hybrid.recipient()).encode()).hexdigest()
    assert digest == "a091dd7e0ee9d62b75173dcc98441a0424baa941e66a8776e570a4ae60ff61ea"


def test_an_x25519_recipient_is_the_public_key_of_rfc_7748() -> None:
    """RFC 7748, section 6.1: Alice's keys."""
    secret = bytes.fromhex("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a")
    public = bytes.fromhex("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a")
    assert X25519Identity(secret).recipient().public == public


@given(seeds)
def test_identities_and_recipients_survive_their_text(seed: bytes) -> None:
    for identity in (HybridIdentity.from_seed(seed), X25519Identity(seed)):
        again = parse_identity(identity.encode())
        assert again.encode() == identity.encode()
        assert parse_recipient(str(identity.recipient())) == again.recipient()
        assert len({identity.recipient(), again.recipient()}) == 1
    assert HybridIdentity.from_seed(seed).seed == seed


@given(st.from_regex(r"[a-z0-9-]{1,20}", fullmatch=True), st.binary(max_size=1300))
def test_bech32_survives_its_text(prefix: str, data: bytes) -> None:
    assert bech32.decode(bech32.encode(prefix, data)) == (prefix, data)


@given(st.data())
def test_one_wrong_character_is_noticed(data: st.DataObject) -> None:
    """The checksum of BIP 173 finds every single substitution, anywhere."""
    text = bech32.encode("age", bytes(range(32)))
    place = data.draw(st.integers(len("age1"), len(text) - 1))
    other = data.draw(st.sampled_from("qpzry9x8gf2tvdw0s3jn54khce6mua7l").filter(lambda c: c != text[place]))
    with pytest.raises(KeyFormatError):
        bech32.decode(text[:place] + other + text[place + 1 :])


@pytest.mark.parametrize(
    "text",
    [
        "A12UEL5L",
        "an83characterlonghumanreadablepartthatcontainsthenumber1andtheexcludedcharactersbio1tt5tgs",
        "?1ezyfcl",
    ],
)
def test_the_valid_strings_of_bip_173_are_read(text: str) -> None:
    assert bech32.decode(text)[1] == b""


@pytest.mark.parametrize(
    "text",
    [
        *("", "1", "10a06t8", "1qzzfhee", "A1G7SGD8", "pzry9x0s0muk", "x1b4n0q5v", "li1dgmt3", "A12uEL5L"),
        *("de1lg7wt\xff", "\x201nwldj5", "\x7f1axkwrx", "\x801eym55h", "A12UEL5\N{KELVIN SIGN}"),
    ],
)
def test_the_invalid_strings_of_bip_173_are_refused(text: str) -> None:
    with pytest.raises(KeyFormatError):
        bech32.decode(text)


def test_a_letter_beyond_ascii_is_not_taken_for_one_within() -> None:
    """The Kelvin sign is a K to `lower`, which would give one key several texts."""
    with pytest.raises(KeyFormatError):
        parse_identity(HYBRID_TEXT.replace("K", "\N{KELVIN SIGN}"))


def test_recipients_are_in_lower_case_and_identities_in_upper_case() -> None:
    recipient = str(parse_identity(CLASSIC_TEXT).recipient())
    for parse, text in ((parse_recipient, recipient.upper()), (parse_identity, HYBRID_TEXT.lower())):
        with pytest.raises(KeyFormatError):
            parse(text)


@pytest.mark.parametrize("data", [bytes(31), bytes(33), b""])
def test_a_key_of_another_length_is_refused(data: bytes) -> None:
    for prefix in ("age", "age1pq"):
        with pytest.raises(KeyFormatError):
            parse_recipient(bech32.encode(prefix, data))
    for prefix in ("age-secret-key-", "age-secret-key-pq-"):
        with pytest.raises(KeyFormatError):
            parse_identity(bech32.encode(prefix, data).upper())


def test_a_recipient_that_holds_no_key_is_refused() -> None:
    """ML-KEM's encapsulation keys are checked (FIPS 203, section 7.2); a Curve25519 point of low order helps nobody."""
    lattice = HybridIdentity.generate().recipient().public[:1184]
    with pytest.raises(KeyFormatError):
        HybridRecipient(b"\xff" * 1216)
    for recipient in (X25519Recipient(bytes(32)), HybridRecipient(lattice + bytes(32))):
        with pytest.raises(KeyFormatError, match="low order"):
            encrypt_bytes(b"", [recipient])


def test_a_key_file_has_comments_and_empty_lines_and_an_error_names_the_line() -> None:
    text = f"# mine\n\n{HYBRID_TEXT}\r\n  {CLASSIC_TEXT}  \n"
    assert [identity.encode() for identity in parse_identities(text)] == [HYBRID_TEXT, CLASSIC_TEXT]
    recipients = "".join(f"{identity.recipient()}\n" for identity in parse_identities(text))
    assert parse_recipients(recipients) == [identity.recipient() for identity in parse_identities(text)]
    with pytest.raises(KeyFormatError, match="line 3"):
        parse_identities(text.replace("PQ-1X", "PQ-1Z"))


@pytest.mark.parametrize("text", [HYBRID_TEXT[:-1], HYBRID_TEXT[:-1] + "Q", f"{CLASSIC_TEXT} x", HYBRID_TEXT.title()])
def test_an_error_never_quotes_an_identity(text: str) -> None:
    for parse in (parse_identity, parse_recipient, parse_identities, parse_recipients):
        with pytest.raises(KeyFormatError) as caught:
            parse(text)
        assert text[-20:].upper() not in str(caught.value).upper()


def test_no_secret_shows_in_what_is_printed() -> None:
    passphrase = "correct horse"
    hybrid, classic = parse_identity(HYBRID_TEXT), parse_identity(CLASSIC_TEXT)
    for keeper in (hybrid, classic, ScryptIdentity(passphrase), ScryptRecipient(passphrase)):
        shown = f"{keeper} {keeper!r}"
        for secret in (HYBRID_TEXT[20:], CLASSIC_TEXT[20:], passphrase, str(bech32.decode(HYBRID_TEXT)[1])):
            assert secret not in shown


@pytest.mark.parametrize("work_factor", [0, -1, 21])
def test_a_passphrase_recipient_asks_for_work_that_can_be_done_again(work_factor: int) -> None:
    with pytest.raises(KeyFormatError):
        ScryptRecipient("secret", work_factor=work_factor)


def test_an_empty_passphrase_is_refused() -> None:
    with pytest.raises(KeyFormatError):
        ScryptRecipient("")
