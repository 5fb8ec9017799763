"""The machine: clock, processes, files, network and host behind interfaces, so that nothing else touches the world."""

from dhash_guard.system.machine import Machine, this_machine

__all__ = ["Machine", "this_machine"]
