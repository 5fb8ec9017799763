"""Reads one workflow file into its triggers, jobs and steps, each with its line; nothing in it is ever run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from attrs import frozen

Path = tuple[str | int, ...]

_MOST_BYTES = 512 * 1024
_DEEPEST = 40


class Unreadable(Exception):
    """The file is no workflow; `line` counts from 1."""

    def __init__(self, text: str, line: int = 1) -> None:
        super().__init__(text)
        self.text, self.line = text, line


@frozen(kw_only=True)
class Step:
    """One step; `condition` is its `if`, empty where there is none, `env` that of workflow, job and step together."""

    line: int
    condition: str
    run: str
    uses: str
    given: Mapping[str, str]
    env: Mapping[str, str]
    forgiven: bool


@frozen(kw_only=True)
class Job:
    """One job; `name` is None where it has none of its own, `forgiven` its `continue-on-error` as it is written."""

    id: str
    line: int
    name: str | None
    needs: tuple[str, ...]
    needs_line: int
    condition: str
    condition_line: int
    uses: str
    matrix: Any
    forgiven: str
    steps: tuple[Step, ...]


@frozen(kw_only=True)
class Workflow:
    """One workflow file; `triggers` maps each event to its filters, `lines` knows where each key stands."""

    path: str
    triggers: Mapping[str, Mapping[str, Any]]
    jobs: Mapping[str, Job]
    lines: Mapping[Path, int]

    def line(self, *path: str | int) -> int:
        """The line of a key, or of what encloses it."""
        for length in range(len(path), -1, -1):
            if path[:length] in self.lines:
                return self.lines[path[:length]]
        return 1

    def trigger_line(self, *path: str | int) -> int:
        """The line of an event, or of one of its filters."""
        return self.line("on", *path)


def read(path: str, text: str) -> Workflow:
    """The workflow in `text`; raise Unreadable where it is none."""
    data, lines = _load(text)
    if not isinstance(data, dict):
        raise Unreadable("is no mapping")
    jobs = data.get("jobs")
    if not isinstance(jobs, dict) or not jobs:
        raise Unreadable("has no jobs", lines.get(("jobs",), 1))
    triggers = _triggers(data.get("on"))
    if not triggers:
        raise Unreadable("listens to nothing: `on` is missing", lines.get(("on",), 1))
    made = {name: _job(name, job, lines, _texts(data.get("env"))) for name, job in jobs.items() if isinstance(job, dict)}
    return Workflow(path=path, triggers=triggers, jobs=made, lines=lines)


def _triggers(on: Any) -> dict[str, Mapping[str, Any]]:
    if isinstance(on, str):
        return {on: {}}
    if isinstance(on, list):
        return {str(event): {} for event in on}
    if isinstance(on, dict):
        return {event: filters if isinstance(filters, dict) else {} for event, filters in on.items()}
    return {}


def _job(name: str, job: Mapping[str, Any], lines: Mapping[Path, int], env: Mapping[str, str]) -> Job:
    at: Path = ("jobs", name)
    needs = job.get("needs")
    strategy = job.get("strategy")
    inner = {**env, **_texts(job.get("env"))}
    steps = job.get("steps")
    return Job(
        id=name,
        line=lines.get(at, 1),
        name=str(job["name"]) if job.get("name") is not None else None,
        needs=(needs,) if isinstance(needs, str) else tuple(map(str, needs)) if isinstance(needs, list) else (),
        needs_line=lines.get((*at, "needs"), lines.get(at, 1)),
        condition=_condition(job.get("if")),
        condition_line=lines.get((*at, "if"), lines.get(at, 1)),
        uses=str(job.get("uses") or ""),
        matrix=strategy.get("matrix") if isinstance(strategy, dict) else None,
        forgiven=_text(job.get("continue-on-error")),
        steps=tuple(
            _step(step, lines.get((*at, "steps", place), 1), inner)
            for place, step in enumerate(steps if isinstance(steps, list) else [])
            if isinstance(step, dict)
        ),
    )


def _step(step: Mapping[str, Any], line: int, env: Mapping[str, str]) -> Step:
    return Step(
        line=line,
        condition=_condition(step.get("if")),
        run=str(step.get("run") or ""),
        uses=str(step.get("uses") or ""),
        given=_texts(step.get("with")),
        env={**env, **_texts(step.get("env"))},
        forgiven=_text(step.get("continue-on-error")) not in ("", "false"),
    )


def _condition(value: Any) -> str:
    """An `if` as an expression, with or without its `${{ }}`."""
    text = _text(value).strip()
    whole = text.startswith("${{") and text.endswith("}}") and text.count("${{") == 1
    return text[3:-2].strip() if whole else text


def _texts(value: Any) -> dict[str, str]:
    return {str(key): _text(inner) for key, inner in value.items()} if isinstance(value, dict) else {}


def _text(value: Any) -> str:
    if value is None:
        return ""
    return ("false", "true")[value] if isinstance(value, bool) else str(value)


def _load(text: str) -> tuple[Any, dict[Path, int]]:
    """The data of a YAML document, and the line of every key and item; GitHub reads `on` and `yes` as words."""
    import yaml

    if len(text) > _MOST_BYTES:
        raise Unreadable("is larger than any workflow")
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        lines: dict[Path, int] = {}
        return _plain(node, (), lines, 0), lines
    except yaml.MarkedYAMLError as problem:
        mark = problem.problem_mark or problem.context_mark
        raise Unreadable(f"is no valid YAML: {problem.problem}", mark.line + 1 if mark is not None else 1) from problem
    except (yaml.YAMLError, ValueError, RecursionError) as problem:
        raise Unreadable("is no valid YAML") from problem


def _plain(node: Any, path: Path, lines: dict[Path, int], depth: int) -> Any:
    from yaml.nodes import MappingNode, SequenceNode

    if node is None:
        return None
    if depth > _DEEPEST or len(lines) > 50_000:
        raise Unreadable("is nested deeper, or larger, than any workflow", node.start_mark.line + 1)
    lines.setdefault(path, node.start_mark.line + 1)
    if isinstance(node, MappingNode):
        found = {}
        for key, value in node.value:
            name = str(key.value) if key.id == "scalar" else "?"
            if name in found:
                raise Unreadable(f"has the key {name!r} twice", key.start_mark.line + 1)
            lines[(*path, name)] = key.start_mark.line + 1
            found[name] = _plain(value, (*path, name), lines, depth + 1)
        return found
    if isinstance(node, SequenceNode):
        return [_plain(child, (*path, place), lines, depth + 1) for place, child in enumerate(node.value)]
    return _scalar(node.tag, node.value)


def _scalar(tag: str, value: str) -> Any:
    match tag:
        case "tag:yaml.org,2002:null":
            return None
        case "tag:yaml.org,2002:bool" if value.lower() in ("true", "false"):
            return value.lower() == "true"
        case "tag:yaml.org,2002:int" if value.lstrip("-").isdigit():
            return int(value)
    return value


def names(value: Any) -> Sequence[str]:
    """A filter's list of names, also where one is written alone."""
    return [str(item) for item in value] if isinstance(value, list) else [] if value is None else [str(value)]
