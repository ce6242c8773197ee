"""The manners that every service shares: strict bodies, problems, headers, the OpenAPI document, health."""

from __future__ import annotations

import io
import threading
from datetime import datetime
from pathlib import Path
from typing import Annotated
from uuid import UUID

import pytest
from flask import Flask, Response, request
from flask.testing import FlaskClient
from pydantic import Field

from services.chassis import health, problems, upload, web
from services.chassis.config import Settings
from services.chassis.db import DatabaseUnavailableError, DeadlineExceededError

CANARY = "Quetzalcoatl"
# For what comes at once on a machine that is not stuck.
SECONDS = 30.0


class Order(web.Body):
    id: UUID
    count: Annotated[int, Field(ge=1)]
    at: datetime | None = None


class Receipt(web.Answer):
    count: int


READY = {"database": True}
routes = web.blueprint("orders", __name__, tag="orders")


@routes.post("/v1/orders", responses={201: Receipt, **problems.declared(409)})
def order(body: Order) -> Response:
    """Place an order."""
    return web.answer(Receipt(count=body.count), 201)


@routes.put("/v1/documents")
def document() -> Response:
    """Take a document."""
    return web.answer(Receipt(count=sum(map(len, upload.incoming(limit=300 * 1024, chunk=1000)))))


@routes.get("/v1/failure")
def failure() -> Response:
    """Fail in an unforeseen way."""
    raise RuntimeError(f"about {CANARY}")


@routes.get("/v1/slow")
def slow() -> Response:
    """Outlive the database's patience."""
    raise DeadlineExceededError


@routes.get("/v1/away")
def away() -> Response:
    """Find the database gone."""
    raise DatabaseUnavailableError


@pytest.fixture(scope="module")
def client() -> FlaskClient:
    settings = Settings(
        service="consent",
        database_url="sqlite://",
        base_url="http://concord.test",
        service_key_file=Path("none"),
        service_keys_file=Path("none"),
    )
    return web.service_app(settings, [routes], lambda: READY).test_client()


def posted(client: FlaskClient, body: bytes, content_type: str = "application/json") -> tuple[int, str, str]:
    """Status, problem type and the field of a refused order."""
    answer = client.post("/v1/orders", data=body, content_type=content_type)
    assert answer.content_type == problems.CONTENT_TYPE
    members = answer.get_json()
    assert members["status"] == answer.status_code
    return answer.status_code, members["type"].removeprefix(problems.TYPE_PREFIX), members.get("field", "")


ID = b'"id":"6f2f9d0e-8c1b-4f0e-9d59-000000000001"'


def test_a_good_body_is_taken(client: FlaskClient) -> None:
    answer = client.post("/v1/orders", data=b"{" + ID + b',"count":2}', content_type="application/json; charset=utf-8")
    assert (answer.status_code, answer.get_json()) == (201, {"count": 2})


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'"{}"',
        b"null",
        b"\xff\xfe",
        b"{" + ID + b',"count":NaN}',
        b"{" + ID + b',"count":2,"count":3}',
        b'{"a":' * 100_00 + b"1" + b"}" * 100_00,
    ],
)
def test_a_body_that_is_not_one_json_object_is_malformed(client: FlaskClient, body: bytes) -> None:
    assert posted(client, body)[:2] == (400, "malformed-json")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"{" + ID + b"}", "count"),
        (b"{" + ID + b',"count":"2"}', "count"),
        (b"{" + ID + b',"count":true}', "count"),
        (b"{" + ID + b',"count":0}', "count"),
        (b"{" + ID + b',"count":1,"more":1}', "more"),
        (b"{" + ID + b',"count":1,"at":5}', "at"),
        (b'{"id":"\\ud800","count":1}', "body"),
    ],
)
def test_a_wrong_member_is_named(client: FlaskClient, body: bytes, field: str) -> None:
    assert posted(client, body) == (422, "invalid-field", field)


def test_a_refusal_does_not_repeat_what_was_sent(client: FlaskClient) -> None:
    body = b"{" + ID + f',"count":"{CANARY}"'.encode() + b"}"
    answer = client.post("/v1/orders", data=body, content_type="application/json")
    assert answer.status_code == 422
    assert CANARY.encode() not in answer.data


def test_another_media_type_is_refused(client: FlaskClient) -> None:
    assert posted(client, b"{}", "text/plain")[:2] == (415, "unsupported-media-type")


def test_a_body_beyond_the_limit_is_refused(client: FlaskClient) -> None:
    assert posted(client, b"{" + b" " * web.JSON_MAX_BYTES + b"}")[:2] == (413, "too-large")


def test_a_document_may_be_larger_than_a_json_body_but_has_its_own_limit(client: FlaskClient) -> None:
    assert client.put("/v1/documents", data=b"x" * (280 * 1024)).get_json() == {"count": 280 * 1024}
    answer = client.put("/v1/documents", data=b"x" * (300 * 1024 + 1))
    assert (answer.status_code, answer.get_json()["type"]) == (413, "urn:concord:problem:too-large")


def test_a_document_without_a_length_is_limited_while_it_is_read(client: FlaskClient) -> None:
    """Chunked transfer announces nothing: the count of what came decides."""
    endless = io.BytesIO(b"x" * (301 * 1024))
    answer = client.put("/v1/documents", input_stream=endless, environ_overrides={"wsgi.input_terminated": True})
    assert answer.status_code == 413
    assert endless.tell() < 301 * 1024 + 1000


def test_a_document_cut_short_is_refused(client: FlaskClient) -> None:
    answer = client.put(
        "/v1/documents", input_stream=io.BytesIO(b"x" * 10), environ_overrides={"CONTENT_LENGTH": "1000"}
    )
    assert (answer.status_code, answer.get_json()["type"]) == (400, "urn:concord:problem:truncated")


def test_an_unforeseen_failure_tells_nothing_and_logs_no_message(
    client: FlaskClient, capfd: pytest.CaptureFixture[str]
) -> None:
    answer = client.get("/v1/failure")
    assert (answer.status_code, answer.get_json()["type"]) == (500, "urn:concord:problem:internal")
    out, err = capfd.readouterr()
    assert "RuntimeError" in out + err
    assert CANARY not in out + err + answer.get_data(as_text=True)


@pytest.mark.parametrize("path", ["/v1/slow", "/v1/away"])
def test_a_database_that_does_not_answer_is_a_503_to_try_again(client: FlaskClient, path: str) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/nowhere", 404), ("DELETE", "/v1/orders", 405)])
def test_http_errors_are_problems_too(client: FlaskClient, method: str, path: str, status: int) -> None:
    answer = client.open(path, method=method)
    assert (answer.status_code, answer.content_type) == (status, problems.CONTENT_TYPE)
    if status == 405:
        assert "POST" in answer.headers["Allow"]


def test_every_answer_forbids_caching_and_sniffing_and_carries_its_request_id(client: FlaskClient) -> None:
    answer = client.get("/nowhere", headers={"X-Request-Id": "abcdefgh-1"})
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["X-Request-Id"] == "abcdefgh-1"


def test_a_request_id_that_could_forge_a_log_line_is_replaced(client: FlaskClient) -> None:
    answer = client.get("/nowhere", headers={"X-Request-Id": 'x","level":"critical'})
    assert '"' not in answer.headers["X-Request-Id"]


def test_the_document_names_success_and_problems_of_every_route(client: FlaskClient) -> None:
    document = client.get("/openapi.json").get_json()
    assert document["openapi"] == "3.1.0"
    responses = document["paths"]["/v1/orders"]["post"]["responses"]
    assert set(responses) == {"201", "409", "422", "default"}
    for status in ("409", "422", "default"):
        schema = responses[status]["content"][problems.CONTENT_TYPE]["schema"]
        assert schema == {"$ref": "#/components/schemas/ProblemDocument"}
    assert "ProblemDocument" in document["components"]["schemas"]


def test_a_stranger_who_sends_nonsense_again_and_again_takes_no_memory(client: FlaskClient) -> None:
    """An exception that is raised twice keeps the frames of both, and their bodies with them."""
    kept: list[BaseException] = []
    for _ in range(2):
        with client.application.test_request_context(data=b"{", content_type="application/json"):
            with pytest.raises(problems.Problem) as refused:
                request.get_json()
            kept.append(refused.value)
    assert kept[0] is not kept[1]


def test_ready_only_while_everything_needed_answers(client: FlaskClient) -> None:
    assert client.get("/livez").status_code == 200
    assert client.get("/readyz").status_code == 200
    READY["database"] = False
    answer = client.get("/readyz")
    READY["database"] = True
    assert (answer.status_code, answer.get_json()) == (503, {"ready": False, "checks": {"database": False}})


def test_what_never_answers_is_named_in_time_and_hides_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "READY_SECONDS", 0.2)
    free = threading.Event()
    app = Flask("probed")
    health.install(app, health.in_time({"database": lambda: free.wait(SECONDS) or True, "peer": lambda: True}))
    answer = app.test_client().get("/readyz")
    assert answer.get_json() == {"ready": False, "checks": {"database": False, "peer": True}}
    free.set()
    monkeypatch.setattr(health, "READY_SECONDS", SECONDS)
    assert app.test_client().get("/readyz").status_code == 200


def test_metrics_count_by_rule_and_not_by_path(client: FlaskClient) -> None:
    client.get("/v1/orders/of-somebody")
    client.open("/v1/orders", method="BREW")
    text = client.get("/metrics").get_data(as_text=True)
    assert 'route="/v1/orders"' in text
    assert "of-somebody" not in text
    assert "BREW" not in text
