"""Whether an archive leads from a backup to its end: holes, timelines, the segment that is being written."""

from __future__ import annotations

import pytest

from deploy.archive import missing

FIRST = "0000000100000000000000FE"


def names(*numbers: int, timeline: int = 1) -> list[str]:
    return [f"{timeline:08X}{number // 256:08X}{number % 256:08X}" for number in numbers]


@pytest.mark.parametrize(
    "held",
    [
        [f"{FIRST}.partial"],
        [*names(0xFE, 0xFF, 0x100), f"{names(0x101)[0]}.partial"],
        [*names(0xFE), f"{names(0xFF)[0]}.partial", "00000002.history", *names(0xFF, 0x100, timeline=2)],
        # The older timeline goes on: what a former primary wrote that nobody was told of.
        [*names(0xFE, 0xFF, 0x100, 0x101), f"{names(0x100, timeline=2)[0]}.partial"],
        [*names(0x10), *names(0xFE)],
    ],
    ids=["one", "over the end of a file of 256", "a new timeline", "left behind", "older ones"],
)
def test_whole(held: list[str]) -> None:
    assert missing(FIRST, held) is None


@pytest.mark.parametrize(
    ("held", "lacks"),
    [
        ([], FIRST),
        (names(0xFF, 0x100), FIRST),
        (names(0xFE, 0xFF, timeline=2), FIRST),
        (names(0xFE, 0x100), names(0xFF)[0]),
        ([*names(0xFE), f"{names(0xFF)[0]}.partial", *names(0x100, timeline=2)], names(0xFF, timeline=2)[0]),
        ([*names(0xFE), *names(0x100, timeline=2)], names(0xFF, timeline=2)[0]),
    ],
    ids=["empty", "begun later", "begun anew", "a hole", "half a segment amid", "a hole before a new timeline"],
)
def test_a_hole_is_named(held: list[str], lacks: str) -> None:
    assert missing(FIRST, held) == lacks
