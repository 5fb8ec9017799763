"""A project directory with a configuration, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from dhash_guard.config import Configuration, Overrides, load
from dhash_guard.errors import ConfigurationProblem

DOCUMENTED = (Path(__file__).parent / "documented.yml").read_text(encoding="utf-8")
NAME = "dhash-guard.yml"
ENVIRON = {"STAGING_URL": "http://127.0.0.1:5001"}


@dataclass
class Project:
    """A directory whose configuration the tests write."""

    root: Path

    def write(self, text: str, name: str = NAME) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def load(
        self, text: str, env: str | None = None, environ: Mapping[str, str] = ENVIRON, overrides: Overrides | None = None
    ) -> Configuration:
        self.write(text)
        return load(None, self.root, environ, env, overrides=overrides or Overrides())

    def staging(self, body: str, top: str = "") -> Configuration:
        """One environment with these lines in it, the first of them on line 5."""
        return self.load(framed(body, top))

    def problems(self, text: str, env: str | None = None) -> list[str]:
        with pytest.raises(ConfigurationProblem) as caught:
            self.load(text, env)
        return caught.value.problems

    def wrong(self, body: str, top: str = "") -> list[str]:
        """The problems of one environment with these lines in it."""
        return self.problems(framed(body, top))


def framed(body: str, top: str = "") -> str:
    lines = "".join(f"    {line}\n" for line in body.strip().splitlines())
    return f"version: 1\nservice: dhash\nenvironments:\n  staging:\n{lines}{top}"
