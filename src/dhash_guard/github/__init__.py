"""Talking to GitHub: what a run is about, what a step leaves behind, the one comment, and the status of a commit."""
