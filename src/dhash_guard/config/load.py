"""Reads the configuration for one environment, or judges all of them; says everything that is wrong at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from attrs import evolve, frozen

from dhash_guard.config.document import Opened, open_document
from dhash_guard.config.node import Fault
from dhash_guard.config.schema import Configuration, Environment
from dhash_guard.config.settle import Overrides, Settled, settle
from dhash_guard.config.shapes import plain_data
from dhash_guard.config.targets import waves_of
from dhash_guard.errors import ConfigurationProblem, UsageProblem
from dhash_guard.gates.waves import Waves
from dhash_guard.records.canonical import digest
from dhash_guard.records.layout import Layout


@frozen(kw_only=True)
class Checked:
    """How one environment reads: its problems, and notes about variables and libraries that are not there here.

    `environment` is empty for what stands outside of every environment.
    """

    environment: str
    problems: tuple[str, ...]
    notes: tuple[str, ...] = ()


def load(
    path: Path | None,
    cwd: Path,
    environ: Mapping[str, str],
    env: str | None = None,
    target: str | None = None,
    *,
    overrides: Overrides = Overrides(),
) -> Configuration:
    """The configuration for environment `env`, or for the one that is meant where None, and for its target.

    `path` is what `--config` named. Raise UsageProblem where there is no file, no such environment or target, or several
    that could be meant, and ConfigurationProblem with every fault of the file's top and of this environment.
    """
    _positive(overrides)
    opened = open_document(path, cwd)
    settled = _settled(opened, opened.choose(env, target).name, environ, overrides)
    return configuration(opened, settled)


def configuration(opened: Opened, settled: Settled) -> Configuration:
    """The record that commands are given."""
    place = opened.places[settled.name]
    return Configuration(
        path=opened.found.path,
        layout=evolve(opened.layout, covered=_covered(settled.environment), unnamed=opened.default),
        name=settled.name,
        environment=settled.environment,
        digest=digest_of(settled.environment),
        others=tuple(name for name in opened.places if name != settled.name),
        premerge=opened.premerge,
        protection=opened.protection,
        trust=opened.trust,
        state=opened.state,
        notes=_notes(opened, settled.name),
        target=place.target,
        waves=waves_of(place.environment, opened.environments[place.environment], opened.places),
    )


def arranged(path: Path | None, cwd: Path, env: str | None = None) -> tuple[Layout, Waves]:
    """Where the project's files lie, and all targets of an environment; raise as `load` does for the file's top."""
    opened = open_document(path, cwd)
    place = opened.places.get(env or "")
    name = place.environment if place is not None else opened.environment(env)
    if opened.faults:
        raise ConfigurationProblem(list(_lines(opened.faults)))
    return opened.layout, waves_of(name, opened.environments[name], opened.places)


def opened_and_settled(
    path: Path | None, cwd: Path, environ: Mapping[str, str], env: str | None, target: str | None = None
) -> tuple[Opened, Settled]:
    """What `load` makes its record of, for those who want to see where values came from; raises the same."""
    opened = open_document(path, cwd)
    return opened, _settled(opened, opened.choose(env, target).name, environ, Overrides())


def check_all(path: Path | None, cwd: Path, environ: Mapping[str, str]) -> list[Checked]:
    """Every place in the file's order, after the file's own problems; raise only where the file cannot be read."""
    opened = open_document(path, cwd)
    found = [Checked(environment="", problems=_lines(opened.faults))] if opened.faults else []
    for name in opened.places:
        settled = settle(opened, name, environ, Overrides())
        found.append(
            Checked(
                environment=name,
                problems=_lines(settled.faults),
                notes=(*_lines((*settled.unset, *settled.lacking)), *_notes(opened, name)),
            )
        )
    return found


def environments(path: Path | None, cwd: Path) -> tuple[str, ...]:
    """The names of the environments, in the file's order; raise as `load` does for a file that cannot be read."""
    return tuple(open_document(path, cwd).environments)


def digest_of(environment: Environment) -> str:
    """The sha256 of an environment's settled values: neither the order of keys nor comments nor secrets are part of it."""
    return digest(plain_data(environment))


def _covered(environment: Environment) -> tuple[tuple[str, str], ...]:
    """Every component with each of its paths."""
    return tuple((name, path) for name, part in environment.backup.components.items() for path in part.roots)


def _settled(opened: Opened, name: str, environ: Mapping[str, str], overrides: Overrides) -> Settled:
    if opened.gates is not None:
        opened.gates.require(opened.places[name].environment)
    settled = settle(opened, name, environ, overrides)
    problems = _lines((*opened.faults, *settled.faults, *settled.unset))
    if problems:
        raise ConfigurationProblem(list(problems))
    return settled


def _notes(opened: Opened, name: str) -> tuple[str, ...]:
    return (opened.gates.note(opened.places[name].environment),) if opened.gates is not None else ()


def _positive(overrides: Overrides) -> None:
    for name, example in (("duration", "60m"), ("interval", "30s")):
        value = getattr(overrides, name)
        if value is not None and value <= 0:
            cure = f"Write --{name} {example}, or a number of seconds."
            raise UsageProblem(f"--{name} must be longer than nothing", cure=cure)


def _lines(faults: Iterable[Fault]) -> tuple[str, ...]:
    """In the order of the file, each once."""
    return tuple(dict.fromkeys(str(fault) for fault in sorted(faults, key=lambda fault: fault.mark.line)))
