"""Nothing that strangers write acts: not in the comment, not in the summary, not in the outputs, not in the log."""

from __future__ import annotations

import io
import json
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from acceptance.test_action_start import Runner
from dhash_guard.cli.action import step
from dhash_guard.cli.inputs import variable
from dhash_guard.cli.outputs import NAMES
from dhash_guard.cli.surface import Surface
from dhash_guard.errors import NoGo
from dhash_guard.records.codec import from_data
from dhash_guard.records.evidence import Evidence
from dhash_guard.records.leg import LegReport, LegStage
from dhash_guard.records.stage import StageStatus
from dhash_guard.report.comment import marker, render_comment
from dhash_guard.report.escape import one_line
from dhash_guard.report.legs import merged, render_legs, slim
from dhash_guard.report.memory import boxes_in
from dhash_guard.report.summary import render_summary
from dhash_guard.simulator import Simulator
from support import gfm, report_stories
from support.hostile import WORDS, batches, file_names, settable, unfenced
from support.loopback import Loopback
from support.project import Project
from unit.github.parser import obeyed, read_outputs

Render = Callable[[str], str]

TOKENS = (WRITING, UNUSED) = ("t-write", "ghs_0123456789abcdef")
PARTS = 6
TRAILER = re.compile(r"<!-- dhash-guard:legs:[\w-]+=* -->")
UNSEEN = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\U000e0000-\U000e007f]")
ELEMENTS = {"<code>", "</code>", "<details>", "<details open>", "</details>", "<summary>", "</summary>", "<sub>", "</sub>"}
FORBIDDEN = {"image", "s_open", "em_open", "blockquote_open", "code_block", "hr", "ordered_list_open", "hardbreak"}
every_word = pytest.mark.parametrize("word", WORDS, ids=range(len(WORDS)))
# In CI every second batch goes through the whole program; each word goes through each page by itself below.
every_batch = pytest.mark.parametrize(
    "words",
    [pytest.param(words, marks=pytest.mark.full if part % 2 else ()) for part, words in enumerate(batches(PARTS))],
    ids=range(PARTS),
)


def linked(word: str) -> list[tuple[str, str]]:
    return [(word, "https://github.com/o/r/actions/runs/1"), (word, f"javascript:{word}"), (word, f"//{word}")]


def legs(word: str) -> str:
    """The shared comment with the word in every place that a leg has."""
    stage = LegStage(
        name=word, status=StageStatus.FAILED, text=word, findings=(word, f"{word}: {word} → {word}"), warnings=(word,)
    )
    report = LegReport(
        leg=word, service=word, environment=word, commit=word, result="no-go", exit_code=1, stages=(stage,), evidence=word
    )
    return render_legs({word: report}, (word, f"{word} other"), links=linked(word))


def comment(word: str) -> str:
    return render_comment(*report_stories.hostile(word), links=linked(word))


def summary(word: str) -> str:
    return render_summary(*report_stories.hostile(word), links=linked(word))


@cache
def plain(render: Render) -> Counter[str]:
    return shape(render("plain"))


def shape(text: str) -> Counter[str]:
    """What a page is made of: blocks, inline structure, elements with their attributes, comments, boxes."""
    found: Counter[str] = Counter()
    for kind, count in gfm.structure(text).items():
        # Elements count one by one, and a code span like the element that stands for it where its text is unusual.
        raw = kind.partition(" ")[2] if kind.startswith(("html ", "html_inline ")) else ""
        for element in re.findall(r"<!--|</?[a-zA-Z][^>]*>?|<[!?]", raw):
            found[element] += count
        if kind == "code_inline":
            found["<code>"] += count
            found["</code>"] += count
        elif not kind.startswith("html"):
            found[kind] += count
    found["box"] = sum(bool(re.match(r"\[[ xX]\]\s", shown)) for shown in gfm.visible(text))
    return +found


def assert_inert(text: str, links: int) -> None:
    """Nothing on the page is a picture, mention, reference, or an element that is not ours; links are those we know of."""
    found = shape(text)
    assert found["link_open"] == links
    assert FORBIDDEN & {*found} == set()
    assert {kind for kind in found if kind.startswith("<")} - {"<!--"} <= ELEMENTS
    assert gfm.references(text.replace("mailto:&#8203;", "mailto ")) == [], (
        "a scheme that is parted from its address is none"
    )
    assert UNSEEN.findall(text) == []


def assert_no_command(log: str) -> None:
    """What the runner obeys is a mask of the token and annotations in our name; nothing else looks like a command."""
    for command in obeyed(log):
        assert command.name in ("add-mask", "error", "warning", "notice"), command
        if command.name == "add-mask":
            assert command.data in TOKENS
        else:
            assert command.properties["title"].startswith("dhash-guard")
        assert set(command.properties) <= {"title"}
    for line in unfenced(log):
        if line.lstrip().startswith("::"):
            assert re.match(r"::(add-mask::|stop-commands::\w{32}$|(error|warning|notice) title=dhash-guard)", line), line
        else:
            assert "##[" not in line
            assert UNSEEN.findall(line) == []


@every_word
@pytest.mark.parametrize("render", [legs, comment, summary])
def test_a_word_changes_nothing_of_a_page_but_its_text(word: str, render: Render) -> None:
    text = render(word)
    assert_inert(text, links=1)
    found = shape(text)
    assert found - plain(render) == Counter(), "nothing was added"
    if len(word) < 600:
        assert found == plain(render), "nothing was lost"
        assert one_line(word) in " ".join(gfm.visible(text)).replace("\u200b", ""), "it is shown"


@every_word
def test_a_word_neither_moves_nor_forges_marker_and_data(word: str) -> None:
    text, one = legs(word), comment(word)
    assert text.startswith(f"{marker('premerge', word)}\n")
    assert one.startswith(f"{marker(word, word)}\n")
    assert len(TRAILER.findall(text)) == 1
    assert [*boxes_in(text)] == ["rehearsed", "reviewed", "operator", "window"]
    assert text.count("<!--") == text.count("-->") == 3 + len(boxes_in(text)), "marker, data, memory, and an id for each box"
    assert one.count("<!--") == one.count("-->") == 1
    other = LegReport(leg="other", service="s", environment=word, commit=word, result="proceed", exit_code=0, stages=())
    assert set(merged([text], other)) == {word, "other"}, "the legs are read back"
    assert set(merged([f"x {word} x"], other)) == {"other"}, "no word is taken for data"


class Said:
    """A program that says a word in every way that it has, and fails with it."""

    def __init__(self, word: str) -> None:
        self.word = word
        self.stream = io.StringIO()

    def __call__(self, line: Sequence[str], surface: Surface) -> int:
        self.stream.write(f"{self.word}\n{self.word}")
        evidence, ticks = report_stories.hostile(self.word)
        surface.publish(evidence, ticks, Path(self.word[:40].replace("\0", "")))
        surface.fail(NoGo(self.word, where=self.word, cure=self.word))
        return 1


@every_word
def test_a_word_stays_a_word_for_the_runner(word: str, tmp_path: Path) -> None:
    (tmp_path / "event.json").write_text(json.dumps({"pull_request": {"title": word}}))
    environ = {
        "GITHUB_ACTIONS": "true",
        "GITHUB_OUTPUT": str(tmp_path / "output"),
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary"),
        "GITHUB_EVENT_NAME": "pull_request",
        "GITHUB_EVENT_PATH": str(tmp_path / "event.json"),
        "GITHUB_HEAD_REF": word,
        variable("github-token"): UNUSED,
    }
    for command in ("health", word):  # the second is refused, and named
        said = Said(word)
        (tmp_path / "output").write_text("")
        assert step({**environ, variable("command"): command}, said.stream, said) in (1, 2)
        assert_no_command(said.stream.getvalue())
        outputs = read_outputs((tmp_path / "output").read_text("utf-8"))
        assert set(outputs) == {*NAMES} - {"comment-url"}
        assert outputs["decision"] != "proceed"
        json.loads(outputs["result"])
    text = (tmp_path / "summary").read_text("utf-8")
    assert_inert(text, links=0)
    assert shape(text)["heading_open"] == plain(summary)["heading_open"] + 1, "ours, and that of the refusal"


@pytest.fixture
def runner(tmp_path: Path, release: Path, project: Project) -> Iterator[Runner]:
    """A step for a pull request; `hub` is its GitHub."""
    yield Runner(tmp_path, release, project.root)


@pytest.fixture
def hub(runner: Runner, tmp_path: Path) -> Iterator[Simulator]:
    with Simulator().serving() as sim:
        sim.add_pull_request(number=7, author="ada")
        runner.environ |= {
            "GITHUB_EVENT_NAME": "pull_request",
            "GITHUB_EVENT_PATH": str(tmp_path / "event.json"),
            "GITHUB_REPOSITORY": sim.name,
            "GITHUB_API_URL": sim.url,
        }
        yield sim


def proposed(runner: Runner, sim: Simulator, words: Sequence[str]) -> None:
    """A pull request by somebody who calls everything after these words."""
    repository = {"full_name": sim.name}
    (pull,) = sim.repository.pull_requests
    word = " ".join(words)
    event = {
        "repository": repository,
        "sender": {"login": word},
        "pull_request": {
            "number": 7,
            "title": word,
            "body": word,
            "user": {"login": word},
            "labels": [{"name": each} for each in words],
            "head": {"ref": word, "label": word, "sha": pull.head_sha, "repo": repository},
            "base": {"ref": word, "sha": "b" * 40, "repo": repository},
        },
    }
    Path(runner.environ["GITHUB_EVENT_PATH"]).write_text(json.dumps(event))
    runner.environ |= {"GITHUB_HEAD_REF": word, "GITHUB_REF_NAME": word, "GITHUB_ACTOR": words[1], "GITHUB_WORKFLOW": word}


def saying(root: Path, words: Sequence[str]) -> list[str]:
    """A script that says words, by number or all of them, on both streams; it ends with exit 1 where it is told `-`."""
    (root / "words.json").write_text(json.dumps(words))
    (root / "say.py").write_text(
        "import json, pathlib, sys\n"
        "words = json.loads(pathlib.Path('words.json').read_text())\n"
        "chosen = [words[int(n)] for n in sys.argv[2:]] or words\n"
        "for stream in (sys.stdout, sys.stderr):\n"
        "    stream.buffer.write('\\n'.join(chosen).encode())\n"
        "sys.exit(sys.argv[1] == '-')\n"
    )
    return [sys.executable, "-I", "-S", "say.py"]


def checks(say: list[str], words: Sequence[str]) -> list[dict[str, Any]]:
    """Smoke checks that are called after the words and fail with them."""
    called = enumerate(words)
    return [{"name": word, "run": [*say, "-", str(n)], "quick": True} for n, word in called if settable(word)]


def assert_left(runner: Runner, sim: Simulator, first: str) -> tuple[str, str]:
    """What a step left acts nowhere; its comment and its summary."""
    (left,) = sim.comments(7)
    written = runner.summary.read_text("utf-8")
    assert left.body.startswith(f"{first}\n")
    assert_inert(left.body, links=1)
    assert_inert(written, links=0)
    assert_no_command(runner.log)
    assert "\x1b" not in runner.log, "nothing foreign steers a terminal"
    outputs = read_outputs(runner.output.read_text("utf-8"))
    assert set(outputs) == set(NAMES)
    assert outputs["decision"] == "hold"
    assert Path(runner.environ["GITHUB_ENV"]).read_text() == Path(runner.environ["GITHUB_PATH"]).read_text() == ""
    assert not list(runner.workspace.rglob("owned"))
    return left.body, written


def tamed(data: Any) -> Any:
    """The same record with harmless texts."""
    if isinstance(data, dict):
        return {name: tamed(value) for name, value in data.items()}
    if isinstance(data, list):
        return [tamed(value) for value in data]
    return "plain" if isinstance(data, str) and not re.fullmatch(r"[\w./:+-]{,99}", data, re.ASCII) else data


@every_batch
def test_a_rehearsal(words: tuple[str, ...], runner: Runner, project: Project, hub: Simulator) -> None:
    say = saying(project.root, words)
    (project.root / "files").mkdir()
    for name in file_names(words):
        (project.root / "files" / name).write_text(name)
    settings = project.environment
    settings["check"] = {"files": [name for name in words if settable(name) and len(name) < 200]}
    settings["smoke"] = checks(say, words)
    settings["deploy"]["plan"] = [*say, "+"]
    settings["migrate"] = {"run": ["false"], "plan": [*say, "-"], "input": "library.json"}
    settings["backup"]["components"]["files"] = {"paths": ["files/"]}
    project.write()
    proposed(runner, hub, words)
    assert runner.step("premerge", github_token=WRITING, environment="production") == 1, runner.log
    body, _ = assert_left(runner, hub, marker("premerge", "production"))
    assert len(TRAILER.findall(body)) == 1
    assert body.count("<!--") == 3 + len(boxes_in(body)) == 9
    result = json.loads((project.root / "premerge_artifacts/result-local.json").read_text("utf-8"))
    (pull,) = hub.repository.pull_requests
    same = slim(from_data(LegReport, tamed(result | {"commit": pull.head_sha})))
    assert shape(body) == shape(render_legs({same.leg: same}, (), links=linked("the run")[:1]))
    shown = " ".join(gfm.visible(body)).replace("\u200b", "")
    first = [word for word in words if settable(word) and len(word) < 200][:5]
    assert [word for word in first if one_line(word) not in shown] == [], "these reached the comment"


@every_batch
def test_a_deployment(words: tuple[str, ...], runner: Runner, project: Project, hub: Simulator) -> None:
    say = saying(project.root, words)
    project.environment["deploy"] |= {"plan": [*say, "+"], "run": [*say, "+"]}
    project.environment["smoke"] = checks(say, words)
    project.write()
    proposed(runner, hub, words)
    code = runner.step("deploy", github_token=WRITING, environment="production", tag=words[4], args="--force\n--verbose")
    assert code in (1, 6), runner.log
    body, written = assert_left(runner, hub, marker("deploy", "production"))
    evidence = from_data(Evidence, tamed(json.loads((project.root / runner.outputs["evidence-path"]).read_bytes())))
    above, _, boxes = body.partition("\n<details><summary>Checklist</summary>")
    assert shape(above) == shape(render_comment(evidence, (), links=linked("the run")[:1]))
    assert boxes, "its checklist stands below, and holds nothing foreign"
    assert not any(word in boxes for word in words if len(word) > 20)
    told, _, counted = written.rpartition("<sub>")
    assert re.fullmatch(r"\d+ requests to GitHub</sub>\n", counted)
    assert shape(told) == shape(render_summary(evidence, ()))


@every_batch
def test_a_watch(words: tuple[str, ...], runner: Runner, project: Project, hub: Simulator, service: Loopback) -> None:
    gates = {word: {"signal": "p95", "fail_above": "2000ms", "consecutive": 3, "action": "rollback"} for word in words}
    project.environment["gates"] |= {word: gate for word, gate in gates.items() if settable(word)}
    project.write()
    service.script("/health", [(200, json.dumps({"status": word}).encode()) for word in words])
    service.script("/metrics", [(200, json.dumps({"p95": word, "rate": word, word: word}).encode()) for word in words])
    proposed(runner, hub, words)
    assert runner.step("monitor", github_token=WRITING, environment="production", args="--verbose") != 0, runner.log
    assert_left(runner, hub, marker("monitor", "production"))
