"""The `.env` file beside docker-compose.yml, read as compose reads it.

Owns its reading: quotes and comments are no part of a value. Refuses interpolation, which compose does by itself.
"""

from __future__ import annotations

import re
from pathlib import Path


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
