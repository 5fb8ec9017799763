"""A GitHub on loopback: state, tokens, faults and a log, so that whatever talks to GitHub can be tested without it."""

from dhash_guard.simulator.document import Document, read_document
from dhash_guard.simulator.faults import Fault, FaultKind
from dhash_guard.simulator.hub import Entry
from dhash_guard.simulator.run import Options, run
from dhash_guard.simulator.simulator import Simulator
from dhash_guard.simulator.tokens import Kind, Token

__all__ = ["Document", "Entry", "Fault", "FaultKind", "Kind", "Options", "Simulator", "Token", "read_document", "run"]
