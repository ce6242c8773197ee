"""Files that hold a private key.

Owns their reading, with an error that names the setting, and their writing: whole at every moment, a power cut
included, and readable by their owner alone unless told. Refuses to know what a key is for.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from joserfc.errors import JoseError

from .config import SettingError


@contextmanager
def named_by(setting: str) -> Iterator[None]:
    """Reading what a setting names. Raises `SettingError` where the file holds something else; OSError as it comes."""
    try:
        yield
    except (ValueError, KeyError, TypeError, JoseError):
        hint = "concord-server keys FOLDER makes the keys of a deployment; `make secrets` where it runs in containers"
        raise SettingError(f"{setting}: the file holds no key of that kind", hint) from None


def write(path: Path, members: Mapping[str, Any], mode: int = 0o600) -> None:
    """Put a JWK (RFC 7517) into a file, in place of what is there. Raises OSError, and leaves what was there."""
    replace(path, json.dumps(members), mode)


def replace(path: Path, text: str, mode: int) -> None:
    """The same with any secret. Raises OSError, and leaves what was there."""
    part = path.with_suffix(".part")
    part.touch(mode=0o600)
    part.chmod(mode)
    with part.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
