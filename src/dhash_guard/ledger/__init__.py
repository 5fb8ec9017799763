"""Keeps what was decided: evidence in canonical bytes, samples in chained lines, and a ledger that ties them together."""
