"""The yardstick: a Flask route that takes the same body and commits one row, and nothing else.

Owns the least that any service of this kind must do. Refuses authentication, a gate, an outbox: those are what is
measured against it.
"""

from __future__ import annotations

import os
import threading

import psycopg
from flask import Flask, request

app = Flask(__name__)
_local = threading.local()


@app.put("/<name>")
def put(name: str) -> tuple[str, int]:
    """One row, one commit."""
    if not hasattr(_local, "connection"):
        _local.connection = psycopg.connect(os.environ["BARE_DATABASE"])
    with _local.connection.transaction():
        _local.connection.execute("INSERT INTO bare (body) VALUES (%s)", (request.get_data(),))
    return name, 201
