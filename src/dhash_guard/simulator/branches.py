"""Answers about branches: the tip, classic protection, and the effective rules of rulesets."""

from __future__ import annotations

from typing import Any

from dhash_guard.simulator.call import Call, Refusal, Reply
from dhash_guard.simulator.pages import page_of
from dhash_guard.simulator.people import stable_id
from dhash_guard.simulator.repository import commit
from dhash_guard.simulator.state import Branch


def get(call: Call) -> Reply:
    """`GET …/branches/{branch}`: with the reduced protection that everybody may see."""
    branch, name = _find(call), call.params["branch"]
    classic = branch.by == "classic"
    checks = list(branch.required_checks) if classic else []
    reduced = {
        "enabled": classic,
        "required_status_checks": _required(checks) | {"enforcement_level": "everyone" if checks else "off"},
    }
    data = {
        "name": name,
        "commit": commit(call, branch.sha),
        "_links": {"self": _url(call), "html": f"{call.html}/tree/{name}"},
        "protected": branch.by != "none",
        "protection": reduced,
        "protection_url": f"{_url(call)}/protection",
    }
    return Reply(data=data)


def protection(call: Call) -> Reply:
    """`GET …/branches/{branch}/protection`: classic protection, for administrators."""
    branch = _find(call)
    if branch.by != "classic":
        raise Refusal(404, "Branch not protected")
    url = f"{_url(call)}/protection"
    enabled = {
        "enforce_admins": True,
        "required_linear_history": False,
        "allow_force_pushes": False,
        "allow_deletions": False,
    }
    data: dict[str, Any] = {"url": url} | {name: {"enabled": value} for name, value in enabled.items()}
    data["enforce_admins"]["url"] = f"{url}/enforce_admins"
    if branch.required_checks:
        data["required_status_checks"] = _required(list(branch.required_checks)) | {
            "url": f"{url}/required_status_checks",
            "contexts_url": f"{url}/required_status_checks/contexts",
            "strict": False,
        }
    if branch.approvals:
        data["required_pull_request_reviews"] = {
            "url": f"{url}/required_pull_request_reviews",
            "dismiss_stale_reviews": branch.dismiss_stale,
            "require_code_owner_reviews": branch.code_owners,
            "required_approving_review_count": branch.approvals,
            "require_last_push_approval": False,
        }
    return Reply(data=data)


def rules(call: Call) -> Reply:
    """`GET …/rules/branches/{branch}`: what rulesets ask for; classic protection is not among it."""
    branch = call.repository.branches.get(call.params["branch"], Branch())
    shown, headers = page_of(call, _rules(call, branch) if branch.by == "ruleset" else [])
    return Reply(data=shown, headers=headers)


def _rules(call: Call, branch: Branch) -> list[dict[str, Any]]:
    source = {
        "ruleset_source_type": "Repository",
        "ruleset_source": call.name,
        "ruleset_id": stable_id("ruleset", call.name),
    }
    pull_request = {
        "required_approving_review_count": branch.approvals,
        "require_code_owner_review": branch.code_owners,
        "dismiss_stale_reviews_on_push": branch.dismiss_stale,
        "require_last_push_approval": False,
        "required_review_thread_resolution": False,
        "allowed_merge_methods": ["merge", "squash", "rebase"],
    }
    rules: list[dict[str, Any]] = [{"type": "pull_request", "parameters": pull_request} | source]
    if branch.required_checks:
        checks = {
            "strict_required_status_checks_policy": False,
            "required_status_checks": [{"context": name} for name in branch.required_checks],
        }
        rules.append({"type": "required_status_checks", "parameters": checks} | source)
    return rules


def _required(checks: list[str]) -> dict[str, Any]:
    return {"contexts": checks, "checks": [{"context": name, "app_id": None} for name in checks]}


def _url(call: Call) -> str:
    return f"{call.api}/branches/{call.params['branch']}"


def _find(call: Call) -> Branch:
    branch = call.repository.branches.get(call.params["branch"])
    if branch is None:
        raise Refusal(404, "Branch not found")
    return branch
