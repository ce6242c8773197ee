"""Bech32 (BIP 173), the text form of age's recipients and identities.

Owns encoding and decoding. Refuses BIP 173's limit of 90 characters, as age does: a hybrid recipient is longer.
"""

from __future__ import annotations

from .errors import KeyFormatError

_CHARSET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_GENERATORS = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_CHECKSUM_SYMBOLS = 6


def encode(prefix: str, data: bytes) -> str:
    """The Bech32 text of `data`, in lower case."""
    symbols = _regroup(data, 8, 5, pad=True)
    return prefix + "1" + "".join(_CHARSET[s] for s in symbols + _checksum(prefix, symbols))


def decode(text: str) -> tuple[str, bytes]:
    """Prefix (in lower case) and data. Raises `KeyFormatError`."""
    if not text.isascii():  # some letters beyond ASCII turn into ASCII in lower case
        raise KeyFormatError("not Bech32")
    if text not in (text.lower(), text.upper()):
        raise KeyFormatError("mixed upper and lower case")
    prefix, separator, rest = text.lower().rpartition("1")
    if not separator or not prefix or any(not 33 <= ord(character) <= 126 for character in prefix):
        raise KeyFormatError("not Bech32")
    symbols = [_CHARSET.find(character) for character in rest]
    if -1 in symbols or len(symbols) < _CHECKSUM_SYMBOLS or _polymod(_expand(prefix) + symbols) != 1:
        raise KeyFormatError("a character is wrong: the checksum does not fit")
    return prefix, bytes(_regroup(symbols[:-_CHECKSUM_SYMBOLS], 5, 8, pad=False))


def _checksum(prefix: str, symbols: list[int]) -> list[int]:
    value = _polymod(_expand(prefix) + symbols + [0] * _CHECKSUM_SYMBOLS) ^ 1
    return [(value >> 5 * (5 - i)) & 31 for i in range(_CHECKSUM_SYMBOLS)]


def _expand(prefix: str) -> list[int]:
    return [ord(c) >> 5 for c in prefix] + [0] + [ord(c) & 31 for c in prefix]


def _polymod(values: list[int]) -> int:
    checksum = 1
    for value in values:
        top = checksum >> 25
        checksum = (checksum & 0x1FFFFFF) << 5 ^ value
        for i, generator in enumerate(_GENERATORS):
            checksum ^= generator if (top >> i) & 1 else 0
    return checksum


def _regroup(values: bytes | list[int], width: int, to: int, *, pad: bool) -> list[int]:
    accumulator, bits, result = 0, 0, []
    for value in values:
        accumulator = (accumulator << width | value) & 0xFFFFFF
        bits += width
        while bits >= to:
            bits -= to
            result.append(accumulator >> bits & ((1 << to) - 1))
    rest = accumulator << (to - bits) & ((1 << to) - 1)
    if pad and bits:
        result.append(rest)
    elif not pad and (bits >= width or rest):
        raise KeyFormatError("not Bech32: left-over bits")
    return result
