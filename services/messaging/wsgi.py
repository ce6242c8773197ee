"""Messaging's web process: `gunicorn services.messaging.wsgi:app`.

Owns the start, and the threads that keep this process's leases. Refuses other background work: that is in `worker.py`.
"""

from services.chassis import logs, tracing
from services.chassis.config import load_settings
from services.chassis.process import Background, started

from .app import build, create_app, follow

logs.configure("messaging")
_settings = load_settings("messaging")
tracing.configure(_settings)
_deps = build(_settings)
app = create_app(_deps)
follow(_deps, Background())
started()
