"""Answers about workflow runs and their jobs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from dhash_guard.simulator.call import Call, Reply, not_found
from dhash_guard.simulator.pages import page_of
from dhash_guard.simulator.people import node_id, stable_id, user
from dhash_guard.simulator.repository import minimal
from dhash_guard.simulator.state import Job, PullRequest, WorkflowRun, made_up_sha, moment


def later(time: str, seconds: int) -> str:
    """A time so many seconds after another."""
    return moment(
        (datetime.strptime(time, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC) + timedelta(seconds=seconds)).timestamp()
    )


def find(call: Call) -> WorkflowRun:
    """The run of the path."""
    return call.pick(call.repository.runs, "run_id")


def shape(call: Call, run: WorkflowRun) -> dict[str, Any]:
    """GitHub's workflow run."""
    url, workflow = f"{call.api}/actions/runs/{run.id}", stable_id("workflow", run.path)
    suite = stable_id("suite", str(run.id))
    head = run.head_repository or call.name
    private = call.repository.private
    author = {"name": run.actor, "email": f"{run.actor}@example.com"}
    urls = {f"{name}_url": f"{url}/{name}" for name in ("jobs", "logs", "artifacts", "cancel", "rerun")}
    return urls | {
        "id": run.id,
        "node_id": node_id("WorkflowRun", run.id),
        "name": run.name,
        "display_title": run.name,
        "path": run.path,
        "workflow_id": workflow,
        "run_number": 1,
        "run_attempt": run.attempt,
        "event": run.event,
        "status": run.status,
        "conclusion": run.conclusion,
        "head_branch": run.head_branch,
        "head_sha": run.head_sha,
        "head_commit": {
            "id": run.head_sha,
            "tree_id": run.tree or made_up_sha("tree", run.head_sha),
            "message": "A change",
            "timestamp": run.created_at,
            "author": author,
            "committer": author,
        },
        "head_repository": minimal(call.base, head, private=private, fork=head != call.name),
        "repository": minimal(call.base, call.name, private=private),
        "pull_requests": [_minimal_pull(call, pull) for pull in call.repository.pull_requests if _belongs(call, run, pull)],
        "actor": user(call.base, run.actor),
        "triggering_actor": user(call.base, run.actor),
        "url": url,
        "html_url": f"{call.html}/actions/runs/{run.id}",
        "workflow_url": f"{call.api}/actions/workflows/{workflow}",
        "check_suite_id": suite,
        "check_suite_node_id": node_id("CheckSuite", suite),
        "check_suite_url": f"{call.api}/check-suites/{suite}",
        "previous_attempt_url": f"{url}/attempts/{run.attempt - 1}" if run.attempt > 1 else None,
        "created_at": run.created_at,
        "updated_at": run.created_at,
        "run_started_at": run.created_at,
    }


def get(call: Call) -> Reply:
    """`GET …/actions/runs/{run_id}`."""
    return Reply(data=shape(call, find(call)))


def listing(call: Call) -> Reply:
    """`GET …/actions/runs`, newest first; head_sha, branch, event and status choose."""
    wanted = {name: call.query[key] for key, name in _FILTERS.items() if key in call.query}
    chosen = [
        run
        for run in reversed(call.repository.runs)
        if all(getattr(run, name) == value for name, value in wanted.items())
        and call.query.get("status") in (None, run.status, run.conclusion)
    ]
    shown, headers = page_of(call, chosen)
    return Reply(data={"total_count": len(chosen), "workflow_runs": [shape(call, run) for run in shown]}, headers=headers)


_FILTERS = {"head_sha": "head_sha", "branch": "head_branch", "event": "event", "actor": "actor"}


def _belongs(call: Call, run: WorkflowRun, pull: PullRequest) -> bool:
    """Whether GitHub lists the pull request at the run: never for a fork, whose pull requests its own repository owns."""
    forked = (run.head_repository or call.name) != call.name
    return not forked and pull.state == "open" and not pull.head_repository and pull.head_ref == run.head_branch


def _minimal_pull(call: Call, pull: PullRequest) -> dict[str, Any]:
    repo = {"id": stable_id("repository", call.name), "url": call.api, "name": call.params["repo"]}
    base = call.repository.branches.get(pull.base_ref)
    return {
        "id": pull.number,
        "number": pull.number,
        "url": f"{call.api}/pulls/{pull.number}",
        "head": {"ref": pull.head_ref, "sha": pull.head_sha, "repo": repo},
        "base": {"ref": pull.base_ref, "sha": base.sha if base else made_up_sha(pull.base_ref), "repo": repo},
    }


def job_shape(call: Call, job: Job) -> dict[str, Any]:
    """GitHub's job."""
    run = next((run for run in call.repository.runs if run.id == job.run), None)
    done = job.status == "completed"
    finished = (job.completed_at or job.started_at) if done else None
    step = {"name": "Run", "status": job.status if done else "in_progress", "conclusion": job.conclusion, "number": 1}
    return {
        "id": job.id,
        "node_id": node_id("CheckRun", job.id),
        "run_id": job.run,
        "run_url": f"{call.api}/actions/runs/{job.run}",
        "run_attempt": job.attempt,
        "head_sha": run.head_sha if run else "",
        "head_branch": run.head_branch if run else None,
        "workflow_name": run.name if run else None,
        "name": job.name,
        "url": f"{call.api}/actions/jobs/{job.id}",
        "html_url": f"{call.html}/actions/runs/{job.run}/job/{job.id}",
        "check_run_url": f"{call.api}/check-runs/{job.id}",
        "status": job.status,
        "conclusion": job.conclusion if done else None,
        "created_at": job.started_at,
        "started_at": job.started_at,
        "completed_at": finished,
        "labels": ["ubuntu-latest"],
        "steps": [step | {"started_at": job.started_at, "completed_at": finished}],
    } | dict.fromkeys(("runner_id", "runner_name", "runner_group_id", "runner_group_name"))


def jobs(call: Call) -> Reply:
    """`GET …/actions/runs/{run_id}/jobs`: those of the last attempt, or all with `filter=all`."""
    run = find(call)
    every = call.query.get("filter") == "all"
    return _job_page(call, [job for job in _jobs_of(call, run) if every or job.attempt == run.attempt])


def jobs_of_attempt(call: Call) -> Reply:
    """`GET …/actions/runs/{run_id}/attempts/{attempt_number}/jobs`."""
    run, attempt = find(call), call.number("attempt_number")
    if not 1 <= attempt <= run.attempt:
        raise not_found()
    return _job_page(call, [job for job in _jobs_of(call, run) if job.attempt == attempt])


def job(call: Call) -> Reply:
    """`GET …/actions/jobs/{job_id}`."""
    return Reply(data=job_shape(call, call.pick(call.repository.jobs, "job_id")))


def _jobs_of(call: Call, run: WorkflowRun) -> list[Job]:
    return [job for job in call.repository.jobs if job.run == run.id]


def _job_page(call: Call, chosen: list[Job]) -> Reply:
    shown, headers = page_of(call, chosen)
    return Reply(data={"total_count": len(chosen), "jobs": [job_shape(call, one) for one in shown]}, headers=headers)
