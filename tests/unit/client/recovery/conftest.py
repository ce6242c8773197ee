"""An owner with keys that were made once."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.client.people import Clinician
from tests.unit.client.recovery.made import Owner


@pytest.fixture
def owner(ana: Clinician, tmp_path: Path) -> Owner:
    """Ana, with a recovery code; nothing is stored yet."""
    return Owner(ana, tmp_path / "first")
