"""The server that the real client speaks to, and both sides of the contract."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from dhash_guard.github.api import GithubApi
from unit.github.hub import Hub
from unit.github.world import FakeGithub, StillClock, context


@pytest.fixture
def hub() -> Iterator[Hub]:
    with Hub().serving() as serving:
        yield serving


@pytest.fixture
def clock() -> StillClock:
    return StillClock()


@pytest.fixture
def api(hub: Hub, clock: StillClock) -> GithubApi:
    return GithubApi("ghs_token", context(api_url=hub.url), clock)


@pytest.fixture(params=["fake", "real"])
def github(request: pytest.FixtureRequest, hub: Hub, api: GithubApi) -> FakeGithub | GithubApi:
    """The fake and the real client over the same repository: what holds for one holds for the other."""
    return api if request.param == "real" else FakeGithub(hub.repository, context())
