"""Three clinicians with real keys, made once: keys are never changed by these tests, histories are copied."""

from __future__ import annotations

import pytest

from tests.unit.client.people import Clinician

_KEYRINGS = [Clinician().keyring for _ in range(3)]


@pytest.fixture
def ana() -> Clinician:
    """The sender."""
    return Clinician(_KEYRINGS[0])


@pytest.fixture
def noor() -> Clinician:
    """The recipient."""
    return Clinician(_KEYRINGS[1])


@pytest.fixture
def eve() -> Clinician:
    """Somebody else."""
    return Clinician(_KEYRINGS[2])
