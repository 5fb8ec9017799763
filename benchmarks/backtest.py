"""Times a backtest against only parsing the same log, in the same run: whole processes, and how time and memory grow."""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

PROGRAM = Path(sys.executable).with_name("dhash-guard")
PARSE = "import json, sys\nfor line in open(sys.argv[1], 'rb'): json.loads(line)\n"
START = 1_800_000_000.0
GOAL, STRETCH = 6.0, 3.0
SIGNALS = [f"s{number:02}" for number in range(18)]

HOLDS: list[dict[str, Any]] = [
    {"consecutive": 3},
    {"consecutive": 5},
    {"consecutive": 10, "min_samples": 5},
    {"of_last": [3, 5]},
    {"of_last": [8, 10]},
    {"of_last": [20, 30]},
    *({"over": "10m", "aggregate": how} for how in ("mean", "p95", "max", "min", "median", "rise")),
    *({"over": "30m", "aggregate": how} for how in ("mean", "p99", "trend", "last")),
]
"""Sixteen holds of absolute limits; two more are relative to the baseline, and one each reads the counts and the health."""

LIMIT, SPIKE = 9.0, 12.0
STEADY = ("max", "last", "rise")
"""Aggregates that a single look beyond the limit decides; their signals stay below it in an unrestful log too."""


def configuration(hours: float) -> dict[str, Any]:
    """20 signals, 20 gates; as JSON, which is YAML."""
    values = {name: {"at": name, "unit": "s"} for name in SIGNALS}
    values["errors"] = {"part_at": "failed", "whole_at": "all"}
    gates: dict[str, Any] = {
        f"{name}-{number}": {"signal": name, "fail_above": f"{LIMIT:g}s", "action": "rollback"} | hold
        for number, (name, hold) in enumerate(zip(SIGNALS, HOLDS, strict=False))
    }
    relative = {"baseline": "before-deploy", "fail_ratio": 1.5, "at_least": "1s", "action": "alert"}
    gates |= {f"{name}-before": {"signal": name, "over": "10m", **relative} for name in SIGNALS[16:]}
    gates["errors"] = {"signal": "errors", "fail_above": "50%", "over": "10m", "aggregate": "ratio", "action": "rollback"}
    gates["health"] = {"signal": "health", "fail_when": "unhealthy", "consecutive": 3, "action": "rollback"}
    environment = {
        "base_url": "http://127.0.0.1:9",
        "signals": {"service": {"kind": "http-json", "path": "/", "values": values}},
        "monitor": {"duration": f"{hours * 3600 - 1:.0f}s", "interval": "1s"},
        "gates": gates,
    }
    return {"version": 1, "service": "dhash", "environments": {"bench": environment}}


def write(root: Path, hours: float, unrest: float) -> Path:
    """A run folder with one line per second in which no gate ever fires, and evidence with the baseline of two signals.

    `unrest` is how likely a look is beyond its limit; others of that signal follow 30 seconds later, for a p99 300.
    """
    source = random.Random(7)
    aggregates = {name: hold.get("aggregate") for name, hold in zip(SIGNALS, HOLDS, strict=False)}
    pauses = {name: 300 if how == "p99" else 30 for name, how in aggregates.items() if how not in STEADY}
    quiet_until = dict.fromkeys(pauses, 0)
    root.mkdir()
    whole = configuration(hours)
    (root / "dhash-guard.yml").write_text(json.dumps(whole))
    path = root / "run" / "samples.jsonl"
    path.parent.mkdir()
    with path.open("w") as lines:
        for second in range(round(hours * 3600)):
            samples: dict[str, Any] = {name: round(source.lognormvariate(0.0, 0.2), 6) for name in SIGNALS}
            for name in pauses if unrest else ():
                if second >= quiet_until[name] and source.random() < unrest:
                    samples[name] = SPIKE
                    quiet_until[name] = second + pauses[name]
            samples |= {"errors": {"part": float(source.randrange(5)), "whole": 100.0}, "health": {"health": "healthy"}}
            lines.write(json.dumps({"tick": second, "at": START + second, "samples": samples}) + "\n")
    evidence(path.parent, hours)
    return path


def evidence(folder: Path, hours: float) -> None:
    """What a sealed run would say of the watch."""
    run = {"id": "run", "verb": "monitor", "service": "dhash", "environment": "bench", "kind": "staging", "commit": ""}
    run |= {"tree": "", "tag": "", "tool": ""}
    medians = {name: {"median": 1.0, "count": 3, "values": []} for name in SIGNALS}
    verdict = {"status": "healthy", "decision": "proceed", "reason_code": "", "reason": "", "ending": "planned"}
    data = {
        "run": run | {"attempt": 1, "started_at": START, "ended_at": START},
        "configuration": "",
        "judged": {
            "gates": {},
            "order": [],
            "plan": {"duration": hours * 3600 - 1, "interval": 1.0},
            "baseline": {"taken_at": START, "samples": 3, "health": "healthy", "medians": medians},
            "automatic": False,
            "recorded": False,
            "signals": {},
        },
        "verdict": verdict | {"ticks": 0, "started_at": START, "ended_at": START, "outcomes": []},
    }
    (folder / "evidence.json").write_text(json.dumps(data))


def timed(command: list[str], root: Path) -> tuple[float, float, str]:
    """Seconds, peak memory in MiB, and output of one whole process."""
    began = time.perf_counter()
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        out = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{command} ended with {process.returncode}")
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return time.perf_counter() - began, usage.ru_maxrss / unit, out


def measure(root: Path, hours: float, rounds: int, unrest: float = 0.0) -> tuple[float, float, float]:
    """Least seconds of parsing and of the backtest, interleaved, and the backtest's peak memory in MiB."""
    path = write(root, hours, unrest)
    parses, backtests, memory = [], [], []
    for _ in range(rounds):
        parses.append(timed([sys.executable, "-c", PARSE, str(path)], root)[0])
        seconds, peak, out = timed([str(PROGRAM), "gates", "backtest", "run", "--json"], root)
        (replay,) = json.loads(out)["replays"]
        looks, status = replay["now"]["ticks"], replay["now"]["status"]
        assert (looks, status) == (round(hours * 3600), "healthy"), replay["now"]["reason"]
        backtests.append(seconds)
        memory.append(peak)
    print(f"  {hours:4g} h {'restless' if unrest else '':8}", end="")
    print(f"{statistics.median(parses):10.2f}{statistics.median(backtests):12.2f}", end="")
    print(f"{min(backtests) / min(parses):9.2f}{max(memory):12.1f} MiB")
    return min(parses), min(backtests), max(memory)


def main() -> int:
    """Print one table and the goals beside what was measured."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--hours", type=float, nargs="+", default=[3, 6, 12, 24])
    options.add_argument("--rounds", type=int, default=3)
    given = options.parse_args()
    print(f"a line per second, 20 signals, 20 gates; {given.rounds} rounds, median seconds")
    print("    log                 parse    backtest    ratio        peak")
    with tempfile.TemporaryDirectory() as folder:
        told = {hours: measure(Path(folder) / f"{hours:g}", hours, given.rounds) for hours in sorted(given.hours)}
        restless = measure(Path(folder) / "restless", max(told), given.rounds, unrest=0.02)
    shortest, longest = min(told), max(told)
    parse, backtest, memory = told[longest]
    row(f"{longest:g} h: times the cost of parsing", GOAL, backtest / parse)
    row(f"{longest:g} h: the same, stretch", STRETCH, backtest / parse)
    row(f"{longest:g} h with looks beyond the limits: the same", GOAL, restless[1] / restless[0])
    row("time per line, longest log against shortest", 1.25, backtest / longest / (told[shortest][1] / shortest))
    row("peak memory, longest log against shortest", 1.25, memory / told[shortest][2])
    return 0


def row(name: str, goal: float, measured: float) -> None:
    """Goal, measured ratio, and whether it is met."""
    print(f"{name:<50} goal ≤ {goal:.2f}   measured {measured:5.2f}   {'ok' if measured <= goal else 'short'}")


if __name__ == "__main__":
    sys.exit(main())
