"""Each service tells the truth about itself: what is generated from its OpenAPI document is answered as declared.

Run against the embedded composition, behind one origin as deployed, by somebody who is signed in and by services' own
addresses' strangers alike; never with a 5xx.
"""

from __future__ import annotations

from typing import Any

import pytest
import schemathesis
from concord.api.messaging import LETTER_TYPE
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.checks import CHECKS, load_all_checks

from tests.journeys.world import EmbeddedWorld
from tests.people import active_consent, send_note

load_all_checks()
# A schema says what form a value has; rules refuse some values of that form, such as a window that is over.
TOO_STRICT = [CHECKS.get_one("positive_data_acceptance")]
EXAMPLES = 10


@schemathesis.serializer(LETTER_TYPE)
def _as_it_is(_: Any, value: Any) -> bytes:
    """A letter is bytes; what was generated instead of bytes is sent as its text."""
    found = getattr(value, "data", value)
    return found if isinstance(found, bytes) else str(found).encode()


@pytest.mark.parametrize("service", ["directory", "consent", "messaging"])
def test_every_answer_is_a_declared_one(embedded: EmbeddedWorld, service: str) -> None:
    """Signed in as an administrator at the directory, as a physician with a consent and a letter elsewhere."""
    api = schemathesis.openapi.from_wsgi(f"/{service}/openapi.json", embedded.services.wsgi)
    people = embedded.people
    consent = active_consent(people)
    known = {
        "consent": [consent.id, active_consent(people).id],
        "letter": [send_note(people, consent.id).letter],
        "practitioner": [embedded.another(people.practices[0], "Dr. Tried").practitioner],  # may end up suspended
        "organization": [people.practices[0].organization],
    }
    caller = people.practices[0].office if service == "directory" else people.physician
    operations: list[Any] = [each.ok() for each in api.get_all_operations()]  # type: ignore[union-attr]
    assert len(operations) >= 6

    def try_out(operation: Any) -> None:
        names = [name for name in known if f"{{{name}}}" in operation.path]

        @settings(
            max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate]
        )
        @given(operation.as_strategy(), st.booleans(), st.data())
        def check(case: Any, real: bool, data: st.DataObject) -> None:
            for name in names if real else ():
                case.path_parameters[name] = str(data.draw(st.sampled_from(known[name])))
            if isinstance(case.query, dict) and "wait" in case.query:
                case.query["wait"] = 0  # a poll that waits is another journey's matter
            headers = caller.transport.authorization(operation.method.upper(), f"/{service}{case.formatted_path}")
            case.call_and_validate(headers=headers, excluded_checks=TOO_STRICT)

        check()

    for operation in operations:
        try_out(operation)
