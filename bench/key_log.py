"""What the key log costs: whoever follows it, the server that keeps it, and each letter that is sent.

Owns the order of its three parts, on one log of a million bindings. Refuses the network for the first two: a request
costs what it costs in `letters.py`.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from . import key_log_sends, key_log_served


def measure(folder: Path, postgresql_url: str, amqp_url: str) -> dict[str, float]:
    """Every figure of this part."""
    served = key_log_served.measure(folder / "log", postgresql_url)
    # In a process of its own, for the peak of its memory.
    line = [sys.executable, "-m", "bench.key_log_followed", str(folder / "log")]
    followed: dict[str, float] = json.loads(subprocess.run(line, stdout=subprocess.PIPE, text=True, check=True).stdout)
    return served | followed | key_log_sends.measure(folder / "sends", postgresql_url, amqp_url)


if __name__ == "__main__":
    import tempfile

    from tests import real

    with tempfile.TemporaryDirectory(prefix="concord-bench-") as work:
        for what, value in measure(Path(work), real.POSTGRESQL, real.AMQP).items():
            print(f"{what} {value:.3f}")
