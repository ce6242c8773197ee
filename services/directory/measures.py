"""What an operator's dashboard reads of the directory. Owns the list; refuses anything of a person."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from prometheus_client.core import GaugeMetricFamily, Metric
from sqlalchemy import select
from sqlalchemy.orm import Session

from services.chassis import measures
from services.chassis.bus import Bus
from services.chassis.measures import Measure, Measures

from . import models
from .deps import Deps
from .witnesses import Trouble

# What a witness says that has seen another log than this one.
_OTHER_LOG = (Trouble.AHEAD, Trouble.CONTRADICTS)


def key_log(session: Session, now: datetime) -> Iterator[Metric]:
    """How old the newest checkpoint of the key log is, how long each witness has been silent."""
    log, newest = models.KeyLogRow, models.KeyCheckpointRow
    age = GaugeMetricFamily("concord_key_log_checkpoint_seconds", "Age of the key log's newest checkpoint")
    for at in session.scalars(select(newest.signed_at).join(log, log.size == newest.size)):
        age.add_metric([], max((now - at).total_seconds(), 0.0))
    help_ = "Seconds since a witness cosigned the key log, or was first asked"
    silent = GaugeMetricFamily("concord_key_log_witness_seconds", help_, labels=["witness"])
    other = GaugeMetricFamily(
        "concord_key_log_contradicted", "Whether a witness has seen another log", labels=["witness"]
    )
    for row in session.scalars(select(models.KeyWitnessRow)):
        silent.add_metric([row.name], max((now - (row.cosigned_at or row.since)).total_seconds(), 0.0))
        other.add_metric([row.name], row.trouble in _OTHER_LOG)
    yield from (age, silent, other)


FACTS: list[Measure] = [
    measures.outbox("directory", models.Outbox),
    measures.pending("directory", models.FeedEvent),
    key_log,
]


def of(deps: Deps, bus: Bus) -> Measures:
    """The outbox, suspensions and revocations of devices that are on their way, and the key log."""
    return Measures("directory", deps.database, deps.clock, FACTS, bus, ())
