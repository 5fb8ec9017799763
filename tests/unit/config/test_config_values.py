"""Every kind of wrong value, with its file, line and nearest name."""

from __future__ import annotations

import pytest

from unit.config.project import Project

BASE = "base_url: http://127.0.0.1:1\n"
DEPLOY = "deploy: {run: [x], "
GATE = "gates: {g: {signal: health.latency, action: alert, "
VALUES = "signals: {s: {kind: http-json, path: /m, values: {v: {at: a, unit: ms}}}}\n"
UNHEALTHY = VALUES.replace("unit: ms", "unit: ms, absent: unhealthy") + "gates: {g: {signal: v, action: block, "
RELATIVE = "baseline: before-deploy, fail_ratio: 1.5, at_least: 50ms, "

WRONG = [
    # strict scalars
    (DEPLOY + 'migrates: "false"}', 5, "deploy.migrates", "'false' is no boolean; write true or false without quotes"),
    (DEPLOY + "migrates: no}", 5, "deploy.migrates", "'no' is no boolean"),
    (DEPLOY + "migrates: 1}", 5, "deploy.migrates", "1 is no boolean"),
    (DEPLOY + "timeout: true}", 5, "deploy.timeout", "true cannot stand here"),
    (DEPLOY + "timeout: }", 5, "deploy.timeout", "has no value"),
    (DEPLOY + "timeout: 12:30}", 5, "deploy.timeout", "'12:30' is no duration; write 90s, 10m, 1h30m or 250ms"),
    (DEPLOY + "timeout: -5}", 5, "deploy.timeout", "-5 lies outside"),
    (DEPLOY + "timeout: 400d}", 5, "deploy.timeout", "'400d' lies outside"),
    (DEPLOY + f"timeout: {'9' * 400}h}}", 5, "deploy.timeout", "lies outside"),
    (DEPLOY + "timeout: 0s}", 5, "deploy.timeout", "is too small; write a duration"),
    (BASE + "health: {expect: 7.9}", 6, "health.expect", "7.9 is no whole number"),
    (BASE + "health: {expect: true}", 6, "health.expect", "true is no whole number"),
    (BASE + "health: {expect: '200'}", 6, "health.expect", "'200' is no whole number"),
    (BASE + "health: {expect: 017}", 6, "health.expect", "'017' is no whole number"),
    (BASE + "health: {status_at: 3}", 6, "health.status_at", "3 is no text; put it in quotes"),
    (BASE + "health: {status_at: [a]}", 6, "health.status_at", "a list cannot stand here"),
    (BASE + "health: {ok: fine}", 6, "health.ok", "'fine' is no list; write a list"),
    (BASE + "health: {ok: [fine, true]}", 6, "health.ok[1]", "true is no text"),
    (BASE + "health: fine", 6, "health", "'fine' is no mapping"),
    (BASE + "health:", 6, "health", "has no value"),
    (GATE + "fail_above: 5s, coverage: 0.7}}", 5, "gates.g.coverage", "0.7 is no ratio; write it with a percent sign"),
    (GATE + "fail_above: 5s, coverage: 170%}}", 5, "gates.g.coverage", "outside 0% to 100%"),
    (GATE + "fail_above: 5 parsecs}}", 5, "gates.g.fail_above", "'5 parsecs' is no quantity"),
    (GATE + "fail_above: 1e999999999%}}", 5, "gates.g.fail_above", "'1e999999999%' is too large"),
    (GATE + f"fail_above: {'9' * 400}GiB}}}}", 5, "gates.g.fail_above", "is too large"),
    (GATE + "fail_ratio: '1.5'}}", 5, "gates.g.fail_ratio", "'1.5' is no number"),
    (GATE + "of_last: [1, 2, 3]}}", 5, "gates.g.of_last", "has 3 values; write a list of 2"),
    (GATE + "of_last: [1, x]}}", 5, "gates.g.of_last[1]", "'x' is no whole number"),
    # words, kinds, keys
    ("kind: prodution", 5, "kind", "did you mean production? (use one of production, staging, development)"),
    ("kind: 3", 5, "kind", "3 is not known here; use one of production, staging, development"),
    ("notify: {channels: {c: {kind: log, level: warn}}}", 5, "notify.channels.c.level", "did you mean warning?"),
    ("notify: {channels: {c: {kind: log, level: 3}}}", 5, "notify.channels.c.level", "use one of info, warning, error"),
    ("notify: {channels: {c: {kind: lgo}}}", 5, "notify.channels.c.kind", "unknown kind; did you mean log?"),
    ("notify: {channels: {c: {level: info}}}", 5, "notify.channels.c.kind", "is missing; use one of log"),
    ("signals: {s: {kind: http_json}}", 5, "signals.s.kind", "did you mean http-json?"),
    ("signals: {s: {kind: [host]}}", 5, "signals.s.kind", "unknown kind"),
    ("signals: {s: {kind: host, dsik: .}}", 5, "signals.s.dsik", "unknown key; did you mean disk?"),
    ("monitro: {}", 5, "monitro", "unknown key; did you mean monitor?"),
    ("zzz: {}", 5, "zzz", "unknown key; use one of backup, base_url,"),
    ("deploy: {timeout: 5s}", 5, "deploy.run", "is missing; add it"),
    ("deploy: {run: npm run deploy}", 5, "deploy.run", "is no list; write a list of arguments, such as [npm, test]"),
    ("deploy: {run: [sleep, 5]}", 5, "deploy.run[1]", "5 is no text; put it in quotes"),
    ("deploy: {run: []}", 5, "deploy.run", "is empty; write the program"),
    ("deploy: {run: [x, '{tga}']}", 5, "deploy.run[1]", "{tga} is no placeholder; did you mean tag?"),
    ("requires: {premerge: procede}", 5, "requires.premerge", "did you mean proceed?"),
    # freezes
    ("freeze: [{from: 2026-12-23, to: 2027-01-02T00:00Z}]", 5, "freeze[0].from", "is no UTC time"),
    ("freeze: [{from: 2026-12-23T00:00+02:00, to: 2027-01-02T00:00Z}]", 5, "freeze[0].from", "is no UTC time"),
    ("freeze: [{from: 2026-02-31T00:00Z, to: 2027-01-02T00:00Z}]", 5, "freeze[0].from", "is no UTC time"),
    ("freeze: [{from: 2027-01-02T00:00Z, to: 2027-01-02T00:00Z}]", 5, "freeze[0].to", "is not later than from"),
    ("freeze: [{from: 2027-01-01T00:00Z, until: x, to: 2027-01-02T00:00Z}]", 5, "freeze[0].until", "unknown key"),
    # gates, signals and the watch
    (
        BASE + "gates: {g: {signal: heatlh, fail_when: unhealthy, action: block}}",
        6,
        "gates.g.signal",
        "did you mean health?",
    ),
    (BASE + GATE + "fail_above: 5%}}", 6, "gates.g.fail_above", "5% is a ratio, but health.latency is a time"),
    (BASE + GATE + "fail_above: 5s, over: 2h, aggregate: mean}}", 6, "gates.g.over", "2h is longer than the watch (1h)"),
    (BASE + GATE + "fail_above: 5s, fail_below: 5s}}", 6, "gates.g.fail_below", "has several limits"),
    ("monitor: {duration: 10m}", 4, "gates", "there is a watch, but no gate"),
    ("gates: {}\nmonitor: {duration: 366d, interval: 0.1}", 6, "monitor.interval", "plans more than 100000 looks"),
    ("gates: {}\nmonitor: {interval: 0s}", 6, "monitor.interval", "must be longer than nothing"),
    (BASE + VALUES + "gates: {g: {signal: w, fail_above: 5s, action: block}}", 7, "gates.g.signal", "there is no signal w"),
    (BASE + UNHEALTHY + "fail_above: 5s, over: 5m}}", 7, "gates.g.over", "a window cannot add up; use consecutive"),
    (BASE + UNHEALTHY + RELATIVE + "test: sequential}}", 7, "gates.g.test", "a test cannot rank; use consecutive"),
    (BASE + UNHEALTHY + RELATIVE + "test: sequential, over: 5m}}", 7, "gates.g.over", "use consecutive"),
    ("signals: {s: {kind: http-json, values: {}}}", 5, "signals.s.path", "give exactly one of path"),
    (BASE + VALUES.replace("unit: ms", "text: true"), 6, "signals.s.values.v.at", "needs a unit"),
    (BASE + VALUES.replace("{v:", "{health:"), 6, "signals.s.values.health", "already given by health"),
    # addresses
    ("base_url: ftp://host", 5, "base_url", "is no address; write http://host:port"),
    ("base_url: localhost:3000", 5, "base_url", "is no address"),
    ("base_url: 'http://ho st'", 5, "base_url", "is no address"),
    ("base_url: http://host:99999", 5, "base_url", "is no address"),
    ("base_url: 'http://[::1'", 5, "base_url", "is no address"),
    ("base_url: http://me:hunter2@host", 5, "base_url", "carries a user name or password"),
    ("base_url: http://host?x=1", 5, "base_url", "carries a query"),
    ("gates: {preset: default}", 4, "base_url", "is missing, but health.path asks the service"),
    ("smoke: [{name: a, get: /x}]", 4, "base_url", "is missing, but smoke.0.get asks the service"),
    (BASE + "smoke: [{name: a, get: '@other'}]", 6, "smoke[0].get", "is no path; begin it with /"),
    ("signals: {s: {kind: http-json, url: 'http://a:b@c', values: {}}}", 5, "signals.s.url", "carries a user name"),
    (
        "signals: {s: {kind: http-json, url: 'http://c', values: {}, token_env: 'a b'}}",
        5,
        "signals.s.token_env",
        "no name of",
    ),
    # smoke checks
    ("smoke: [{name: a}]", 5, "smoke[0].name", "asks for nothing; give exactly one of get, head, post, run"),
    (BASE + "smoke: [{name: a, get: /x, run: [x]}]", 6, "smoke[0].run", "has several (get, run)"),
    ("smoke: [{name: a, run: [x], at: b}]", 5, "smoke[0].at", "belongs to an HTTP check"),
    (BASE + "smoke: [{name: a, get: /x, json: {}}]", 6, "smoke[0].json", "is sent with post only"),
    (BASE + "smoke: [{name: a, get: /x, matches: '['}]", 6, "smoke[0].matches", "is no regular expression"),
    ("smoke: [{name: a, run: [x]}, {name: a, run: [y]}]", 5, "smoke[1].name", "there is another check a"),
    (BASE + "smoke: [{name: a, post: /x, json: {mode: off}}]", 6, "smoke[0].json.mode", "put the word in quotes"),
    # files and numbers
    ("backup: {components: {c: {paths: [/etc]}}}", 5, "backup.components.c.paths[0]", "must be relative"),
    ("backup: {components: {c: {paths: [a/../../b]}}}", 5, "backup.components.c.paths[0]", "leaves the project"),
    ("backup: {components: {c: {paths: [a/..]}}}", 5, "backup.components.c.paths[0]", "is the whole project"),
    ("backup: {components: {c: {paths: ['C:\\x']}}}", 5, "backup.components.c.paths[0]", "must be relative"),
    ("backup: {keep: {last: 0}}", 5, "backup.keep.last", "is too small; write 1 or more"),
    ("rollback: {consecutive: 0}", 5, "rollback.consecutive", "is too small; write 1 or more"),
    ("migrate: {run: [x], input: ../x}", 5, "migrate.input", "leaves the project"),
    # other environments
    ("requires: {monitored: {environment: staging}}", 5, "requires.monitored.environment", "is this environment itself"),
    ("requires: {monitored: {environment: stagign}}", 5, "requires.monitored.environment", "there is no environment"),
    # variables
    ("base_url: ${HOST-x}", 5, "base_url", "is no variable; write ${NAME}"),
    ("base_url: 'http://${HOST'", 5, "base_url", "is no variable; write ${NAME}"),
    ("base_url: ${MISSING}", 5, "base_url", "the variable MISSING is not set"),
]


@pytest.mark.parametrize(("body", "line", "path", "text"), WRONG, ids=[f"{w[2]}-{n}" for n, w in enumerate(WRONG)])
def test_a_wrong_value_is_told_with_its_place(project: Project, body: str, line: int, path: str, text: str) -> None:
    problems = project.wrong(body)
    assert len(problems) == 1, problems
    assert problems[0].startswith(f"dhash-guard.yml:{line}: environments.staging.{path}: ")
    assert text in problems[0]
    ours = not path.startswith(("gates.", "monitor.", "signals.s.path", "signals.s.values.v"))
    assert "; " in problems[0] or not ours, "it says what to do"


GOOD = "version: 1\nservice: a\nenvironments: {x: {}}\n"
TOP = [
    ("version: 2\nservice: a\nenvironments: {x: {}}\n", 1, "version", "2 cannot stand here; write 1"),
    ("version: '1'\nservice: a\nenvironments: {x: {}}\n", 1, "version", "'1' cannot stand here; write 1"),
    ("version: true\nservice: a\nenvironments: {x: {}}\n", 1, "version", "true cannot stand here; write 1"),
    ("service: a\nenvironments: {x: {}}\n", 1, "version", "is missing"),
    ("version: 1\nservcie: a\nservice: a\nenvironments: {x: {}}\n", 2, "servcie", "did you mean service?"),
    ("version: 1\nservice: My_App\nenvironments: {x: {}}\n", 2, "service", "'My_App' is no name for files"),
    ("version: 1\nservice: a\n", 1, "environments", "is missing"),
    ("version: 1\nservice: a\nenvironments: {}\n", 3, "environments", "has no environment"),
    ("version: 1\nservice: a\nenvironments: [x]\n", 3, "environments", "is no mapping"),
    ("version: 1\nservice: a\nenvironments: {x: }\n", 3, "environments.x", "or {} to take all from defaults"),
    ("version: 1\nservice: a\nenvironments: {x: {}, 'a/b': {}}\n", 3, "environments.a/b", "is no name for files"),
    (GOOD + "defaults: 3\n", 4, "defaults", "is no mapping"),
    (GOOD + "defaults: {helth: {}}\n", 4, "defaults.helth", "did you mean health?"),
    (GOOD + "directories: {logs: /var}\n", 4, "directories.logs", "must be relative"),
    (GOOD + "directories: {logs: ..}\n", 4, "directories.logs", "leaves the project"),
    (GOOD + "directories: {logs: ''}\n", 4, "directories.logs", "is empty"),
    ("version: 1\nservice: a\nenvironments: {xyz: {}}\ndefault_environment: xy\n", 4, "default_environment", "mean xyz?"),
    (GOOD + "premerge: {legs: [smok]}\n", 4, "premerge.legs[0]", "did you mean smoke?"),
    (GOOD + "trust: {max_age: x}\n", 4, "trust.max_age", "is no duration"),
    (GOOD + "state: {kind: reff}\n", 4, "state.kind", "did you mean ref?"),
    (GOOD + "state: {knd: ref}\n", 4, "state.knd", "did you mean kind?"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "line", "path", "what"), TOP, ids=[f"{t[2]}-{n}" for n, t in enumerate(TOP)])
def test_the_top_of_the_file(project: Project, text: str, line: int, path: str, what: str) -> None:
    problems = project.problems(text)
    assert len(problems) == 1, problems
    assert problems[0].startswith(f"dhash-guard.yml:{line}: {path}: ")
    assert what in problems[0]


def test_everything_wrong_is_told_at_once_in_the_files_order(project: Project) -> None:
    text = """
version: 1
service: Dhash
defaults:
  health: {expect: x}
environments:
  staging:
    base_url: http://a:b@c
    smoke: [{name: a}, {name: b, get: /x, run: [y]}]
    gates:
      g: {signal: helth, fail_when: unhealthy, action: block}
      h: {signal: health, fail_when: unhealthy, action: block, consecutive: 0}
    deploy: {run: [x, "{teg}"]}
    migrate: {run: [x], timeout: "${MISSING}", revertible: true}
trust: {workflow: []}
"""
    lines = [int(problem.split(":")[1]) for problem in project.problems(text)]
    assert lines == [3, 5, 8, 9, 9, 11, 12, 13, 14, 14, 15]


def test_a_pasted_secret_is_not_repeated(project: Project) -> None:
    hook = (
        "signals: {s: {kind: http-json, url: 'http://c', values: {}, token_env: 'hunter 2'}}\nbase_url: http://me:hunter2@h"
    )
    assert "hunter" not in "".join(project.wrong(hook))


def test_a_directory_may_not_be_a_link_to_the_outside(project: Project) -> None:
    outside = project.root / "outside"
    outside.mkdir()
    inner = project.root / "inner"
    inner.mkdir()
    (inner / "logs").symlink_to(outside)
    project.write("version: 1\nservice: a\nenvironments: {x: {}}\ndirectories: {logs: logs}\n", "inner/dhash-guard.yml")
    found = Project(inner).problems((inner / "dhash-guard.yml").read_text())
    assert found == [
        "dhash-guard.yml:4: directories.logs: is a link that leads out of the project; write a directory inside it"
    ]
