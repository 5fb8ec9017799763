"""Finds approvals that nobody could ever give, and teams that are spoken of but not asked."""

from __future__ import annotations

from dhash_guard.config.check_gates import Findings
from dhash_guard.config.names import suggest
from dhash_guard.config.schema import Environment

_AT = ("requires", "approvals")


def approvals(environment: Environment) -> Findings:
    """Nothing asked at all, teams whose list is too short, and people or numbers of teams that nothing is asked of."""
    asked = environment.requires.approvals if environment.requires is not None else None
    if asked is None:
        return
    if asked.at_least < 1 and not asked.teams:
        yield (*_AT, "at_least"), "asks for nothing; write 1 or more, or name a team"
    for team, number in asked.teams.items():
        if number < 1:
            yield (*_AT, "teams", team), "must be 1 or more; remove the team where nothing is asked of it"
        people = {login.casefold() for login in asked.people.get(team, ())}
        if team in asked.people and len(people) < number:
            yield (*_AT, "people", team), f"lists {len(people)}, but {number} of {team} have to approve; list more"
    for section, named in (("people", asked.people), ("team_ids", asked.team_ids)):
        for team in named:
            if team not in asked.teams:
                yield (*_AT, section, team), f"nothing is asked of this team; {suggest(team, asked.teams)}"
