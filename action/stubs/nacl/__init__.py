"""Stands in for PyNaCl, which PyGithub imports at once and needs only to encrypt repository secrets, which we never do."""

from nacl import encoding, public

__all__ = ["encoding", "public"]
