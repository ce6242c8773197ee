"""No server process loads anything that opens a letter or a keyring."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROBE = """
import importlib, sys
for module in sys.argv[1].split():
    importlib.import_module(module)
loaded = sorted(name for name in sys.modules if name == "concord" or name.startswith("concord."))
print(",".join(loaded))
"""
# What a web process loads and what a worker loads, in one interpreter: each is an import of some seconds.
ENTRIES = [f"services.{service}.app services.{service}.worker" for service in ("directory", "consent", "messaging")]


@pytest.mark.parametrize("modules", [*ENTRIES, "services.local services.__main__"])
def test_a_server_process_does_not_load_the_client(modules: str) -> None:
    """Each entry point is imported in a fresh interpreter; no module of the client may be among what it loaded."""
    done = subprocess.run([sys.executable, "-c", PROBE, modules], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == ""


def test_the_probe_would_see_the_client() -> None:
    """The probe itself: it must find what it looks for where it is."""
    done = subprocess.run([sys.executable, "-c", PROBE, "concord.age"], capture_output=True, text=True, check=True)
    assert "concord.age" in done.stdout
