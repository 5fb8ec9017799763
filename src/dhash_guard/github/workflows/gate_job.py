"""Decides what a job does when one of the jobs it needs did not succeed: fail, pass, be skipped, or nobody can tell."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from itertools import pairwise
from typing import Any

from dhash_guard.github.workflows.expression import UNKNOWN, NotAnExpression, Unknown, evaluate, names_of, truth
from dhash_guard.github.workflows.file import Job, Step
from dhash_guard.github.workflows.shell import OPAQUE, Truth
from dhash_guard.github.workflows.shell import fails as script_fails

BAD = ("failure", "cancelled", "skipped")
"""How a job may end without success."""

_STATUS = {"always", "success", "failure", "cancelled"}
_EXPRESSION = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)
_SEES_ALL = re.compile(r"\bneeds\s*\.\s*\*|\btojson\s*\(\s*needs\s*\)|\bneeds\s*\[\s*\*", re.IGNORECASE)
_READERS = re.compile(r"\b(jq|grep|awk|python3?|node|perl|ruby|pwsh)\b")
_ALL_GREEN = "re-actors/alls-green@"
_OURS = "mobius/dhash-guard@"


def runs(job: Job, results: Mapping[str, str], *, event: str = "pull_request", cancelled: bool = False) -> Truth:
    """Whether the job is started when its needs ended so; a job that is not started counts as passed."""
    good = all(result == "success" for result in results.values()) and not cancelled
    functions = {
        "always": lambda: True,
        "success": lambda: good,
        "failure": lambda: "failure" in results.values(),
        "cancelled": lambda: cancelled,
    }
    text = job.condition
    if not text:
        return good
    asked = _truth(text, _context(results, event), functions)
    if _STATUS & names_of(text):
        return asked
    return asked if good else False


def fails(job: Job, results: Mapping[str, str], *, event: str = "pull_request", cancelled: bool = False) -> Truth:
    """Whether one of the job's steps fails when its needs ended so, given that the job is started."""
    functions = {
        "always": lambda: True,
        "success": lambda: True,
        "failure": lambda: False,
        "cancelled": lambda: cancelled,
    }
    context = _context(results, event)
    unknown = False
    for step in job.steps:
        if step.forgiven:
            continue
        asked = _truth(step.condition, context, functions) if step.condition else True
        if asked is False:
            continue
        done = _step_fails(step, context, results)
        if asked is True and done is True:
            return True
        unknown |= done is not False
    return UNKNOWN if unknown else False


def hidden(between: Job, need: str) -> bool:
    """Whether a job that needs `need` is started, or may be, although that one failed: whoever needs it sees no failure."""
    results = {name: "failure" if name == need else "success" for name in between.needs}
    return runs(between, results) is not False


def _step_fails(step: Step, context: Mapping[str, Any], results: Mapping[str, str]) -> Truth:
    if step.uses.lower().startswith(_ALL_GREEN):
        return _all_green(step, results)
    if step.uses.lower().startswith(_OURS) and "--gate" in step.given.get("args", ""):
        return _our_gate(step, context)
    if step.uses:
        said = " ".join(step.given.values())
        if "github-script" in step.uses:
            said = " ".join([*step.given.values(), *step.env.values()])
            return _by_words(step.given.get("script", ""), results, r"setFailed|\bthrow\b") if "needs" in said else False
        return UNKNOWN if "needs" in said else False
    if not step.run:
        return False
    script, variables = _filled(step.run, context), {name: _filled(text, context) for name, text in step.env.items()}
    if _READERS.search(script) and _sees(step, results):
        return _by_words(
            step.run, results, r"\bexit\s+[^0\s]|\bfalse\b|\bjq\b[^\n|]*\s-\w*e|\bgrep\b|sys\.exit|raise|assert"
        )
    return script_fails(script, variables)


def _all_green(step: Step, results: Mapping[str, str]) -> bool:
    """That action fails unless every job succeeded, but for those it is told to allow."""
    if not _SEES_ALL.search(step.given.get("jobs", "")):
        return False
    allowed = {
        "failure": _listed(step.given.get("allowed-failures", "")),
        "skipped": _listed(step.given.get("allowed-skips", "")),
        "cancelled": set(),
    }
    return any(result != "success" and name not in allowed[result] for name, result in results.items())


def _our_gate(step: Step, context: Mapping[str, Any]) -> Truth:
    """`premerge --gate` fails unless every result that `--jobs` and `--also` hand to it is success."""
    words = _filled(step.given["args"], context).replace("=", "\n").splitlines()
    told = [two for one, two in pairwise(filter(None, map(str.strip, words))) if one in ("--jobs", "--also")]
    results = [result.strip() for one in told for result in one.split(",")]
    if any(result in BAD for result in results):
        return True
    return False if all(result == "success" for result in results) else UNKNOWN


def _listed(text: str) -> set[str]:
    return set(re.findall(r"[\w-]+", text))


def _sees(step: Step, results: Mapping[str, str]) -> bool:
    """Whether what the step reads holds the one result that is not success."""
    bad = [name for name, result in results.items() if result != "success"]
    texts = [step.run, *(text for name, text in step.env.items() if name in step.run)]
    found = " ".join(inner for text in texts for inner in _EXPRESSION.findall(text))
    return bool(_SEES_ALL.search(found)) or any(
        re.search(rf"\bneeds\s*(?:\.\s*{re.escape(name)}|\[\s*'{re.escape(name)}'\s*\])\s*\.\s*result", found, re.IGNORECASE)
        for name in bad
    )


def _by_words(script: str, results: Mapping[str, str], ways: str) -> Truth:
    """What a script does that cannot be followed, by its words: who asks for success refuses all that it does not name."""
    result = next((result for result in results.values() if result != "success"), "success")
    told = re.sub(r"#[^\n]*|\b(?:echo|printf|core\.info|console\.log|print)\b[^|\n;]*(?=$|[\n;])", "", script)
    if not re.search(ways, told):
        return False
    words = set(re.findall(r"success|failure|cancelled|skipped", told))
    if not words:
        return UNKNOWN
    return result not in words if "success" in words else result in words


def _filled(text: str, context: Mapping[str, Any]) -> str:
    """A text with its expressions replaced by their values."""

    def one(found: re.Match[str]) -> str:
        value = _value(found[1], context, {"always": lambda: True, "cancelled": lambda: False, "failure": lambda: False})
        if isinstance(value, bool):
            return "true" if value else "false"
        return value if isinstance(value, str) else OPAQUE

    return _EXPRESSION.sub(one, text)


def _truth(text: str, context: Mapping[str, Any], functions: Mapping[str, Callable[[], Any]]) -> Truth:
    if _EXPRESSION.search(text):
        # Text around an expression makes it a text, and every text that is not empty is true.
        inner = _EXPRESSION.sub("", text).strip()
        if inner and not re.search(r"&&|\|\||[=!<>]|\w\(", inner):
            return True
        text = _EXPRESSION.sub(r"(\1)", text)
    return truth(_value(text, context, functions))


def _value(text: str, context: Mapping[str, Any], functions: Mapping[str, Callable[[], Any]]) -> Any:
    try:
        return evaluate(text, context, functions)
    except NotAnExpression:
        return UNKNOWN


def _context(results: Mapping[str, str], event: str) -> dict[str, Any]:
    """What is known of a run on a pull request that is no draft."""
    pull = {"draft": False, "state": "open", "*": UNKNOWN}
    return {
        "needs": {name: {"result": result, "outputs": {"*": UNKNOWN}} for name, result in results.items()},
        "github": {"event_name": event, "event": {"pull_request": pull, "*": UNKNOWN}, "*": UNKNOWN},
        "job": {"status": "success"},
    }


def worst(found: Iterable[Truth]) -> Truth:
    """False before unknown before true."""
    told = list(found)
    if False in told:
        return False
    return UNKNOWN if any(isinstance(one, Unknown) for one in told) else True
