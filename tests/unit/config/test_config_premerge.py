"""What can be wrong with the section `premerge`, each at its place."""

from __future__ import annotations

import pytest

from unit.config.project import Project

GOOD = "version: 1\nservice: a\nenvironments: {x: {}}\n"
WRONG = [
    ("security: {reports: [{kind: npm-audit}]}", "premerge.security.reports[0]", "names nothing"),
    ("security: {reports: [{kind: sarif, path: a, run: [b]}]}", "premerge.security.reports[0].run", "has both path and run"),
    ("security: {reports: [{kind: sarif, path: /a}]}", "premerge.security.reports[0].path", "must be relative"),
    ("security: {reports: [{kind: sarif, run: []}]}", "premerge.security.reports[0].run", "is empty"),
    ("security: {reports: [{kind: npm, path: a}]}", "premerge.security.reports[0].kind", "is an unknown kind"),
    ("security: {reports: [{kind: sarif, path: a, unrated: hihg}]}", "premerge.security.reports[0].unrated", "mean high?"),
    ("security: {block: high, warn: critical}", "premerge.security.warn", "is graver than block"),
    ("security: {allow: [{id: x, until: 2027-01-01T00:00Z}]}", "premerge.security.allow[0].reason", "is missing"),
    ("security: {allow: [{id: x, reason: y}]}", "premerge.security.allow[0].until", "is missing"),
    ("security: {allow: [{id: x, reason: ' ', until: 2027-01-01T00:00Z}]}", "premerge.security.allow[0].reason", "is empty"),
    ("systems: [../x]", "premerge.systems[0]", "is no name for files"),
    ("systems: [linux], may_miss: [linxu]", "premerge.may_miss[0]", "did you mean linux?"),
    ("legs: [check], may_skip: [smoke]", "premerge.may_skip[0]", "smoke is no leg of this project"),
]


@pytest.mark.parametrize(("text", "path", "what"), WRONG, ids=[path for _, path, _ in WRONG])
def test_each_fault_is_told_at_its_place(project: Project, text: str, path: str, what: str) -> None:
    (problem,) = project.problems(f"{GOOD}premerge: {{{text}}}\n")
    assert problem.startswith(f"dhash-guard.yml:4: {path}: ")
    assert what in problem
