"""Clinicians with real keys, as in the tests of the client."""

from __future__ import annotations

from tests.unit.client.conftest import ana, eve, noor

__all__ = ["ana", "eve", "noor"]
