"""Runs to render: healthy, rolled back, cannot tell, 300 gates, and one whose every word is hostile."""

from __future__ import annotations

import math
from typing import Any

from attrs import evolve

from dhash_guard.gates.plan import WatchPlan
from dhash_guard.gates.settings import Gate
from dhash_guard.gates.watch import Watch
from dhash_guard.records.backup import Restoration, RestoredRoot
from dhash_guard.records.codec import from_data
from dhash_guard.records.deployment import Baseline, Summary
from dhash_guard.records.evidence import Delivery, Evidence, Judged, Run, Samples
from dhash_guard.records.outcome import Action, Decision, Ending, GateOutcome, Status, Verdict
from dhash_guard.records.sample import Absence, AbsenceKind, Counts, Health, Tick, Value
from dhash_guard.records.stage import Finding, StageResult, StageStatus

START = 1_795_230_900.0
COMMIT = "9f3c2a1be07d4c55a1f0e6d2b8c3947715ac20de"


def limit(value: float, dimension: str) -> dict[str, Any]:
    return {"value": value, "dimension": dimension}


GATES: dict[str, Any] = {
    "health": {"signal": "health", "action": "rollback", "fail_when": "unhealthy", "consecutive": 3},
    "error-rate": {
        "signal": "error_rate",
        "action": "rollback",
        "warn_above": limit(0.01, "ratio"),
        "fail_above": limit(0.05, "ratio"),
        "consecutive": 5,
    },
    "p95-hash-time": {
        "signal": "p95_hash_time",
        "action": "rollback",
        "fail_above": limit(2.0, "time"),
        "over": 900.0,
        "aggregate": "mean",
        "min_samples": 3,
    },
    "latency-vs-before": {
        "signal": "health.latency",
        "action": "rollback",
        "baseline": "before-deploy",
        "fail_ratio": 1.5,
        "over": 600.0,
        "aggregate": "median",
        "at_least": limit(0.05, "time"),
    },
    "low-confidence": {
        "signal": "low_confidence_queue",
        "action": "block",
        "fail_above": limit(1000, "count"),
        "consecutive": 1,
    },
    "memory": {
        "signal": "host.memory",
        "action": "alert",
        "warn_from": limit(0.8, "ratio"),
        "fail_above": limit(0.85, "ratio"),
    },
}
SIGNALS = {
    "health": "health",
    "error_rate": "ratio",
    "p95_hash_time": "time",
    "health.latency": "time",
    "low_confidence_queue": "count",
    "host.memory": "ratio",
}
BASELINE = Baseline(
    taken_at=START - 60,
    samples=10,
    health=Health.HEALTHY,
    medians={"health.latency": Summary(0.042, 10), "error_rate": Summary(0.002, 10)},
)


def run(**changes: Any) -> Run:
    return evolve(
        Run(
            id="20261121T031500000Z-9f3c2a1be07d-1",
            verb="monitor",
            service="dhash",
            environment="production",
            kind="production",
            commit=COMMIT,
            tree="4b825dc642cb6eb9a060e54bf8d69288fbee4904",
            attempt=1,
            tag="v2.4.1",
            started_at=START - 95,
            ended_at=START + 3605,
            tool="dhash-guard 1.0.0",
            actor="mira",
        ),
        **changes,
    )


def outcome(gate: str, **changes: Any) -> GateOutcome:
    settings = GATES.get(gate, {})
    base = GateOutcome(
        gate=gate,
        signal=settings.get("signal", gate),
        action=Action(settings.get("action", "rollback")),
        status=Status.HEALTHY,
        reason_code="within-limit",
        text="within the limit",
        samples=62,
    )
    return evolve(base, **changes)


def stage(
    name: str, at: float, seconds: float, status: StageStatus = StageStatus.PASSED, text: str = "", **more: Any
) -> StageResult:
    return StageResult(
        name=name, status=status, reason_code=status.value, text=text, started_at=START + at, seconds=seconds, **more
    )


def wave(i: int, base: float, swing: float) -> float:
    """Something like noise, the same on every machine."""
    return base + swing * (math.sin(i * 1.7) + math.sin(i * 0.61 + 2) + math.sin(i * 4.3)) / 3


def times(end: float) -> list[float]:
    """Every 30 s for five minutes, every 2 minutes after that."""
    fast = [30.0 * i for i in range(11)]
    return [t for t in fast + [300.0 + 120 * i for i in range(1, 60)] if t <= end]


def tick(i: int, at: float, **changes: Value) -> Tick:
    samples: dict[str, Value] = {
        "health": Health.HEALTHY,
        "error_rate": Counts(round(wave(i, 4, 4)), 1000.0),
        "p95_hash_time": wave(i, 0.75, 0.15),
        "health.latency": wave(i, 0.045, 0.01),
        "low_confidence_queue": float(round(wave(i, 120, 60))),
        "host.memory": wave(i, 0.71, 0.02),
    }
    return Tick(i, START + at, samples | {key.replace("__", "."): value for key, value in changes.items()})


def verdict(status: Status, decision: Decision, outcomes: list[GateOutcome], **changes: Any) -> Verdict:
    base = Verdict(
        status=status,
        decision=decision,
        reason_code="all-healthy",
        reason="All 6 gates are healthy.",
        ending=Ending.PLANNED,
        ticks=38,
        started_at=START,
        ended_at=START + 3600,
        outcomes=tuple(outcomes),
    )
    return evolve(base, **changes)


def evidence(**changes: Any) -> Evidence:
    base = Evidence(
        run=run(),
        configuration="ab" * 32,
        samples=Samples(file="samples.jsonl", sha256="cd" * 32, count=38),
        judged=Judged(
            gates=GATES,
            order=tuple(GATES),
            plan={"duration": 3600.0, "interval": 30.0},
            baseline=BASELINE,
            automatic=True,
            recorded=False,
            signals=SIGNALS,
        ),
        backup="backups/dhash_production_20261121_031412.zip",
        deployment="20261121-031405",
    )
    return evolve(base, **changes)


Story = tuple[Evidence, list[Tick]]


def healthy() -> Story:
    seen = {
        "error-rate": 0.004,
        "p95-hash-time": 0.752,
        "latency-vs-before": 0.0447,
        "low-confidence": 131.0,
        "memory": 0.714,
    }
    outcomes = [outcome("health", reason_code="healthy", text="38 of 38 looks healthy")]
    outcomes += [outcome(name, observed=value) for name, value in seen.items()]
    stages = (
        stage("backup", -90, 6.2, text="sealed, 1,204 files, 38.1 MiB"),
        stage("deploy", -82, 41, text="v2.4.1 is out"),
        stage("smoke", -40, 12, text="12 of 12 checks"),
        stage("watch", 0, 3600, text="38 looks"),
    )
    ticks = [tick(i, at) for i, at in enumerate(times(3600))]
    return evidence(verdict=verdict(Status.HEALTHY, Decision.PROCEED, outcomes), stages=stages, result="healthy"), ticks


def rolled_back() -> Story:
    ticks = []
    for i, at in enumerate(times(1500)):
        sick = max(0.0, (at - 540) / 960)
        change: dict[str, Value] = {
            "p95_hash_time": wave(i, 0.75, 0.15) + sick * 3.1,
            "error_rate": Counts(round(wave(i, 5, 4) + 45 * sick**2), 1000.0),
            "health": Health.UNHEALTHY if at >= 1380 else Health.WARNING if at >= 1000 else Health.HEALTHY,
            "health__latency": wave(i, 0.045, 0.01) + 0.02 * sick,
            "host__memory": wave(i, 0.74, 0.02) + 0.09 * sick,
        }
        if 720 <= at <= 900:
            change |= {
                "p95_hash_time": Absence(AbsenceKind.TIMEOUT, "5 s"),
                "low_confidence_queue": Absence(AbsenceKind.TIMEOUT, "5 s"),
            }
        ticks.append(tick(i, at, **change))
    ticks = [t for t in ticks if not 1030 < t.at - START < 1200]
    outcomes = [
        outcome("health", status=Status.HEALTHY, reason_code="short", text="2 unhealthy in a row of 3", observed=2),
        outcome(
            "error-rate", warned=True, observed=0.047, limit=0.05, text="4.7% > 1% (warning), below 5%", reason_code="warned"
        ),
        outcome(
            "p95-hash-time",
            status=Status.DEGRADED,
            reason_code="mean-above",
            tick=20,
            at=START + 1500,
            observed=2.31,
            limit=2.0,
            margin=0.31,
            samples=11,
            text="mean 2310 ms > 2000 ms over 15m, n=11",
            counterfactual="It would have passed at 1690 ms or less in the last look.",
        ),
        outcome("latency-vs-before", observed=0.057, limit=0.063, text="57 ms is 1.36 × before"),
        outcome("low-confidence", observed=140.0),
        outcome("memory", warned=True, observed=0.83, text="83% ≥ 80% (warning)"),
    ]
    said = verdict(
        Status.DEGRADED,
        Decision.ROLL_BACK,
        outcomes,
        reason_code="gate-degraded",
        gate="p95-hash-time",
        ticks=20,
        reason="Gate “p95-hash-time”: mean 2310 ms > 2000 ms over 15m, n=11.",
        ending=Ending.EARLY,
        ended_at=START + 1500,
        warnings=("error-rate stood above its warning line (1%) for 4 looks",),
    )
    stages = (
        stage("backup", -90, 6.2, text="sealed, 1,204 files, 38.1 MiB"),
        stage("deploy", -82, 41, text="v2.4.1 is out"),
        stage("smoke", -40, 12, text="12 of 12 checks"),
        stage("watch", 0, 1500, StageStatus.FAILED, "p95-hash-time degraded"),
        stage("rollback", 1502, 18.4, text="restored and verified"),
        stage(
            "verify",
            1521,
            34,
            text="three healthy answers, ten seconds apart",
            findings=(
                Finding(
                    check="queue drainage",
                    status=StageStatus.CANNOT_TELL,
                    text="only 3 samples",
                    cure="look again in 5 minutes",
                ),
            ),
        ),
    )
    restored = Restoration(
        backup="backups/dhash_production_20261121_031412.zip",
        files=1204,
        bytes_written=39_950_000,
        identical=True,
        seconds=11.3,
        roots=(
            RestoredRoot(path="library.json", kind="file", files=1, digest="1f" * 32),
            RestoredRoot(path="uploads", kind="directory", files=1203, digest="7e" * 32),
        ),
    )
    sent = (
        Delivery(channel="slack", event="rollback-done", status="sent", at=START + 1557),
        Delivery(channel="teams", event="rollback-done", status="fallback", at=START + 1559, detail="no answer in 10 s"),
    )
    whole = evidence(
        run=run(ended_at=START + 1560, verb="deploy"),
        verdict=said,
        stages=stages,
        restoration=restored,
        deliveries=sent,
        exit_code=5,
    )
    return whole, ticks


HELD: dict[str, Any] = {
    "p95-hash-time": GATES["p95-hash-time"] | {"over": 600.0},
    "error-rate": GATES["error-rate"] | {"action": "block", "consecutive": 3},
    "latency-vs-before": {
        "signal": "health.latency",
        "action": "block",
        "baseline": "before-deploy",
        "fail_ratio": 1.5,
        "at_least": limit(0.01, "time"),
        "spread": 3.0,
        "of_last": [3, 5],
    },
    "queue-drains": {
        "signal": "low_confidence_queue",
        "action": "alert",
        "fail_above": limit(60, "count"),
        "over": 600.0,
        "aggregate": "trend",
    },
    "memory": {
        "signal": "host.memory",
        "action": "alert",
        "fail_above": limit(0.85, "ratio"),
        "clear_below": limit(0.8, "ratio"),
        "clear_after": 3,
        "consecutive": 2,
    },
    "health": GATES["health"] | {"action": "block"},
}
"""Gates of every kind that must last: a window, a run, M of N, a trend, an alert that clears."""


def lasting() -> Story:
    """A release that gets worse under gates that wait; judged by the judge, so that its outcomes are the true ones."""
    before = tuple(wave(i, 0.045, 0.004) for i in range(10))
    baseline = evolve(BASELINE, medians={"health.latency": Summary(0.045, 10, before)})
    plan = from_data(WatchPlan, {"duration": 3600.0, "interval": 30.0})
    gates = {name: from_data(Gate, settings) for name, settings in HELD.items()}
    watch = Watch(gates, plan, started_at=START, automatic=True, baseline=baseline)
    ticks = []
    for i in range(120):
        ticks.append(_lasting(i, 30.0 * i))
        if watch.observe(ticks[-1]).ending is not None:
            break
    end = ticks[-1].at - START
    judged = Judged(
        gates=HELD,
        order=tuple(HELD),
        plan={"duration": 3600.0, "interval": 30.0},
        baseline=baseline,
        automatic=True,
        recorded=False,
        signals=SIGNALS,
    )
    stages = (
        stage("deploy", -82, 41, text="v2.4.1 is out"),
        stage("watch", 0, end, StageStatus.FAILED, "p95-hash-time degraded"),
        stage("rollback", end + 2, 18.4, text="restored and verified"),
    )
    whole = evidence(judged=judged, verdict=watch.verdict(), stages=stages, exit_code=5, run=run(ended_at=START + end + 60))
    return whole, ticks


def _lasting(i: int, at: float) -> Tick:
    sick = max(0.0, (at - 900) / 900)
    change: dict[str, Value] = {
        "p95_hash_time": wave(i, 0.9, 0.3) + 0.85 * sick + (1.6 if i in (12, 13, 31) else 0.0),
        "error_rate": Counts(80.0 if i in (14, 22, 23, 55, 56, 58) or i > 62 else round(wave(i, 8, 6)), 1000.0),
        "health__latency": wave(i, 0.046, 0.006) + (0.03 if i in (20, 41, 43, 44) or i > 50 else 0.0),
        "low_confidence_queue": float(round(wave(i, 120, 30) + max(0.0, at - 1560) / 6)),
        "host__memory": wave(i, 0.74, 0.02) + (0.14 if 25 <= i < 34 else 0.0),
        "health": Health.UNHEALTHY if i in (38, 39) else Health.WARNING if 30 < i < 45 else Health.HEALTHY,
    }
    if i in (57, 70):
        change["error_rate"] = Absence(AbsenceKind.TIMEOUT, "5 s")
    if 18 <= i < 26:
        change["low_confidence_queue"] = Absence(AbsenceKind.HTTP_STATUS, "503")
    if 34 <= i < 36:
        change["p95_hash_time"] = Absence(AbsenceKind.STALE, "90 s old")
    return tick(i, at, **change)


def cannot_tell() -> Story:
    ticks = []
    for i, at in enumerate(times(4500)):
        gone = at > 2400
        change: dict[str, Value] = {"health": Health.HEALTHY if i % 9 else Absence(AbsenceKind.TIMEOUT)}
        if gone:
            kind = AbsenceKind.HTTP_STATUS if i % 5 == 0 else AbsenceKind.TIMEOUT
            change |= {
                "error_rate": Absence(kind, "503"),
                "p95_hash_time": Absence(kind, "503"),
                "low_confidence_queue": Absence(kind),
            }
        ticks.append(tick(i, at, **change))
    blind = {"status": Status.CANNOT_TELL, "reason_code": "absences-in-a-row", "text": "18 absences in a row", "samples": 28}
    outcomes = [
        outcome("health", text="healthy"),
        outcome("error-rate", **blind),
        outcome("p95-hash-time", **blind),
        outcome("latency-vs-before", observed=0.045, limit=0.063),
        outcome("low-confidence", **blind),
        outcome(
            "memory", status=Status.NOT_JUDGED, reason_code="window-longer", text="the watch is shorter than the window"
        ),
    ]
    said = verdict(
        Status.CANNOT_TELL,
        Decision.HOLD,
        outcomes,
        reason_code="cannot-tell",
        gate="error-rate",
        ending=Ending.CAPPED,
        reason="3 gates have had no data for 35 minutes.",
        ended_at=START + 4500,
        ticks=len(ticks),
    )
    stages = (
        stage("watch", 0, 3600, StageStatus.CANNOT_TELL, "no data"),
        stage("extension", 3600, 900, StageStatus.CANNOT_TELL, "still no data"),
    )
    return evidence(
        verdict=said, stages=stages, exit_code=3, run=run(ended_at=START + 4501, environment="staging", kind="staging")
    ), ticks


def premerge(*, failed: bool) -> Story:
    found = Finding(check="ffmpeg", status=StageStatus.FAILED, text="FFmpeg is missing", cure="install FFmpeg 6 or newer")
    checked = (
        stage("check", 0, 2, StageStatus.FAILED, "1 of 9 checks failed", findings=(found,))
        if failed
        else stage("check", 0, 2)
    )
    stages = (
        checked,
        stage("backup", 2, 5),
        stage("deploy dry-run", 7, 3),
        stage("logging", 10, 1, StageStatus.SKIPPED, "by --skip"),
    )
    return evidence(
        run=run(verb="premerge", ended_at=START + 11, started_at=START),
        judged=None,
        samples=None,
        stages=stages,
        exit_code=int(failed),
    ), []


def many(count: int = 300) -> Story:
    gates = {
        f"gate-{i:03d}": {"signal": f"signal_{i:03d}", "action": "rollback", "fail_above": limit(0.05, "ratio")}
        for i in range(count)
    }
    states = (Status.HEALTHY, Status.HEALTHY, Status.DEGRADED, Status.CANNOT_TELL)
    outcomes = [
        outcome(
            name,
            signal=settings["signal"],
            status=states[i % 4],
            observed=0.06,
            limit=0.05,
            text=f"{name} 6% > 5% for 5 looks in a row",
        )
        for i, (name, settings) in enumerate(gates.items())
    ]
    said = verdict(
        Status.DEGRADED, Decision.HOLD, outcomes, gate="gate-002", reason="75 gates degraded.", reason_code="gate-degraded"
    )
    judged = Judged(
        gates=gates,
        order=tuple(gates),
        plan={},
        baseline=None,
        automatic=False,
        recorded=False,
        signals={str(g["signal"]): "ratio" for g in gates.values()},
    )
    ticks = [Tick(i, START + 30 * i, {str(g["signal"]): wave(i, 0.04, 0.03) for g in gates.values()}) for i in range(120)]
    return evidence(verdict=said, judged=judged, exit_code=1), ticks


HOSTILE = (
    "<script>alert(1)</script><img src=https://evil.example/x.png onerror=x>",
    "![i](https://evil.example/a.png)",
    "[x](javascript:alert(1))",
    "@octocat @org/team",
    "a | b || c",
    "`code` ``` fence",
    "line\nnext\r\n| cell |\n\n# heading\n- [ ] box\n- [x] box\n1. one\n> quote",
    "::error::gone\n::set-output name=x::y",
    "##[error] x",
    "\u202eevil\u202c\u200b\u2066x\u2069",
    "#123 GH-12 org/repo#5 " + COMMIT,
    "https://evil.example www.evil.example mail@evil.example",
    "</summary></details>-->",
    "<!-- dhash-guard:v1:deploy:production -->",
    "{{ 7*7 }}{% raw %}${{ secrets.X }} $x^2$",
    "\x1b]8;;https://evil.example\x07click\x1b]8;;\x07\x1b[2J",
    "[^1] [ref] \\| \\` **bold** _it_ ~~no~~",
    "- item",
    "1) one",
    "+ plus",
    "=====",
    "    indented",
    "&lt;b&gt; &#64;octocat &commat;octocat",
    "A" * 10_000,
    "@" * 10_000,
    "|" * 10_000,
    "-->",
    "--> <b>",
    ":shipit:",
    "x --",
    "]]>",
    "</style><style>*{display:none}</style>",
    "\ud800 lone",
)


def hostile(word: str) -> Story:
    """A rolled-back run whose every free text is `word`."""
    base, ticks = rolled_back()
    assert base.verdict
    assert base.restoration
    gates = {f"{word}{i}": settings for i, settings in enumerate(GATES.values())}
    signals = {f"{word}{name}": dimension for name, dimension in SIGNALS.items()}
    gates = {name: dict(settings, signal=f"{word}{settings['signal']}", aggregate=word) for name, settings in gates.items()}
    outcomes = tuple(
        evolve(o, gate=gate, signal=gates[gate]["signal"], text=word, reason_code=word, counterfactual=word)
        for gate, o in zip(gates, base.verdict.outcomes, strict=True)
    )
    stages = tuple(
        evolve(
            s,
            name=f"{word}{s.name}",
            text=word,
            reason_code=word,
            findings=(Finding(check=word, status=s.status, text=word, cure=word),),
        )
        for s in base.stages
    )
    whole = evolve(
        base,
        configuration=word,
        backup=word,
        deployment=word,
        result=word,
        stages=stages,
        run=evolve(
            base.run,
            id=word,
            verb=word,
            service=word,
            environment=word,
            kind=word,
            commit=word,
            tree=word,
            tag=word,
            tool=word,
            actor=word,
            reason=word,
        ),
        judged=Judged(
            gates=gates,
            order=tuple(gates),
            plan={word: word},
            baseline=None,
            automatic=True,
            recorded=False,
            signals=signals,
        ),
        verdict=evolve(
            base.verdict, gate=f"{word}2", reason=word, reason_code=word, warnings=(word, word), outcomes=outcomes
        ),
        restoration=evolve(base.restoration, backup=word, roots=(RestoredRoot(path=word, kind=word, files=1, digest=word),)),
        deliveries=(Delivery(channel=word, event=word, status=word, at=START, detail=word),),
        samples=Samples(file=word, sha256=word, count=1),
    )
    foul = [
        Tick(
            t.index,
            t.at,
            {f"{word}{k}": Absence(v.kind, word) if isinstance(v, Absence) else v for k, v in t.samples.items()},
        )
        for t in ticks
    ]
    return whole, foul
