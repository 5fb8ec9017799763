"""Reads config/app.json and decides the value of what it leaves out."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from pathlib import Path


class ConfigError(Exception):
    """The configuration cannot be used; the message says why."""


@dataclass(frozen=True)
class Config:
    """The service's settings."""

    port: int = 0
    """Used when nothing else names a port; 0 lets the system choose."""
    window_seconds: float = 10
    low_confidence_below: float = 0.4
    reviews_per_second: float = 0.5
    """How fast low-confidence results leave the review queue."""


def load(root: Path) -> Config:
    """The configuration of the project in `root`; without a file, the defaults."""
    path = root / "config" / "app.json"
    try:
        values = json.loads(path.read_bytes())
    except FileNotFoundError:
        return Config()
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path}: {error}") from error
    known = {field.name for field in fields(Config)}
    if not isinstance(values, dict) or not values.keys() <= known:
        raise ConfigError(f"{path}: expected an object with any of: {', '.join(sorted(known))}")
    for name, value in values.items():
        kinds = (int,) if name == "port" else (int, float)
        if type(value) not in kinds or value < 0:  # not isinstance: `true` is no number here
            raise ConfigError(f"{path}: {name} cannot be {value!r}")
    return Config(**values)
