"""A small independent witness of logs: it cosigns what only grew, and nothing else.

Owns the server side of C2SP's tlog-witness: what is asked (`submission.py`), what is answered (`judgement.py`,
`witness.py`), what is kept (`states.py`), and how it is reached (`web.py`). Refuses everything but hashes: it reads no
leaf of a log, so it sees no name and no key of anybody, and it does not follow a log's succession of keys. See
`docs/witness.md` and https://c2sp.org/tlog-witness.
"""

from .keys import Signer, make_key, read_key
from .states import States
from .web import WitnessApp, WitnessServer
from .witness import Answer, Witness

__all__ = ["Answer", "Signer", "States", "Witness", "WitnessApp", "WitnessServer", "make_key", "read_key"]
