"""Backups that other tools made: read with more suspicion than our own, written anew in our form, and only then used."""
