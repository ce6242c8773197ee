"""Hostile exports: refused as what they are, in bounded time, without a word of theirs in the message."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from concord import errors
from concord.account import bundle, verify
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.client.account.log import TOKEN, Log, encoded, event, small_log, to_text

LOG = small_log(2)
MEMBERS = LOG.members()


def changed(**members: Any) -> bytes:
    return encoded(MEMBERS | members)


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_noise_is_no_account(raw: bytes) -> None:
    with pytest.raises(errors.MalformedAccountError):
        verify(raw)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@settings(deadline=None)
@given(st.sampled_from(sorted(MEMBERS)), json_values)
def test_any_other_value_of_any_member_is_refused(member: str, value: object) -> None:
    if member == "made_at" and isinstance(value, str):
        return  # says nothing
    with pytest.raises(errors.AccountError):
        verify(changed(**{member: value}), key=LOG.vkey)


@settings(deadline=None)
@given(st.sampled_from(sorted(MEMBERS["lines"][0])), json_values)
def test_any_other_value_in_a_line_is_refused(member: str, value: object) -> None:
    line = MEMBERS["lines"][0] | {member: value}
    with pytest.raises(errors.AccountError):
        verify(changed(lines=[line, MEMBERS["lines"][1]]), key=LOG.vkey)


@pytest.mark.parametrize("missing", sorted(MEMBERS))
def test_a_member_that_is_missing_is_named(missing: str) -> None:
    with pytest.raises(errors.MalformedAccountError) as caught:
        verify(encoded({name: value for name, value in MEMBERS.items() if name != missing}))
    assert (caught.value.element, caught.value.message) == (missing, f"{missing}: is missing")


def test_an_unknown_member_is_refused_and_not_repeated() -> None:
    with pytest.raises(errors.MalformedAccountError) as caught:
        verify(changed(**{"\x1b[2J": 1}))
    assert "\x1b" not in caught.value.message


def test_a_member_that_stands_twice_is_refused() -> None:
    raw = changed().decode()
    for place in (1, raw.index('{"n":1') + 1):
        twice = raw[:place] + '"last":2,' * 2 + raw[place:]
        with pytest.raises(errors.MalformedAccountError):
            verify(twice.encode())


@pytest.mark.parametrize("depth", [1_000, 1_000_000])
@pytest.mark.parametrize("around", ["[", '{"a":'])
def test_json_of_any_depth_is_refused(depth: int, around: str) -> None:
    close = "]" if around == "[" else "1}"
    for raw in (around * depth, around * depth + close * depth):
        with pytest.raises(errors.MalformedAccountError):
            verify(raw.encode())


@pytest.mark.parametrize("number", ["1e400", "NaN", "-Infinity", "1" + "0" * 5000, "2.0", str(2**62 + 1)])
@pytest.mark.parametrize("member", ["last", "index", "n"])
def test_numbers_beyond_all_bounds_are_refused(member: str, number: str) -> None:
    raw = changed().decode()
    start = raw.index(f'"{member}":') + len(member) + 3
    end = min(raw.index(each, start) for each in ",}" if each in raw[start:])
    with pytest.raises(errors.AccountError):
        verify((raw[:start] + number + raw[end:]).encode(), key=LOG.vkey)


def test_a_proof_longer_than_any_tree_is_refused() -> None:
    line = MEMBERS["lines"][0] | {"proof": [to_text(b"x" * 32)] * 64}
    with pytest.raises(errors.MalformedAccountError):
        verify(changed(lines=[line, MEMBERS["lines"][1]]), key=LOG.vkey)


def test_a_file_beyond_the_bound_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundle, "MAX_BUNDLE_BYTES", len(changed()) - 1)
    with pytest.raises(errors.MalformedAccountError, match="longer"):
        verify(changed())


EVENT = json.loads(event(1))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[" * 5000,
        json.dumps(EVENT | {"type": "care.concord.consent.revoked.v1"}),
        json.dumps(EVENT | {"data": []}),
        json.dumps(EVENT | {"data": EVENT["data"] | {"at": "0001-01-01T00:00:00+14:00"}}),
        json.dumps(EVENT | {"data": EVENT["data"] | {"at": "9999-12-31T23:59:59-12:00"}}),
        json.dumps(EVENT | {"data": EVENT["data"] | {"recipient": "everybody"}}),
        json.dumps(EVENT | {"data": EVENT["data"] | {"purpose": "=cmd|'/c calc'!A1"}}),
        json.dumps(EVENT | {"data": EVENT["data"] | {"n": True}}),
        event(1)[:-1] + ',"data":{}}',
    ],
)
def test_an_event_that_says_nothing_usable_names_its_line_even_when_it_is_in_the_log(text: str) -> None:
    log = Log()
    log.append(text="x")
    log.lines[0].event = text
    with pytest.raises(errors.MalformedAccountError, match="line 1"):
        verify(log.export(), key=log.vkey)


def test_an_event_that_is_no_unicode_is_refused() -> None:
    lines = [MEMBERS["lines"][0] | {"event": "\ud800"}, MEMBERS["lines"][1]]
    with pytest.raises(errors.MalformedAccountError):
        verify(changed(lines=lines), key=LOG.vkey)


def test_words_of_a_later_version_are_kept_as_they_came() -> None:
    log = Log()
    log.append(kind="forwarded", sensitivity=["later-label"], something={"new": [1.5]})
    (line,) = verify(log.export(), key=log.vkey).events
    assert (line.kind, line.sensitivity) == ("forwarded", ("later-label",))


def test_a_hundred_thousand_lines_cost_bounded_time() -> None:
    line = {"n": 1, "index": 0, "leaf": to_text(b"x" * 32), "proof": [to_text(b"x" * 32)]}
    raw = encoded(LOG.members() | {"lines": [line | {"n": n + 1, "index": n} for n in range(100_000)]})
    start = time.process_time()
    with pytest.raises(errors.CountError, match="line 100000 is beyond"):
        verify(raw, key=LOG.vkey)
    assert time.process_time() - start < 10


def test_an_account_of_thousands_of_lines_verifies_in_bounded_time() -> None:
    log = Log()
    text = event(1)
    for n in range(1, 3001):
        log.append(n=n, text=text.replace('"n":1}', f'"n":{n}}}'))
    raw = log.export(blinded=frozenset(range(1, 2000)))
    start = time.process_time()
    account = verify(raw, key=log.vkey)
    assert time.process_time() - start < 10
    assert (len(account.lines), account.blinded, account.patient) == (3000, 1999, TOKEN)
