"""Workflow files as projects write them, clean ones; and small changes, each of which opens a hole in one of them."""

# ruff: noqa: E501, Q003  # a table of texts, a row each
from __future__ import annotations

from typing import Any

from attrs import frozen

GATE = """\
name: premerge
on:
  pull_request:
  merge_group:
concurrency:
  group: premerge-${{ github.ref }}
  cancel-in-progress: true
permissions: {}
jobs:
  lint:
    runs-on: ubuntu-latest
    steps:
      - run: make lint
  test:
    runs-on: ${{ matrix.os }}
    strategy:
      fail-fast: false
      matrix:
        os: [ubuntu-latest, windows-latest]
        python: ["3.11", "3.12"]
    steps:
      - run: make test
  package:
    needs: [test]
    runs-on: ubuntu-latest
    steps:
      - run: make package
  gate:
    if: always()
    needs: [lint, test, package]
    runs-on: ubuntu-latest
    steps:
      - name: Every job succeeded
        env:
          RESULTS: ${{ join(needs.*.result, ' ') }}
        run: |
          for result in $RESULTS; do
            if [ "$result" != "success" ]; then
              echo "a job ended as $result"
              exit 1
            fi
          done
"""

EXPRESSION = """\
name: ci
on: pull_request
jobs:
  changes:
    runs-on: ubuntu-latest
    steps:
      - run: make changes
  build:
    needs: changes
    runs-on: ubuntu-latest
    steps:
      - run: make
  test:
    needs: build
    runs-on: ubuntu-latest
    steps:
      - run: make test
  required:
    name: All green
    if: ${{ always() }}
    needs:
      - changes
      - build
      - test
    runs-on: ubuntu-latest
    steps:
      - if: contains(needs.*.result, 'failure') || contains(needs.*.result, 'cancelled') || contains(needs.*.result, 'skipped')
        run: exit 1
"""

LITERAL = """\
name: ci
on: [pull_request, merge_group]
jobs:
  unit:
    runs-on: ubuntu-latest
    steps:
      - run: make unit
  docs:
    runs-on: ubuntu-latest
    steps:
      - run: make docs
  verdict:
    name: verdict
    needs: [unit, docs]
    if: always()
    runs-on: ubuntu-latest
    steps:
      - run: |
          [ "${{ needs.unit.result }}" = "success" ]
          [ "${{ needs.docs.result }}" = "success" ]
"""

ALL_GREEN = """\
name: ci
on:
  pull_request:
    branches: [main, "release/**"]
jobs:
  unit:
    runs-on: ubuntu-latest
    steps:
      - run: make unit
  nightly:
    if: github.event_name == 'schedule'
    runs-on: ubuntu-latest
    steps:
      - run: make nightly
  check:
    if: always()
    needs: [unit]
    runs-on: ubuntu-latest
    steps:
      - uses: re-actors/alls-green@05ac9388f0aebcb5727afa17fcccfecd6f8ec5fe
        with:
          jobs: ${{ toJSON(needs) }}
"""

CALLER = """\
name: premerge
on:
  pull_request:
    types: [opened, synchronize, reopened]
  merge_group:
jobs:
  validation:
    name: Validation
    uses: ./.github/workflows/called.yml
  scan:
    uses: octo/shared/.github/workflows/scan.yml@0123456789012345678901234567890123456789
  gate:
    if: always()
    needs: [validation, scan]
    runs-on: ubuntu-latest
    steps:
      - env:
          NEEDS: ${{ toJSON(needs) }}
        run: echo "$NEEDS" | jq -e 'all(.[]; .result == "success")'
"""

CALLED = """\
name: called
on: workflow_call
jobs:
  build:
    name: Build ${{ matrix.os }}
    strategy:
      matrix:
        os: [linux, macos]
    runs-on: ubuntu-latest
    steps:
      - run: make
  all:
    name: all
    if: always()
    needs: build
    runs-on: ubuntu-latest
    steps:
      - if: needs.build.result != 'success'
        run: exit 1
"""

OURS = """\
name: premerge-validation
on:
  pull_request:
  merge_group:
jobs:
  premerge-validation:
    name: premerge-validation (${{ matrix.os }})
    strategy:
      matrix:
        os: [ubuntu-latest, macos-latest, windows-latest]
    runs-on: ${{ matrix.os }}
    steps:
      - uses: mobius/dhash-guard@v1
        with:
          command: premerge
  security-scan:
    runs-on: ubuntu-latest
    steps:
      - uses: mobius/dhash-guard@v1
        with:
          command: security
  premerge-gate:
    if: always()
    needs: [premerge-validation, security-scan]
    runs-on: ubuntu-latest
    steps:
      - uses: mobius/dhash-guard@v1
        with:
          command: premerge
          args: |
            --gate
            premerge_results
            --jobs
            ${{ needs.premerge-validation.result }}
            --also=${{ needs.security-scan.result }}
"""

PLAIN = """\
name: checks
on:
  push:
    branches: [main]
  pull_request:
    branches: [main]
jobs:
  test:
    runs-on: ubuntu-latest
    steps:
      - run: make test
  build:
    needs: test
    runs-on: ubuntu-latest
    steps:
      - run: make
  release:
    if: github.event_name == 'push'
    needs: build
    runs-on: ubuntu-latest
    steps:
      - run: make release
"""

DRAFTS = """\
name: checks
on:
  pull_request:
    types: [opened, synchronize, reopened, ready_for_review]
jobs:
  test:
    if: ${{ !github.event.pull_request.draft }}
    runs-on: ubuntu-latest
    steps:
      - run: make test
"""

LABELS = """\
name: labels
on: pull_request_target
permissions: {}
jobs:
  label:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/labeler@8558fd74291d67161a8a78ce36a881fa63b766a9
      - uses: actions/checkout@11bd71901bbe5b1630ceea73d27597364c9af683
        with:
          persist-credentials: false
"""


PUBLISH = """\
name: publish
on:
  workflow_run:
    workflows: [checks]
    types: [completed]
permissions: {}
jobs:
  publish:
    if: github.event.workflow_run.event == 'pull_request'
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@11bd71901bbe5b1630ceea73d27597364c9af683
      - run: make publish
        env:
          SHA: ${{ github.event.workflow_run.head_sha }}
"""

STEP_EACH = """\
      - if: needs.lint.result != 'success'
        run: exit 1
      - if: needs.test.result != 'success'
        run: exit 1
      - if: needs['package'].result != 'success'
        run: exit 1
"""


@frozen(kw_only=True)
class Set:
    """Workflow files of one repository, what its branch asks for, and how that is called."""

    id: str
    files: dict[str, str]
    checks: tuple[str, ...]
    queue: bool = False
    optional: tuple[str, ...] = ()


@frozen(kw_only=True)
class Seeded:
    """One change to a clean set: `old` becomes `new` in the first file that has it; the hole is at the line with `at`."""

    id: str
    base: str
    old: str
    new: str
    rule: str
    at: str


def base(name: str, text: str, *checks: str, **more: Any) -> Set:
    return Set(id=name, files={"ci.yml": text}, checks=checks, **more)


def steps(run: str) -> str:
    """The gate of GATE with another way to look at its needs."""
    head, _, _ = GATE.partition("      - name: Every job")
    return head + "      - " + "\n        ".join(run.strip().splitlines()) + "\n"


BASES = {
    one.id: one
    for one in (
        base("gate", GATE, "gate", queue=True),
        base("expression", EXPRESSION, "All green"),
        base("literal", LITERAL, "verdict", queue=True),
        base("all-green", ALL_GREEN, "check"),
        Set(id="caller", files={"ci.yml": CALLER, "called.yml": CALLED}, checks=("gate",), queue=True),
        Set(
            id="called-gate", files={"ci.yml": CALLER, "called.yml": CALLED}, checks=("gate", "Validation / all"), queue=True
        ),
        base("plain", PLAIN, "test", "build"),
        base("drafts", DRAFTS, "test"),
        base("our-gate", OURS, "premerge-gate", queue=True),
        base("privileged", LABELS),
    )
}

CLEAN = [
    *BASES.values(),
    base("legs by name", GATE.partition("  package:")[0], "lint", *(f"test ({os}, {python})" for os in ("ubuntu-latest", "windows-latest") for python in ("3.11", "3.12")), queue=True),
    base("optional job", EXPRESSION.replace("      - changes\n", ""), "All green", optional=("changes",)),
    base("bracket loop", steps("run: |\n  for r in ${{ join(needs.*.result, ' ') }}; do\n    [[ $r == success ]] || exit 1\n  done"), "gate", queue=True),
    base("case", steps('env:\n  R: ${{ join(needs.*.result, \' \') }}\nrun: |\n  for r in $R; do\n    case "$r" in\n      success) ;;\n      *) exit 1 ;;\n    esac\n  done'), "gate", queue=True),
    base("grep", steps("env:\n  NEEDS: ${{ toJSON(needs) }}\nrun: |\n  if echo \"$NEEDS\" | jq -r '.[].result' | grep -qv success; then\n    exit 1\n  fi"), "gate", queue=True),
    base("python", steps("shell: python\nenv:\n  NEEDS: ${{ toJSON(needs) }}\nrun: |\n  import json, os, sys\n  # python reads them\n  if any(job['result'] != 'success' for job in json.loads(os.environ['NEEDS']).values()):\n      sys.exit(1)").replace("# python", "# a python"), "gate", queue=True),
    base("script", steps("uses: actions/github-script@60a0d83039c74a4aee543508d2ffcb1c3799cdea\nwith:\n  script: |\n    const needs = ${{ toJSON(needs) }};\n    if (Object.values(needs).some(job => job.result !== 'success')) core.setFailed('no');"), "gate", queue=True),
    base("one step each", GATE.partition("      - name: Every job")[0] + STEP_EACH, "gate", queue=True),
    base("always or more", EXPRESSION.replace("${{ always() }}", "always() || github.actor == 'ada'"), "All green"),
    base("matrix includes", GATE.replace("        python: [\"3.11\", \"3.12\"]\n", "        include:\n          - os: macos-latest\n            python: \"3.12\"\n"), "gate", queue=True),
    base("matrix from another job", GATE.replace("[ubuntu-latest, windows-latest]", "${{ fromJSON(needs.lint.outputs.systems) }}").replace("    runs-on: ${{ matrix.os }}", "    needs: lint\n    runs-on: ${{ matrix.os }}"), "gate", queue=True),
    base("a job after the gate", GATE + "  tell:\n    if: always()\n    needs: gate\n    runs-on: ubuntu-latest\n    steps:\n      - run: make tell\n", "gate", queue=True),
    Set(id="two workflows", files={"a.yml": GATE, "b.yml": PLAIN, "c.yml": LABELS}, checks=("gate", "test", "build"), queue=False),
    base("the name in letters of an expression", GATE.replace("  gate:\n", "  gate:\n    name: ${{ format('{0} gate', 'premerge') }}\n"), "premerge gate", queue=True),
    base("composite actions", GATE.replace("- run: make lint", "- uses: ./.github/actions/lint"), "gate", queue=True),
    Set(id="read by a privileged workflow", files={"ci.yml": PLAIN, "publish.yml": PUBLISH}, checks=("test", "build")),
]  # fmt: skip

SEEDED = [
    Seeded(id=name, base=start, old=old, new=new, rule=rule, at=at)
    for name, start, old, new, rule, at in (
        ("a job is not needed", "gate", "[lint, test, package]", "[test, package]", "not-in-needs", "  lint:"),
        ("a new job", "gate", "  gate:\n", "  extra:\n    runs-on: u\n    steps: [{run: make}]\n  gate:\n", "not-in-needs", "  extra:"),
        ("the last job is not needed", "expression", "      - test\n", "", "not-in-needs", "  test:"),
        ("no if", "gate", "    if: always()\n", "", "gate-skipped", "  gate:"),
        ("success only", "gate", "if: always()", "if: success()", "gate-skipped", "if: success()"),
        ("not cancelled", "gate", "if: always()", "if: ${{ !cancelled() }}", "gate-skipped", "!cancelled()"),
        ("failure only", "gate", "if: always()", "if: failure()", "gate-skipped", "if: failure()"),
        ("always and an event", "gate", "if: always()", "if: always() && github.event_name == 'pull_request'", "gate-skipped", "&& github.event"),
        ("always and an output", "gate", "if: always()", "if: always() && needs.lint.outputs.go == 'true'", "gate-skipped", "needs.lint.outputs"),
        ("always and success", "literal", "if: always()", "if: always() && needs.unit.result == 'success'", "gate-skipped", "if: always()"),
        ("fails on failure alone", "expression", " || contains(needs.*.result, 'cancelled') || contains(needs.*.result, 'skipped')", "", "gate-passes", "  required:"),
        ("passes skipped", "expression", " || contains(needs.*.result, 'skipped')", "", "gate-passes", "  required:"),
        ("passes cancelled", "expression", " || contains(needs.*.result, 'cancelled')", "", "gate-passes", "  required:"),
        ("fails on a wrong word", "expression", "'failure'", "'failed'", "gate-passes", "  required:"),
        ("exits with 0", "expression", "run: exit 1", "run: exit 0", "gate-passes", "  required:"),
        ("only tells", "expression", "run: exit 1", "run: echo failed", "gate-passes", "  required:"),
        ("the step is forgiven", "expression", "        run: exit 1", "        continue-on-error: true\n        run: exit 1", "gate-passes", "  required:"),
        ("the loop accepts skipped", "gate", 'if [ "$result" != "success" ]; then', 'if [ "$result" != "success" ] && [ "$result" != "skipped" ]; then', "gate-passes", "  gate:"),
        ("the loop looks for failure", "gate", '!= "success"', '= "failure"', "gate-passes", "  gate:"),
        ("the loop only tells", "gate", "              exit 1\n", "", "gate-passes", "  gate:"),
        ("one need is not looked at", "literal", '          [ "${{ needs.docs.result }}" = "success" ]\n', "", "gate-passes", "  verdict:"),
        ("one need is looked at twice", "literal", "needs.docs.result", "needs.unit.result", "gate-passes", "  verdict:"),
        ("or where and is meant", "literal", '"success" ]\n          [', '"success" ] || [', "gate-passes", "  verdict:"),
        ("the test is forgiven by true", "literal", '          [ "${{ needs.docs.result }}" = "success" ]', '          [ "${{ needs.docs.result }}" = "success" ] || true', "gate-passes", "  verdict:"),
        ("no step looks", "all-green", "      - uses: re-actors/alls-green@05ac9388f0aebcb5727afa17fcccfecd6f8ec5fe\n        with:\n          jobs: ${{ toJSON(needs) }}\n", "      - run: echo done\n", "gate-passes", "  check:"),
        ("skips are allowed", "all-green", "          jobs:", "          allowed-skips: unit\n          jobs:", "gate-passes", "  check:"),
        ("failures are allowed", "all-green", "          jobs:", "          allowed-failures: unit, other\n          jobs:", "gate-passes", "  check:"),
        ("jq looks for failure", "caller", 'all(.[]; .result == "success")', 'any(.[]; .result == "failure") | not', "gate-passes", "  gate:"),
        ("a failure is hidden", "gate", "    needs: [test]\n    runs-on: ubuntu-latest\n    steps:\n      - run: make package\n  gate:\n    if: always()\n    needs: [lint, test, package]", "    needs: [test]\n    if: always()\n    runs-on: ubuntu-latest\n    steps:\n      - run: make package\n  gate:\n    if: always()\n    needs: [lint, package]", "hidden-failure", "    if: always()"),
        ("a job is forgiven", "gate", "  test:\n", "  test:\n    continue-on-error: true\n", "continue-on-error", "continue-on-error"),
        ("the gate is forgiven", "literal", "  verdict:\n", "  verdict:\n    continue-on-error: true\n", "continue-on-error", "continue-on-error"),
        ("a need that is not there", "gate", "[lint, test, package]", "[lint, test, package, packaging]", "no-such-job", "needs: [lint"),
        ("the name changed", "gate", "  gate:\n", "  gate:\n    name: the gate\n", "no-such-check", ""),
        ("the name in other letters", "expression", "name: All green", "name: All Green", "no-such-check", ""),
        ("a leg is gone", "legs", "[ubuntu-latest, windows-latest]", "[ubuntu-latest, windows-2025]", "no-such-check", ""),
        ("a leg is not required", "legs", "[ubuntu-latest, windows-latest]", "[ubuntu-latest, windows-latest, macos-latest]", "legs-not-required", "  test:"),
        ("no merge_group", "gate", "  merge_group:\n", "", "no-merge-group", "on:"),
        ("no merge_group, written in one line", "literal", "[pull_request, merge_group]", "pull_request", "no-merge-group", "on: pull_request"),
        ("paths", "gate", "  pull_request:\n", "  pull_request:\n    paths: [src/**]\n", "paths", "paths:"),
        ("paths-ignore", "all-green", '    branches: [main, "release/**"]', '    paths-ignore: ["**.md"]', "paths", "paths-ignore"),
        ("another branch", "all-green", '[main, "release/**"]', '["release/**"]', "branches", "branches:"),
        ("the branch is taken out again", "all-green", '[main, "release/**"]', '["**", "!main"]', "branches", "branches:"),
        ("branches-ignore", "plain", "  pull_request:\n    branches: [main]", "  pull_request:\n    branches-ignore: [ma*]", "branches", "branches-ignore"),
        ("types without synchronize", "caller", "[opened, synchronize, reopened]", "[opened, reopened]", "types", "types:"),
        ("labelled only", "drafts", "[opened, synchronize, reopened, ready_for_review]", "[labeled]", "types", "types:"),
        ("not for pull requests", "plain", "  pull_request:\n    branches: [main]\n", "", "not-for-pull-requests", "on:"),
        ("drafts are never looked at again", "drafts", ", ready_for_review", "", "skipped-passes", "    if:"),
        ("skipped on pull requests", "plain", "  test:\n", "  test:\n    if: github.event_name == 'push'\n", "skipped-passes", "    if: github.event_name == 'push'"),
        ("skipped for somebody", "plain", "  test:\n", "  test:\n    if: github.actor != 'eve'\n", "skipped-passes", "    if: github.actor"),
        ("our gate is not told of the legs", "our-gate", "            --jobs\n            ${{ needs.premerge-validation.result }}\n", "", "gate-passes", "  premerge-gate:"),
        ("our gate is not told of the scan", "our-gate", "            --also=${{ needs.security-scan.result }}\n", "", "gate-passes", "  premerge-gate:"),
        ("our gate is told that all is well", "our-gate", "${{ needs.security-scan.result }}", "${{ 'success' }}", "gate-passes", "  premerge-gate:"),
        ("our gate does not need the scan", "our-gate", "[premerge-validation, security-scan]", "[premerge-validation]", "not-in-needs", "  security-scan:"),
        ("two jobs of one name", "two", "  build:\n    needs: test\n", "  build:\n    name: gate\n    needs: test\n", "same-name", ""),
        ("a called workflow is gone", "caller", "./.github/workflows/called.yml", "./.github/workflows/other.yml", "no-such-workflow", "  validation:"),
        ("the called gate looks at nothing", "called-gate", "needs.build.result != 'success'", "needs.build.result == 'failure'", "gate-passes", "  all:"),
        ("the called gate misses a job", "called-gate", "  all:\n", "  extra:\n    runs-on: u\n    steps: [{run: make}]\n  all:\n", "not-in-needs", "  extra:"),
        ("a privileged checkout", "privileged", "          persist-credentials: false", "          ref: ${{ github.event.pull_request.head.sha }}", "privileged-checkout", "      - uses: actions/checkout"),
        ("a privileged checkout of a branch", "privileged", "          persist-credentials: false", "          ref: ${{ github.head_ref }}\n          repository: ${{ github.event.pull_request.head.repo.full_name }}", "privileged-checkout", "      - uses: actions/checkout"),
        ("a privileged fetch", "privileged", "      - uses: actions/labeler@8558fd74291d67161a8a78ce36a881fa63b766a9", "      - run: gh pr checkout ${{ github.event.number }}", "privileged-checkout", "gh pr checkout"),
        ("a privileged fetch by a variable", "privileged", "      - uses: actions/labeler@8558fd74291d67161a8a78ce36a881fa63b766a9", "      - run: git fetch origin $SHA\n        env:\n          SHA: ${{ github.event.pull_request.head.sha }}", "privileged-checkout", "git fetch"),
("code of a stranger after his run", "published", "      - uses: actions/checkout@11bd71901bbe5b1630ceea73d27597364c9af683\n", "      - uses: actions/checkout@11bd71901bbe5b1630ceea73d27597364c9af683\n        with:\n          ref: ${{ github.event.workflow_run.head_sha }}\n", "privileged-checkout", "      - uses: actions/checkout"),
        ("status functions spelt out", "expression", "${{ always() }}", "success() || failure() || cancelled()", "gate-skipped", "success() ||"),
    )
]  # fmt: skip

BASES |= {
    "legs": next(one for one in CLEAN if one.id == "legs by name"),
    "two": next(one for one in CLEAN if one.id == "two workflows"),
    "published": next(one for one in CLEAN if one.id == "read by a privileged workflow"),
}
