"""The list of problem types, and what every problem document says."""

from __future__ import annotations

import ast
import json
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask, abort

from services.chassis import problems
from services.consent.refusals import not_in_this_status
from services.consent.rules.lifecycle import Deed, LifecycleError, Status
from services.messaging.rules import Reason

ROOT = Path(__file__).resolve().parents[3]
_ROW = re.compile(r"^\| `([a-z-]+)` \| ([0-9, ]+) \|", re.MULTILINE)
# Where a call names a type: the place of the type among the arguments, and the status when the call does not say it.
_CALLS = {"Problem": (1, None), "token_problem": (1, None), "unavailable": (0, 503)}
# What werkzeug raises before a route is reached.
_OF_HTTP = {("bad-request", 400), ("not-found", 404), ("method-not-allowed", 405), ("too-large", 413)}


def specified() -> dict[str, set[int]]:
    """Types and statuses of `spec/problems.md`."""
    text = (ROOT / "spec" / "problems.md").read_text(encoding="utf-8")
    return {name: {int(status) for status in statuses.split(",")} for name, statuses in _ROW.findall(text)}


def raised() -> dict[str, set[int]]:
    """Types and statuses that the services' source names, and those it takes from a list."""
    found: dict[str, set[int]] = defaultdict(set)
    for name, status in [*_in_source(), *_from_lists(), *_of_gateway(), *_OF_HTTP]:
        found[name].add(status)
    return found


def _in_source() -> Iterator[tuple[str, int]]:
    for path in (ROOT / "services").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                yield from _named_in(node)


def _named_in(call: ast.Call) -> Iterator[tuple[str, int]]:
    name = getattr(call.func, "id", getattr(call.func, "attr", ""))
    if _is_super_init(call) and len(call.args) > 2:
        name = "Problem"
    place, status = _CALLS.get(name, (None, None))
    if place is None or len(call.args) <= place:
        return
    type_, first = call.args[place], call.args[0]
    if isinstance(type_, ast.Constant) and isinstance(type_.value, str):
        if status is None and isinstance(first, ast.Constant) and isinstance(first.value, int):
            status = first.value
        assert status is not None, ast.unparse(call)
        yield type_.value, status


def _is_super_init(call: ast.Call) -> bool:
    return ast.unparse(call.func) == "super().__init__"


def _of_gateway() -> Iterator[tuple[str, int]]:
    """What nginx says by itself, as problem documents."""
    text = (ROOT / "deploy" / "gateway" / "nginx.conf").read_text(encoding="utf-8")
    for document in re.findall(r"return [0-9]+ '(\{.*\})';", text):
        said = json.loads(document)
        assert {"type", "title", "status", "detail"} == set(said)
        yield said["type"].removeprefix(problems.TYPE_PREFIX), said["status"]


def _from_lists() -> Iterator[tuple[str, int]]:
    yield from ((reason.value, 403) for reason in Reason)
    for status in Status:
        problem = not_in_this_status(LifecycleError(status, next(iter(Deed))))
        yield problem.type.removeprefix(problems.TYPE_PREFIX), problem.status


def test_every_type_that_is_raised_is_specified_with_its_statuses_and_none_is_left_over() -> None:
    assert raised() == specified()


def test_the_source_is_really_read() -> None:
    """The test above would hold of two empty lists."""
    assert {"peer-unavailable", "invalid-client", "gate-closed", "consent-incomplete"} <= set(raised())


def test_a_problem_renders_its_members_and_its_headers() -> None:
    problem = problems.Problem(409, "draft-exists", "Title", "Detail.", version=3).with_header("Retry-After", "7")
    with Flask("test").app_context():
        answer = problems.respond(problem)
    assert (answer.status_code, answer.content_type) == (409, "application/problem+json")
    assert answer.headers["Retry-After"] == "7"
    assert answer.get_json() == {
        "type": "urn:concord:problem:draft-exists",
        "title": "Title",
        "status": 409,
        "detail": "Detail.",
        "version": 3,
    }


@pytest.mark.parametrize("status", [400, 404, 405, 413, 415])
def test_the_name_of_an_http_error_does_not_depend_on_the_version_of_python(status: int) -> None:
    app = Flask("test")
    problems.install(app)

    @app.get("/")
    def fail() -> str:

        abort(status)

    type_ = app.test_client().get("/").get_json()["type"]
    assert type_.removeprefix(problems.TYPE_PREFIX) in specified()
