"""Labelled watches, the rules of named peers and ours, and how they compare; used by `make bench-gates` only."""
