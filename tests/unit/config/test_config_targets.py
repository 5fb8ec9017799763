"""Targets of an environment: what each of them is, how it is chosen, and everything that can be wrong."""

from __future__ import annotations

import pytest

from dhash_guard.config import arranged, check_all, environments
from dhash_guard.errors import ConfigurationProblem, UsageProblem
from dhash_guard.gates.waves import Target, Undo
from unit.config.project import ENVIRON, Project

FILE = """version: 1
service: dhash
defaults:
  deploy: {run: [deploy, "{tag}"], timeout: 5m}
environments:
  staging: {base_url: "http://127.0.0.1:1"}
  production:
    gates: {preset: default}
    deploy: {settle: 1s}
    waves: {undo: all}
    requires: {backup: {}}
    targets:
      eu-1: {wave: 1, base_url: "http://127.0.0.1:2"}
      us-1: {wave: 2, base_url: "http://127.0.0.1:3", deploy: {timeout: 9m}, gates: {health: off}}
"""


def target(text: str, *, wave: str = "wave: 1") -> str:
    """The file with `us-1` written like this."""
    head = FILE[: FILE.index("      us-1:")]
    return f"{head}      us-1: {{{wave}, base_url: 'http://127.0.0.1:3'{', ' if text else ''}{text}}}\n"


def chosen(project: Project, env: str | None, name: str | None, text: str = FILE) -> tuple[str, str | None]:
    from dhash_guard.config import load

    project.write(text)
    found = load(None, project.root, ENVIRON, env, name)
    return found.name, found.environment.base_url


def test_a_target_is_laid_over_its_environment_and_that_over_the_defaults(project: Project) -> None:
    found = project.load(FILE, "production-us-1")
    assert found.environment.base_url == "http://127.0.0.1:3"
    assert found.environment.deploy is not None
    assert (found.environment.deploy.timeout, found.environment.deploy.settle) == (540.0, 1.0)
    assert "health" not in found.environment.gates
    assert found.environment.requires is not None
    assert found.environment.kind.value == "production", "by the name of the environment, not of the place"
    assert found.target == Target(name="us-1", place="production-us-1", wave=2)
    assert found.others == ("staging", "production-eu-1")
    assert "health" in project.load(FILE, "production-eu-1").environment.gates


def test_the_waves_are_known_to_every_target(project: Project) -> None:
    waves = project.load(FILE, "production-eu-1").waves
    assert (waves.environment, waves.undo, waves.count) == ("production", Undo.ALL, 2)
    assert [(one.name, one.wave) for one in waves.targets] == [("eu-1", 1), ("us-1", 2)]
    assert waves == arranged(None, project.root, "production")[1] == arranged(None, project.root, "production-us-1")[1]


def test_an_environment_without_targets_is_a_place_itself(project: Project) -> None:
    found = project.load(FILE, "staging")
    assert found.target == Target(name="", place="staging")
    assert found.waves.targets == (found.target,)
    assert environments(None, project.root) == ("staging", "production")


def test_each_target_has_its_own_state_and_digest(project: Project) -> None:
    one, other = project.load(FILE, "production-eu-1"), project.load(FILE, "production-us-1")
    assert one.layout.deployment(one.name) != other.layout.deployment(other.name)
    assert one.digest != other.digest


def test_another_target_does_not_change_the_digest(project: Project) -> None:
    before = project.load(FILE, "production-eu-1").digest
    more = FILE + "      us-2: {wave: 2, base_url: '${NOT_SET_HERE}'}\n"
    assert project.load(more, "production-eu-1").digest == before, "nor does it ask for the variables of the other"


@pytest.mark.parametrize(
    ("env", "name", "port"),
    [
        ("production", "eu-1", 2),
        ("production", "us-1", 3),
        ("production-us-1", None, 3),
        ("production-us-1", "us-1", 3),
        ("production-us-1", "", 3),
        ("staging", None, 1),
        ("staging", "", 1),
    ],
)
def test_a_place_is_chosen(project: Project, env: str, name: str | None, port: int) -> None:
    assert chosen(project, env, name)[1] == f"http://127.0.0.1:{port}"


@pytest.mark.parametrize(
    ("env", "name", "words"),
    [
        ("production", None, "production has several targets: eu-1, us-1"),
        ("production", "", "production has several targets: eu-1, us-1"),
        ("production", "us1", "production has no target 'us1'; did you mean us-1?"),
        ("staging", "us-1", "staging has no targets, but 'us-1' is named"),
        ("production-eu-1", "us-1", "production-eu-1 is the target eu-1, not us-1"),
        ("production-eu1", None, "no environment 'production-eu1'; did you mean production-eu-1?"),
        (None, "us-1", "there are several environments: staging, production"),
    ],
)
def test_what_names_no_place_is_refused_with_what_there_is(
    project: Project, env: str | None, name: str | None, words: str
) -> None:
    with pytest.raises(UsageProblem) as caught:
        chosen(project, env, name)
    assert words in caught.value.what


WRONG = {
    "no wave": (target("", wave="kind_: 1"), "targets.us-1.wave: is missing"),
    "wave 0": (target("", wave="wave: 0"), "targets.us-1.wave: 0 is no wave; they count from 1"),
    "a wave as text": (target("", wave="wave: '2'"), "'2' is no whole number"),
    "a hole": (target("", wave="wave: 4"), "targets: nothing goes in wave 2, 3; number the waves without holes"),
    "no first wave": (FILE.replace("wave: 1", "wave: 2"), "nothing goes in wave 1"),
    "another kind": (target("kind: staging"), "targets.us-1.kind: holds for all targets of the environment"),
    "weaker requirements": (target("requires: {}"), "targets.us-1.requires: holds for all targets"),
    "targets of a target": (target("targets: {}"), "targets.us-1.targets: holds for all targets"),
    "mistyped": (target("", wave="wave: 1, wav: 1"), "targets.us-1.wav: unknown key; did you mean wave?"),
    "mistyped setting": (target("base_ulr: x"), "targets.us-1.base_ulr: unknown key; did you mean base_url?"),
    "deep inside": (target("deploy: {setle: 1s}"), "deploy.setle: unknown key; did you mean settle?"),
    "no name for files": (FILE.replace("us-1:", "us.1:"), "'us.1' is no name for files"),
    "no mapping": (FILE.replace('{wave: 1, base_url: "http://127.0.0.1:2"}', "1"), "targets.eu-1: is no mapping"),
    "a list": (FILE[: FILE.index("      eu-1")] + "      - eu-1\n", "targets: is no mapping; write its targets below it"),
    "none": (FILE.replace("    targets:\n", "    targets: {}\n")[: FILE.index("      eu-1") + 3] + "\n", "has no target"),
    "policy": (FILE.replace("undo: all", "undo: al"), "waves.undo: 'al' is not known here; did you mean all?"),
    "policy key": (FILE.replace("undo: all", "udno: all"), "waves.udno: unknown key; did you mean undo?"),
    "waves alone": (FILE.replace("  staging: {", "  staging: {waves: {undo: all}, "), "staging.waves: says nothing here"),
    "in defaults": (FILE.replace("defaults:\n", "defaults:\n  targets: {a: {wave: 1}}\n"), "defaults.targets: stands under"),
    "mistyped section": (
        FILE.replace("    targets:", "    target:"),
        "production.target: unknown key; did you mean targets?",
    ),
    "an environment of that name": (
        FILE + "  production-us-1: {}\n",
        "would be called production-us-1, as an environment is",
    ),
    "a target of that name": (
        FILE + "  production-us: {targets: {'1': {wave: 1}}}\n",
        "would be called production-us-1, as a target of production is",
    ),
    "too many": (
        FILE + "".join(f"      t{number}: {{wave: 1}}\n" for number in range(256)),
        "wave 1 has 257 targets, and a matrix takes 256",
    ),
}


@pytest.mark.parametrize(("text", "words"), WRONG.values(), ids=WRONG.keys())
def test_what_is_wrong_is_said_with_its_line(project: Project, text: str, words: str) -> None:
    assert text != FILE
    project.write(text)
    problems = [problem for checked in check_all(None, project.root, ENVIRON) for problem in checked.problems]
    fitting = [problem for problem in problems if words in problem]
    assert fitting, problems
    assert all(problem.startswith("dhash-guard.yml:") for problem in problems)
    with pytest.raises((ConfigurationProblem, UsageProblem)):
        project.load(text, "production-us-1")


def test_one_mistake_is_told_once(project: Project) -> None:
    project.write(target("", wave="wave: 1, wav: 1"))
    problems = {problem for checked in check_all(None, project.root, ENVIRON) for problem in checked.problems}
    assert len(problems) == 1


def test_what_is_asked_of_another_environment_names_one_place(project: Project) -> None:
    asked = FILE.replace(
        'staging: {base_url: "http://127.0.0.1:1"}',
        'staging: {base_url: "http://127.0.0.1:1", requires: {monitored: {environment: production}}}',
    )
    (problem,) = project.problems(asked, "staging")
    assert "there is no environment production; did you mean production-" in problem
    fine = asked.replace("environment: production}", "environment: production-us-1}")
    assert project.load(fine, "staging").name == "staging"
