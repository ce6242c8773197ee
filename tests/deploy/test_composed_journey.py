"""The first letter's journey, through the gateway of the whole deployment: the very tests of `tests/journeys`."""

from __future__ import annotations

import pytest

from tests.journeys.test_first_letter import *  # noqa: F403 - each of its tests is collected here, for this world

pytestmark = pytest.mark.long
