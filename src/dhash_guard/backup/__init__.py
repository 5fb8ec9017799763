"""Takes, seals, lists, verifies and restores backups: a crash at any step leaves the old or the new, never half."""
