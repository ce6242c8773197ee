"""The consent service's web process: `gunicorn services.consent.wsgi:app`.

Owns the start. Refuses background work: events leave, and the account is kept, in `worker.py`.
"""

from services.chassis import logs, tracing
from services.chassis.config import load_settings
from services.chassis.process import started

from .app import build, create_app

logs.configure("consent")
_settings = load_settings("consent")
tracing.configure(_settings)
app = create_app(build(_settings))
started()
