"""Keeps sealed backups outside the machine: one file per kind of store; the union in `backup.settings` lists them."""
