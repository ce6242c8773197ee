"""A command that is typed a hundred times is loaded once: a process that has `concord` in memory, and forks for each.

Owns that process and the way to it. Refuses to be told apart: a fork has the arguments, the environment, the folder and
the streams of a command that was started anew, and ends with its status. What no fork shows, how the program starts
from nothing, other tests show (`test_readme.py`, `tests/deploy`).
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import IO, Any, NoReturn

# Arguments and environment of one command.
MAX_REQUEST_BYTES = 256 * 1024


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    stdout: bytes
    stderr: bytes
    returncode: int


class Warm:
    """The process that forks; one for each process of the test run, which it does not outlive."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2 * MAX_REQUEST_BYTES)
        line = [sys.executable, "-m", "tests.journeys.warm", str(theirs.fileno())]
        root = Path(__file__).resolve().parents[2]
        self._process = subprocess.Popen(line, pass_fds=[theirs.fileno()], cwd=root)
        theirs.close()
        self._socket = ours

    def run(self, words: Sequence[str], typed: bytes, environment: Mapping[str, str], folder: Path) -> Done:
        """One command from its first argument on, in its own process."""
        with tempfile.TemporaryFile() as stdin, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            stdin.write(typed)
            stdin.seek(0)
            request = json.dumps({"words": list(words), "environment": dict(environment), "folder": str(folder)})
            streams = [stdin.fileno(), out.fileno(), err.fileno()]
            socket.send_fds(self._socket, [request.encode()], streams)
            answer = self._socket.recv(16)
            assert answer, "the process that forks is gone"
            return Done(_whole(out), _whole(err), int(answer))


def _whole(stream: IO[bytes]) -> bytes:
    stream.seek(0)
    return stream.read()


@cache
def warm() -> Warm:
    """This test process's own."""
    return Warm()


def _serve(requests: socket.socket) -> None:
    import concord.cli  # noqa: PLC0415 - here, and in no test process

    while True:
        request, streams, _, _ = socket.recv_fds(requests, MAX_REQUEST_BYTES, 3)
        if not request:
            return
        child = os.fork()
        if child == 0:
            _become(json.loads(request), streams, concord.cli.main)
        for stream in streams:
            os.close(stream)
        _, status = os.waitpid(child, 0)
        requests.send(str(os.waitstatus_to_exitcode(status)).encode())


def _become(request: dict[str, Any], streams: Sequence[int], main: Callable[[], object]) -> NoReturn:
    status = 1
    try:
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
        os.chdir(request["folder"])
        os.environ.clear()
        os.environ.update(request["environment"])
        sys.argv = ["concord", *request["words"]]
        sys.modules["__main__"].__package__ = None  # or the program would call itself by this module's name
        main()
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
    except BaseException as fatal:
        sys.excepthook(type(fatal), fatal, fatal.__traceback__)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


if __name__ == "__main__":
    _serve(socket.socket(fileno=int(sys.argv[1])))
