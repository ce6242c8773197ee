"""The directory's web process: `gunicorn services.directory.wsgi:app`.

Owns the start. Refuses background work beyond its own threads: events leave from `worker.py`.
"""

from services.chassis import logs, tracing
from services.chassis.config import load_settings
from services.chassis.process import started

from .app import build, create_app

logs.configure("directory")
_settings = load_settings("directory")
tracing.configure(_settings)
app = create_app(build(_settings))
started()
