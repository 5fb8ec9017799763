"""Telling people: one typed event, every channel of the environment, and a file for what reached nobody."""
