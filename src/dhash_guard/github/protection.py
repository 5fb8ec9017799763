"""Asks GitHub how a branch is protected: its rulesets, its classic protection, and what everybody may see of that."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from dhash_guard.gates.protection import Layer, LayerAnswer, ProtectionFacts, Protects
from dhash_guard.github.api import GithubApi
from dhash_guard.github.errors import Forbidden, GithubProblem, NotFound
from dhash_guard.github.fields import get, maybe, text

READ_ADMINISTRATION, READ_CONTENTS, READ_METADATA = "administration: read", "contents: read", "metadata: read"

_AS_ADMIN = (
    "Ask with the token of an App or a person with the permission Administration: read; the job's own token never has it."
)
_UNPROTECTED = "branch not protected"


def default_branch(api: GithubApi) -> str:
    """The repository's default branch; raise GithubProblem."""
    return text(api.transport.call("GET", _root(api), need=READ_METADATA).data, "default_branch")


def read_protection(api: GithubApi, branch: str) -> ProtectionFacts:
    """Both layers that GitHub has; a refusal of one is an answer about that layer, and stops nothing."""
    rules, told = _rulesets(api, branch)
    classic, said = _classic(api, branch)
    return ProtectionFacts(
        branch=branch, described=[one for one in (rules, classic) if one is not None], layers=[told, said]
    )


def _rulesets(api: GithubApi, branch: str) -> tuple[Protects | None, LayerAnswer]:
    try:
        path = f"{_root(api)}/rules/branches/{quote(branch, safe='/')}"
        rules = list(api.transport.pages(path, need=READ_METADATA))
    except GithubProblem as problem:
        what = f"the rules of {branch} cannot be read: {_said(problem)}"
        return None, LayerAnswer(layer=Layer.RULESETS, answered=False, text=what, cure=problem.cure)
    words = f"{len(rules)} rules apply to {branch}" if rules else f"no rule applies to {branch}"
    return rules_of(rules), LayerAnswer(layer=Layer.RULESETS, answered=True, text=words)


def rules_of(rules: list[dict[str, Any]]) -> Protects:
    """What the effective rules of a branch ask for together."""
    pulls = [get(rule, "parameters") for rule in rules if get(rule, "type") == "pull_request"]
    kinds = {get(rule, "type") for rule in rules}
    checks: dict[str, int] = {}
    for rule in rules:
        asked = get(rule, "parameters", "required_status_checks") if get(rule, "type") == "required_status_checks" else None
        for check in asked if isinstance(asked, list) else []:
            app = get(check, "integration_id")
            checks[maybe(check, "context")] = app if isinstance(app, int) else 0
    return Protects(
        layer=Layer.RULESETS,
        pull_request=bool(pulls),
        approvals=max((_count(pull, "required_approving_review_count") for pull in pulls), default=0),
        dismiss_stale=any(get(pull, "dismiss_stale_reviews_on_push") is True for pull in pulls),
        last_push=any(get(pull, "require_last_push_approval") is True for pull in pulls),
        checks=checks,
        queue="merge_queue" in kinds,
        no_force_push="non_fast_forward" in kinds,
        no_deletion="deletion" in kinds,
    )


def _classic(api: GithubApi, branch: str) -> tuple[Protects | None, LayerAnswer]:
    """Classic protection; where that is for administrators only, what the branch itself shows of it."""
    path = f"{_root(api)}/branches/{quote(branch, safe='')}"
    try:
        data = api.transport.call("GET", f"{path}/protection", need=READ_ADMINISTRATION).data
        return classic_of(data), LayerAnswer(layer=Layer.CLASSIC, answered=True, text=f"{branch} has classic protection")
    except NotFound as problem:
        # GitHub says 404 both for "not protected" and for "not for you"; only the words tell them apart.
        if _UNPROTECTED in problem.what.casefold():
            none = Protects(layer=Layer.CLASSIC)
            return none, LayerAnswer(layer=Layer.CLASSIC, answered=True, text=f"{branch} has no classic protection")
        refused: GithubProblem = problem
    except GithubProblem as problem:
        refused = problem
    return _reduced(api, branch, path, refused)


def _reduced(api: GithubApi, branch: str, path: str, refused: GithubProblem) -> tuple[Protects | None, LayerAnswer]:
    cure = _AS_ADMIN if isinstance(refused, Forbidden | NotFound) else refused.cure
    what = f"the classic protection of {branch} cannot be read: {_said(refused)}"
    silent = LayerAnswer(layer=Layer.CLASSIC, answered=False, text=what, cure=cure)
    try:
        data = api.transport.call("GET", path, need=READ_CONTENTS).data
    except GithubProblem:
        return None, silent
    enabled = get(data, "protection", "enabled")
    if enabled is False or get(data, "protected") is False:
        told = f"{branch} has no classic protection (the branch says so)"
        return Protects(layer=Layer.CLASSIC), LayerAnswer(layer=Layer.CLASSIC, answered=True, text=told)
    if enabled is not True:
        return None, silent
    checks = _checks(get(data, "protection", "required_status_checks"))
    part = Protects(
        layer=Layer.CLASSIC,
        pull_request=None,
        approvals=None,
        dismiss_stale=None,
        last_push=None,
        checks=checks,
        no_force_push=None,
        no_deletion=None,
        admins_too=None,
    )
    return part, silent


def classic_of(data: Any) -> Protects:
    """What classic protection asks for."""
    reviews = get(data, "required_pull_request_reviews")
    return Protects(
        layer=Layer.CLASSIC,
        pull_request=isinstance(reviews, dict),
        approvals=_count(reviews, "required_approving_review_count"),
        dismiss_stale=get(reviews, "dismiss_stale_reviews") is True,
        last_push=get(reviews, "require_last_push_approval") is True,
        checks=_checks(get(data, "required_status_checks")),
        no_force_push=get(data, "allow_force_pushes", "enabled") is not True,
        no_deletion=get(data, "allow_deletions", "enabled") is not True,
        admins_too=get(data, "enforce_admins", "enabled") is True,
    )


def _checks(data: Any) -> dict[str, int]:
    listed = get(data, "checks")
    found: dict[str, int] = {}
    for check in listed if isinstance(listed, list) else []:
        app = get(check, "app_id")
        found[maybe(check, "context")] = app if isinstance(app, int) and app > 0 else 0
    contexts = get(data, "contexts")
    return dict.fromkeys((str(name) for name in contexts if isinstance(contexts, list)), 0) | found if contexts else found


def _count(data: Any, key: str) -> int:
    found = get(data, key)
    return found if isinstance(found, int) and not isinstance(found, bool) else 0


def _root(api: GithubApi) -> str:
    return f"/repos/{api.transport.context.full_name}"


def _said(problem: GithubProblem) -> str:
    return problem.what.splitlines()[0]
