"""A town: three clinicians, a directory and its key log."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.client.key_log.fake_log import HARBOR, Town
from tests.unit.client.people import Clinician


@pytest.fixture
def town(tmp_path: Path, ana: Clinician, noor: Clinician) -> Town:
    """Ana of Riverside and Noor of Harbor are enrolled."""
    made = Town(tmp_path)
    made.enrol(ana, "Dr. Ana Whitfield", npi="1245319599")
    made.enrol(noor, "Dr. Noor Haddad", npi="1679576722", at=HARBOR)
    return made
