"""The command line `concord`: one module for each group of commands.

Owns arguments, prompts and what is printed. Refuses decisions: each command calls one verb of the SDK and shows what
came of it.
"""

from .app import main

__all__ = ["main"]
