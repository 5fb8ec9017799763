"""Starts the command line as `python -m dhash_guard`."""

from dhash_guard.cli import main

if __name__ == "__main__":
    main()
