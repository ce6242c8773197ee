"""The feed over HTTP, for the services that follow it.

Owns the two routes. Refuses everybody but messaging, and patients' names: there are none in a feed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from flask import Response
from flask_openapi.blueprint import APIBlueprint
from sqlalchemy.orm import Session

from .feed import Feed
from .feed_messages import LeaseAnswer, LeaseRequest
from .problems import declared
from .service_auth import require_service
from .web import SERVICE_ONLY, answer
from .web import blueprint as make_blueprint

Facts = Callable[[Session], Iterator[dict[str, Any]]]


def blueprint(feed: Feed, facts: Facts) -> APIBlueprint:
    """The routes of one feed; `facts` lists everything that is in force, for a snapshot."""
    routes = make_blueprint("feed", __name__, tag="feed", security=SERVICE_ONLY)

    @routes.post("/v1/feed/leases", responses={"200": LeaseAnswer, **declared(401, 403)})
    @require_service("messaging")
    def lease(body: LeaseRequest) -> Response:
        """Report how far the feed is applied, and ask for a lease on it."""
        return answer(feed.grant(body))

    @routes.get("/v1/feed/snapshot", responses={"200": _NDJSON, **declared(401, 403)})
    @require_service("messaging")
    def snapshot() -> Response:
        """Everything in force: a line with `epoch` and `seq`, a fact a line, and a line `end` with their count."""
        return Response(_lines(feed, facts), content_type="application/x-ndjson")

    return routes


_NDJSON = {"description": "One JSON object a line", "content": {"application/x-ndjson": {"schema": {"type": "string"}}}}


def _lines(feed: Feed, facts: Facts) -> Iterator[str]:
    with feed.snapshot(facts) as (epoch, seq, listed):
        yield json.dumps({"epoch": str(epoch), "seq": seq}) + "\n"
        count = 0
        for fact in listed:
            count += 1
            yield json.dumps(fact, default=str) + "\n"
        yield json.dumps({"end": count}) + "\n"
