"""Answers about branches: the tip, classic protection, and the effective rules of rulesets."""

from __future__ import annotations

from typing import Any

from dhash_guard.simulator.call import Call, Refusal, Reply
from dhash_guard.simulator.pages import page_of
from dhash_guard.simulator.people import stable_id
from dhash_guard.simulator.repository import commit
from dhash_guard.simulator.state import Branch

_QUEUE = {
    "check_response_timeout_minutes": 60,
    "grouping_strategy": "ALLGREEN",
    "max_entries_to_build": 5,
    "max_entries_to_merge": 5,
    "merge_method": "SQUASH",
    "min_entries_to_merge": 1,
    "min_entries_to_merge_wait_minutes": 5,
}


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
        "enforce_admins": branch.enforce_admins,
        "required_linear_history": False,
        "allow_force_pushes": branch.force_pushes,
        "allow_deletions": branch.deletions,
    }
    data: dict[str, Any] = {"url": url} | {name: {"enabled": value} for name, value in enabled.items()}
    data["enforce_admins"]["url"] = f"{url}/enforce_admins"
    if branch.required_checks:
        data["required_status_checks"] = _required(list(branch.required_checks), branch.app) | {
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
            "require_last_push_approval": branch.last_push,
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
    pull_request: dict[str, Any] = {
        "required_approving_review_count": branch.approvals,
        "require_code_owner_review": branch.code_owners,
        "dismiss_stale_reviews_on_push": branch.dismiss_stale,
        "require_last_push_approval": branch.last_push,
        "required_review_thread_resolution": False,
        "allowed_merge_methods": ["merge", "squash", "rebase"],
    }
    if branch.required_reviewers:
        pull_request["required_reviewers"] = [
            {
                "file_patterns": list(branch.reviewed_files),
                "minimum_approvals": least,
                "reviewer": {"id": stable_id("team", call.params["owner"], team), "type": "Team"},
            }
            for team, least in branch.required_reviewers.items()
        ]
    rules: list[dict[str, Any]] = [{"type": "pull_request", "parameters": pull_request} | source]
    if branch.required_checks:
        checks = {
            "strict_required_status_checks_policy": False,
            "required_status_checks": [
                {"context": name} | ({} if branch.app is None else {"integration_id": branch.app})
                for name in branch.required_checks
            ],
        }
        rules.append({"type": "required_status_checks", "parameters": checks} | source)
    if branch.merge_queue:
        rules.append({"type": "merge_queue", "parameters": _QUEUE} | source)
    rules += [{"type": "non_fast_forward"} | source] if not branch.force_pushes else []
    rules += [{"type": "deletion"} | source] if not branch.deletions else []
    return rules


def _required(checks: list[str], app: int | None = None) -> dict[str, Any]:
    return {"contexts": checks, "checks": [{"context": name, "app_id": app} for name in checks]}


def _url(call: Call) -> str:
    return f"{call.api}/branches/{call.params['branch']}"


def _find(call: Call) -> Branch:
    branch = call.repository.branches.get(call.params["branch"])
    if branch is None:
        raise Refusal(404, "Branch not found")
    return branch
