"""Traces across HTTP and the broker (OpenTelemetry), when an operator names a collector; the only room that imports it.

Owns spans, their names and their few attributes. Refuses the ready-made instrumentations, which write addresses with
queries and SQL into spans, and every attribute but those of `ALLOWED`: a collector is one more place that must not
learn who a patient is. Refuses a client's own trace: only services' requests are continued. Without a collector nothing
of this is loaded, and every function returns at once.
"""

from __future__ import annotations

import importlib
import logging
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from .config import Settings

# As for log lines: nothing here can tell who anybody is. A route is its rule.
ALLOWED = frozenset(
    {
        "http.request.method",
        "http.route",
        "http.response.status_code",
        "messaging.system",
        "messaging.destination.name",
        "messaging.message.id",
        "peer.service",
        "concord.request",
        "error.type",
    }
)
# A collector that is away must not keep a process from ending.
FLUSH_SECONDS = 3.0
_HEADER = re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
_otel: Any = None  # the loaded modules, once configured
_tracer: Any = None
_provider: Any = None


def configure(settings: Settings, exporter: Any = None) -> None:
    """Send spans to `otlp_endpoint`, if there is one; call after a fork. `exporter` takes the place of the network."""
    global _otel, _provider, _tracer  # noqa: PLW0603 - one tracer a process, as one logger
    if not settings.otlp_endpoint and exporter is None:
        return
    _otel = _Modules()
    # A collector that is away is one line for what could not be sent, not one for each try.
    logging.getLogger("opentelemetry").setLevel(logging.ERROR)
    _provider = _otel.sdk.TracerProvider(
        resource=_otel.resources.Resource.create({"service.name": f"concord-{settings.service}"}),
        sampler=_otel.sampling.ParentBased(_otel.sampling.TraceIdRatioBased(settings.trace_ratio)),
    )
    to = exporter or _otel.exporter(f"{settings.otlp_endpoint}/v1/traces")
    processor = _otel.export.SimpleSpanProcessor if exporter else _otel.export.BatchSpanProcessor
    _provider.add_span_processor(processor(to))
    _tracer = _provider.get_tracer("concord")


def stop() -> None:
    """Send what is left, within a bound; no spans after this."""
    global _tracer, _provider
    if _provider is not None:
        provider, _provider, _tracer = _provider, None, None
        # It sends what is left, and ignores any bound that it is given; a thread of ours can be left behind.
        ending = threading.Thread(target=provider.shutdown, name="tracing stop", daemon=True)
        ending.start()
        ending.join(FLUSH_SECONDS)


def current() -> str | None:
    """The `traceparent` (W3C Trace Context) of what happens now, to go along with an event or a request."""
    if _tracer is None:
        return None
    context = _otel.trace.get_current_span().get_span_context()
    if not context.is_valid:
        return None
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{int(context.trace_flags):02x}"


def trace_id() -> str | None:
    """The id of the trace, for log lines."""
    here = current()
    return None if here is None else here.split("-")[1]


@contextmanager
def span(name: str, kind: str, attributes: Mapping[str, Any], parent: str | None = None) -> Iterator[Any]:
    """A span for the block; `kind` is server, client, producer or consumer, `parent` a `traceparent` from elsewhere.

    What the block raises is noted by its type alone. Yields None when nothing is traced.
    """
    if _tracer is None:
        yield None
        return
    options = {"kind": getattr(_otel.trace.SpanKind, kind.upper()), "context": _context(parent)}
    with _tracer.start_as_current_span(
        name, attributes=_allowed(attributes), record_exception=False, set_status_on_exception=False, **options
    ) as made:
        try:
            yield made
        except Exception as error:
            made.set_attribute("error.type", type(error).__name__)
            made.set_status(_otel.trace.StatusCode.ERROR)
            raise


def begin(name: str, attributes: Mapping[str, Any], parent: str | None) -> Any:
    """Begin a server's span that `end` ends, where no block can hold it. None when nothing is traced."""
    if _tracer is None:
        return None
    context = _context(parent)
    kind = _otel.trace.SpanKind.SERVER
    made = _tracer.start_span(name, context=context, kind=kind, attributes=_allowed(attributes))
    return made, _otel.context.attach(_otel.trace.set_span_in_context(made, context))


def end(begun: Any, name: str, attributes: Mapping[str, Any]) -> None:
    """End what `begin` began, under the name that is known by now."""
    if begun is None or _otel is None:
        return
    made, token = begun
    made.update_name(name)
    made.set_attributes(_allowed(attributes))
    _otel.context.detach(token)
    made.end()


def _context(parent: str | None) -> Any:
    """The context of a `traceparent`, or of here; what is none is nobody's."""
    if parent is None or not _HEADER.fullmatch(parent):
        return None
    return _otel.propagator.extract({"traceparent": parent})


def _allowed(attributes: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in attributes.items() if name in ALLOWED}


class _Modules:
    """OpenTelemetry, loaded when somebody asked for it."""

    def __init__(self) -> None:
        load = importlib.import_module
        self.trace = load("opentelemetry.trace")
        self.context = load("opentelemetry.context")
        self.sdk = load("opentelemetry.sdk.trace")
        self.sampling = load("opentelemetry.sdk.trace.sampling")
        self.resources = load("opentelemetry.sdk.resources")
        self.export = load("opentelemetry.sdk.trace.export")
        self.propagator = load("opentelemetry.trace.propagation.tracecontext").TraceContextTextMapPropagator()

    @staticmethod
    def exporter(endpoint: str) -> Any:
        """Spans over HTTP to a collector."""
        module = importlib.import_module("opentelemetry.exporter.otlp.proto.http.trace_exporter")
        return module.OTLPSpanExporter(endpoint=endpoint, timeout=5)
