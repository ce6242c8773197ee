"""The `.env` file beside docker-compose.yml, read as compose reads it.

Owns its reading: quotes and comments are no part of a value; and `make up`'s look for misspelt names. Refuses
interpolation, which compose does by itself.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# How alike two names are that one is taken for the other misspelt; an operator's own names for their own files are not.
ALIKE = 0.8


def main() -> None:
    """Exit with status 1 when a name in `.env` is misspelt: compose would ignore it, and take the default."""
    for wrong, meant in misspelt(read_env(ROOT / ".env"), ROOT / ".env.example"):
        sys.exit(f"error: .env: {wrong}: no such setting\nhint: did you mean {meant}?")


def misspelt(names: Iterable[str], example: Path) -> Iterator[tuple[str, str]]:
    """Names that stand nowhere in the example and look like one that does, each with that one."""
    known = re.findall(r"^#?([A-Z_]+)=", example.read_text(encoding="utf-8"), re.MULTILINE)
    for name in names:
        if name not in known and (near := get_close_matches(name.upper(), known, n=1, cutoff=ALIKE)):
            yield name, near[0]


def read_env(path: Path) -> dict[str, str]:
    """The lines NAME=VALUE of a `.env` file; empty when there is none."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    pairs = (line.split("=", 1) for line in lines if "=" in line and not line.lstrip().startswith("#"))
    return {name.strip().removeprefix("export "): _value(value.strip()) for name, value in pairs}


def _value(text: str) -> str:
    """What stands between matching quotes, else everything up to a comment."""
    if quoted := re.match(r"""(["'])(.*?)\1""", text):
        return quoted[2]
    return re.split(r"\s#", text, maxsplit=1)[0].rstrip()


if __name__ == "__main__":
    main()
