"""Where a run takes place: the event that started it, the commit it is about, and how far that may be trusted."""

from __future__ import annotations

from attrs import frozen


@frozen(kw_only=True)
class RunContext:
    """A run on GitHub as its event describes it; what the event does not say is empty, None or 0, never a guess.

    Branch names, and the names of other repositories, are text that strangers chose.
    """

    event: str
    """The name of the event, empty where the run is not on GitHub."""
    owner: str
    repository: str
    """The name without its owner."""
    sha: str
    """The commit that the run is about: the head of a pull request, never its test merge; empty where none is named."""
    event_sha: str
    """What GITHUB_SHA says: in a privileged event a commit of the repository itself, in pull_request the test merge."""
    ref: str
    """The ref that the run belongs to: refs/heads/main, refs/pull/7/merge."""
    head_ref: str
    """The branch that asks to be merged."""
    head_repository: str
    """owner/name of the repository that `head_ref` lives in; empty where it is unknown or deleted."""
    base_ref: str
    base_sha: str
    pull_request: int | None
    is_fork: bool | None
    """Whether the commit comes from another repository, or from one that is deleted; None where the event does not say."""
    actor: str
    """Who caused the event; of a repeated run, whoever caused the first, because that person's rights count."""
    dependabot: bool
    """Whether GitHub runs this with the reduced rights it gives to Dependabot."""
    privileged: bool
    """Whether the run has secrets or a writing token although strangers may have caused it; true of unknown events."""
    run_id: str
    attempt: int
    workflow_ref: str
    """owner/name/.github/workflows/file.yml@ref"""
    workflow_sha: str
    job: str
    server_url: str
    api_url: str

    @property
    def full_name(self) -> str:
        """owner/name"""
        return f"{self.owner}/{self.repository}"

    @property
    def run_url(self) -> str:
        """The page of this run, empty where there is none."""
        return f"{self.server_url}/{self.full_name}/actions/runs/{self.run_id}" if self.run_id else ""
