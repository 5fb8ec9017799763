"""Corpora, contenders and measurements of backups beside named tools; used by `make bench-backup` only."""
