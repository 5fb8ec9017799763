"""Draws docs/images: what people see of a run, from the functions that make it, in a page that looks like GitHub's."""
# ruff: noqa: E402, T201, TID251  # a program of its own: it sets its path, runs a browser and says what it made

from __future__ import annotations

import argparse
import io
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from attrs import evolve
from markdown_it import MarkdownIt
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "tests")]

from dhash_guard.errors import CannotTell
from dhash_guard.records.leg import LegReport, LegStage
from dhash_guard.records.stage import StageStatus
from dhash_guard.report.comment import render_comment
from dhash_guard.report.html import render_report
from dhash_guard.report.legs import render_legs
from dhash_guard.report.live import LiveRow, LiveView
from dhash_guard.report.summary import render_summary
from dhash_guard.report.timeline import LiveTimeline
from dhash_guard.rollout.check import ChecksFailed
from support import report_stories as stories

IMAGES = ROOT / "docs" / "images"
WIDTH = 900
TALLEST = 1900
COLOURS = 256
MOST = 150_000
"""Bytes of a picture; more would be felt in a clone."""

SYSTEMS = ("ubuntu-latest", "macos-latest", "windows-latest")
RUN = (("the run", "https://github.com/mobius/dhash-service/actions/runs/4242"),)

_STYLE = """
* { box-sizing: border-box }
body { margin: 0; padding: 16px; background: #fff; color: #1f2328; font: 14px/1.5 "Liberation Sans", Arial, sans-serif }
.box { border: 1px solid #d1d9e0; border-radius: 6px; overflow: hidden }
.head { background: #f6f8fa; border-bottom: 1px solid #d1d9e0; padding: 8px 16px; color: #59636e }
.head b { color: #1f2328 }
.head i { float: right; font-style: normal; font-size: 12px; border: 1px solid #d1d9e0; border-radius: 2em; padding: 0 7px }
.body { padding: 16px }
.body > :first-child { margin-top: 0 } .body > :last-child { margin-bottom: 0 }
p, ul, table, pre, details { margin: 0 0 16px }
details > :last-child { margin-bottom: 0 }
h2, h3 { line-height: 1.25; margin: 24px 0 16px }
h2 { font-size: 1.5em; padding-bottom: .3em; border-bottom: 1px solid #d1d9e0b3 }
h3 { font-size: 1.25em }
ul { padding-left: 2em }
li.task { list-style: none } li.task input { margin: 0 .35em .25em -1.4em; vertical-align: middle }
a { color: #0969da }
summary { cursor: pointer } details[open] > summary { margin-bottom: 8px }
code, pre { font-family: "Liberation Mono", monospace; font-size: 85% }
code { background: #818b981f; border-radius: 6px; padding: .2em .4em; white-space: break-spaces }
pre { background: #f6f8fa; border-radius: 6px; padding: 16px; line-height: 1.45; overflow: hidden }
pre code { background: none; padding: 0; font-size: 100% }
table { border-collapse: collapse; display: block; width: max-content; max-width: 100%; overflow: hidden }
th, td { border: 1px solid #d1d9e0; padding: 6px 13px } tr:nth-child(2n) td { background: #f6f8fa }
sub { font-size: 75% }
.terminal { background: #0d1117; color: #e6edf3; padding: 16px; border-radius: 6px }
"""


def main() -> None:
    """Draw all pictures, or those that are named."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("names", nargs="*", help="only these")
    options.add_argument("--chromium", default=shutil.which("chromium") or shutil.which("google-chrome") or "")
    given = options.parse_args()
    if not given.chromium:
        sys.exit("there is no chromium: install it, or name it with --chromium")
    IMAGES.mkdir(exist_ok=True)
    for name, make in PICTURES.items():
        if not given.names or name in given.names:
            draw(given.chromium, make(), IMAGES / f"{name}.png")


def draw(chromium: str, page: str, target: Path) -> None:
    """Draw one page from its top to its end."""
    with tempfile.TemporaryDirectory() as scratch:
        file, profile = Path(scratch, "page.html"), Path(scratch, "profile")
        # The page is as high as it needs, and says so in its title.
        asking = "<script>document.title = document.documentElement.getBoundingClientRect().height</script>"
        file.write_text(page + asking, "utf-8")
        start = [chromium, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--hide-scrollbars"]
        start += ["--disable-background-networking", f"--user-data-dir={profile}"]
        asked = _ran([*start, f"--window-size={WIDTH},600", "--dump-dom", file.as_uri()])
        found = re.search(r"<title>(\d+)", asked)
        height = min(int(found[1]) + 1 if found else 1200, TALLEST)
        _ran([*start, f"--window-size={WIDTH},{height}", f"--screenshot={target}", file.as_uri()])
    with Image.open(target) as picture:
        picture.convert("RGB").quantize(COLOURS, Image.Quantize.MAXCOVERAGE).save(target, optimize=True)
    size = target.stat().st_size
    print(f"{target.relative_to(ROOT)}: {WIDTH} x {height}, {size} bytes")
    if size > MOST:
        sys.exit(f"{target.name} is larger than {MOST} bytes")


def _ran(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    if done.returncode:
        sys.exit(done.stderr)
    return done.stdout


def on_github(body: str, head: str) -> str:
    """The body of a comment or summary as GitHub shows it, charts as the text that they are."""
    parser = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    shown = re.sub(r"<li>(?:<p>)?\[([ xX])\]", _box, parser.render(body))
    return _page(f'<div class="box"><div class="head">{head}</div><div class="body">{shown}</div></div>')


def _box(found: re.Match[str]) -> str:
    checked = "" if found[1] == " " else " checked"
    return f'<li class="task"><input type="checkbox"{checked}>'


def _page(inside: str) -> str:
    return f"<!DOCTYPE html><html><head><meta charset=utf-8><title></title><style>{_STYLE}</style></head><body>{inside}"


def commented(body: str) -> str:
    """A comment by the workflow."""
    return on_github(body, "<b>github-actions</b> commented just now <i>bot</i>")


def summarised(body: str, job: str = "deploy") -> str:
    """The summary of a job."""
    return on_github(body, f"<b>{job}</b> summary")


def legs(*reports: LegReport) -> str:
    """The comment that the legs share."""
    return commented(render_legs({report.leg: report for report in reports}, SYSTEMS, links=RUN))


def leg(name: str, result: str = "proceed", **changed: LegStage) -> LegReport:
    """What a leg reports; every stage passed but those given."""
    stages = {
        "check": LegStage(name="check", status=StageStatus.PASSED, text="9 checks passed"),
        "backup": LegStage(name="backup", status=StageStatus.PASSED, text="sealed, restored and compared: 1,204 files"),
        "deploy": LegStage(name="deploy", status=StageStatus.PASSED, text="would switch current to releases/v2.4.1"),
        "migrate": LegStage(name="migrate", status=StageStatus.PASSED, text="12,408 rows, library.json is readable JSON"),
        "smoke": LegStage(name="smoke", status=StageStatus.PASSED, text="12 of 12 checks passed"),
    }
    code = {"proceed": 0, "no-go": 1, "cannot-tell": 3}[result]
    return LegReport(
        leg=name,
        service="dhash",
        environment="production",
        commit=stories.COMMIT,
        result=result,
        exit_code=code,
        stages=tuple((stages | changed).values()),
    )


def ready() -> str:
    """Every system passed."""
    return legs(*(leg(name) for name in SYSTEMS))


def not_ready() -> str:
    """One system fails a check and the migration's plan."""
    check = LegStage(
        name="check",
        status=StageStatus.FAILED,
        text=str(
            ChecksFailed(
                "2 of 9 checks failed: tool ffmpeg: 5.1.6, needs 6.0; variable DHASH_SECRET: not set",
                cure="Install ffmpeg 6.0.",
            )
        ),
        findings=(
            "tool ffmpeg: 5.1.6, needs 6.0 → Install ffmpeg 6.0.",
            "variable DHASH_SECRET: not set → Set DHASH_SECRET.",
        ),
    )
    migrate = LegStage(
        name="migrate",
        status=StageStatus.FAILED,
        text="python migrate.py --plan: exit 1 (ValueError: row 811 has no hash)",
    )
    return legs(*(leg(name) for name in SYSTEMS[:2]), leg(SYSTEMS[2], "no-go", check=check, migrate=migrate))


def unknown() -> str:
    """One system cannot tell and one has not reported."""
    deploy = LegStage(
        name="deploy",
        status=StageStatus.CANNOT_TELL,
        text=str(CannotTell("deploy has no plan command", cure="Give deploy.plan, a command that says what it would do.")),
    )
    return legs(leg(SYSTEMS[0]), leg(SYSTEMS[1], "cannot-tell", deploy=deploy))


def all_failed() -> str:
    """Every system fails, two of them in the same words, one more than once."""

    def smoke(said: str) -> LegStage:
        finding = f"upload: {said} → Start the service with the test library."
        return LegStage(
            name="smoke", status=StageStatus.FAILED, text=f"1 of 12 checks failed: upload: {said}", findings=(finding,)
        )

    migrate = LegStage(
        name="migrate",
        status=StageStatus.FAILED,
        text="python migrate.py --plan: exit 1 (ValueError: row 811 has no hash)",
    )
    first, second, third = (smoke(said) for said in ("HTTP 500", "HTTP 500", "no answer in 10 s"))
    return legs(
        leg(SYSTEMS[0], "no-go", smoke=first),
        leg(SYSTEMS[1], "no-go", smoke=second, migrate=migrate),
        leg(SYSTEMS[2], "no-go", smoke=third),
    )


def deployed() -> stories.Story:
    """A deployment that was watched until it was known to be healthy, with the stages that every deployment has."""
    seen, ticks = stories.healthy()
    before = stories.stage("look before", -93, 2.5, text="10 of 10 looks healthy")
    backup, deploy, smoke, watch = seen.stages
    health = stories.stage("health", -41, 1.1, text="healthy, 3 in a row")
    whole = (before, backup, deploy, health, smoke, watch)
    return evolve(seen, run=evolve(seen.run, verb="deploy"), stages=whole), ticks


def rehearsed() -> stories.Story:
    """One leg of the matrix that fails its first stage; nothing was deployed, so it names no backup and no deployment."""
    seen, ticks = stories.premerge(failed=True)
    check = seen.stages[0]
    backup = stories.stage("backup", 2, 5.4, text="1,204 files backed up, lost, restored and compared byte for byte")
    deploy = stories.stage("deploy", 7, 3, text="would switch current to releases/v2.4.1")
    smoke = stories.stage("smoke", 10, 12, text="12 of 12 checks passed")
    skipped = stories.stage("migrate", 22, 0, StageStatus.SKIPPED, "the project has no migrate section")
    whole = (check, backup, deploy, smoke, skipped)
    took = evolve(seen.run, ended_at=seen.run.started_at + 22.3)
    return evolve(seen, run=took, stages=whole, backup="", deployment="", result="no-go"), ticks


def rolled_back() -> stories.Story:
    """The run that was rolled back, with the stages that every rollback has."""
    seen, ticks = stories.rolled_back()
    done = (
        stories.stage("rollback snapshot", 1500, 5.1, text="kept as dhash_production_20261121_034001.zip"),
        stories.stage("rollback restore", 1506, 11.3, text="1,204 files"),
        stories.stage("rollback health", 1518, 30, text="healthy, 3 in a row"),
        stories.stage("rollback smoke", 1548, 4, text="12 of 12 checks"),
        stories.stage("rollback queue", 1552, 4, text="drains: 140, 118, 96"),
        stories.stage("rollback artifacts", 1556, 1, text="14 files"),
    )
    return evolve(seen, stages=(*seen.stages[:4], *done)), ticks


def windows() -> str:
    """The plots of gates that wait: a window, a run of strikes, M of N, gaps."""
    page = render_report(*stories.lasting())
    head, rest = page.split("<header", 1)
    plots = rest[rest.index('<section aria-labelledby="signals">') :].split("</figure>")[:4]
    # Without its policy, so that the page can say how high it is.
    head = re.sub(r"<meta http-equiv[^>]*>", "", head).replace("</style>", "h2 { margin-top: 0 !important }</style>")
    return f"{head}{'</figure>'.join(plots)}</figure></section></main></body></html>"


def live() -> str:
    """The table of a running watch, as a terminal shows it."""
    rows = (
        LiveRow(
            name="error-rate",
            value="6.1%",
            limit="≤ 5%",
            status="warning",
            tone="warn",
            strikes=(2, 3),
            history=(*_wave(0.4), 1.4, None, 1.6),
        ),
        LiveRow(
            name="p95-hash-time",
            value="mean 2310 ms",
            limit="≤ 2000 ms",
            status="degraded",
            tone="bad",
            coverage=1.0,
            history=tuple(0.7 + i / 12 for i in range(23)),
        ),
        LiveRow(
            name="latency-vs-before",
            value="48 ms",
            limit="≤ 67.5 ms",
            status="healthy",
            tone="good",
            strikes=(0, 3),
            history=tuple(_wave(0.05)),
        ),
        LiveRow(
            name="queue-drains",
            value="140",
            limit="≤ 60",
            status="cannot-tell",
            tone="unknown",
            coverage=0.44,
            history=(*_wave(120), None, None, 118, 121, 140),
        ),
        LiveRow(
            name="low-confidence",
            value="timeout",
            limit="≤ 1000",
            status="cannot-tell",
            tone="unknown",
            history=(*_wave(120), None, None, None),
        ),
        LiveRow(name="memory", value="83%", limit="≤ 85%", status="cleared (alert)", tone="warn", history=tuple(_wave(0.8))),
    )
    watch = LiveView(
        title="dhash monitor on production · 9f3c2a1", elapsed=1425, planned=3600, rows=rows, before=1395, next_look=12
    )
    stream = _Terminal()
    with LiveTimeline(stream, width=100) as table:
        table.show(watch)
        shown = stream.getvalue()
    return _page(f'<pre class="terminal">{_coloured(shown)}</pre>')


def _wave(base: float) -> Iterator[float]:
    return (stories.wave(i, base, base / 3) for i in range(20))


class _Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


_COLOURS = {"1": "font-weight:bold", "2": "opacity:.7", "31": "color:#ff7b72", "32": "color:#7ee787"}
_COLOURS |= {"33": "color:#e3b341", "34": "color:#79c0ff", "35": "color:#d2a8ff", "36": "color:#76e3ea"}


def _coloured(text: str) -> str:
    """The terminal's colours as HTML; its other sequences are left out."""
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace("\r", "")
    escaped = re.sub(r"\x1b\[[?\d;]*[A-Za-ln-z]", "", escaped)
    parts, open_spans = [], 0
    for part in re.split(r"(\x1b\[[\d;]*m)", escaped):
        codes = re.fullmatch(r"\x1b\[([\d;]*)m", part)
        if codes is None:
            parts.append(part)
            continue
        styles = [_COLOURS[code] for code in codes[1].split(";") if code in _COLOURS]
        parts.append("</span>" * open_spans if not styles else f'<span style="{";".join(styles)}">')
        open_spans = open_spans + 1 if styles else 0
    return "".join(parts).strip("\n") + "</span>" * open_spans


PICTURES: dict[str, Callable[[], str]] = {
    "premerge-ready": ready,
    "premerge-not-ready": not_ready,
    "premerge-cannot-tell": unknown,
    "premerge-all-failed": all_failed,
    "summary-premerge-failed": lambda: summarised(
        render_summary(*rehearsed(), links=RUN), "premerge-validation (ubuntu-latest)"
    ),
    "comment-deployed": lambda: commented(render_comment(*deployed(), links=RUN)),
    "summary-deployed": lambda: summarised(render_summary(*deployed(), links=RUN)),
    "comment-healthy": lambda: commented(render_comment(*stories.healthy(), links=RUN)),
    "comment-rolled-back": lambda: commented(render_comment(*rolled_back(), links=RUN)),
    "comment-cannot-tell": lambda: commented(render_comment(*stories.cannot_tell(), links=RUN)),
    "comment-many-gates": lambda: commented(render_comment(*stories.many(), links=RUN)),
    "summary-rolled-back": lambda: summarised(render_summary(*rolled_back(), links=RUN)),
    "report-rolled-back": lambda: render_report(*rolled_back()),
    "report-windows": windows,
    "live": live,
}

if __name__ == "__main__":
    main()
