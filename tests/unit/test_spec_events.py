"""The events that are spoken and heard are the ones that are written down."""

from __future__ import annotations

import re
from pathlib import Path

from services.consent import account
from services.consent import events as consent
from services.messaging.events import CONSENT_HANDLERS, DIRECTORY_HANDLERS, Fact

ROOT = Path(__file__).resolve().parents[2]
TYPE = re.compile(r"care\.concord\.[a-z]+\.[a-z-]+\.v\d+")
WRITTEN = set(TYPE.findall((ROOT / "spec" / "events.md").read_text(encoding="utf-8")))


def test_every_type_in_the_services_is_in_the_specification_and_the_other_way_round() -> None:
    spoken = {found for path in (ROOT / "services").rglob("*.py") for found in TYPE.findall(path.read_text("utf-8"))}
    assert {type_ for type_ in spoken if "care.concord.directory" in type_} == set(DIRECTORY_HANDLERS)
    assert spoken == WRITTEN


def test_what_one_service_speaks_another_handles() -> None:
    told_before = {"care.concord.consent.activated.v1"}  # by a consent service of an earlier release
    assert {consent.ACTIVATED, consent.REVOKED} | told_before == set(CONSENT_HANDLERS)
    assert {fact.value for fact in Fact} == set(account.HANDLERS)
