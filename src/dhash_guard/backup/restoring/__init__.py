"""The way back: staged beside the target, exchanged under a journal, finished or taken back after any crash."""
