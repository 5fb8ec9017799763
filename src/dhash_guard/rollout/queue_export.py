"""Asks the service for what waits in its low-confidence queue, and writes it down for people who review it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from attrs import frozen

from dhash_guard.config.verbs import QueueExportSettings
from dhash_guard.errors import CannotTell, UsageProblem
from dhash_guard.records.canonical import loads, sha256_hex
from dhash_guard.records.evidence import Evidence
from dhash_guard.records.layout import iso, stamp
from dhash_guard.records.sample import Absence
from dhash_guard.records.stage import Change, Finding, StageStatus
from dhash_guard.records.units import Unit
from dhash_guard.records.waiting import QueueExport, Waiting
from dhash_guard.report.queue_export import Form, written
from dhash_guard.rollout.health import base_url
from dhash_guard.rollout.pictures import Pictures
from dhash_guard.rollout.run import Done, Guarded
from dhash_guard.signals.path import Missing, find
from dhash_guard.signals.reading import finite, in_unit
from dhash_guard.system.http import NoAnswer

FOLDER = "exports"
_SHOWN = 3


@frozen(kw_only=True)
class Wish:
    """What is asked for: `below` is a fraction (None: what the configuration says), `out` the file (None: one of ours)."""

    form: Form
    below: float | None = None
    images: bool = False
    out: Path | None = None


@frozen(kw_only=True)
class Exported:
    """The file that was written, and how many entries it holds of those that wait."""

    file: str
    sha256: str
    entries: int
    in_queue: int


def export(run: Guarded, wish: Wish) -> tuple[Evidence, Exported | None]:
    """The `queue export` verb: exit 0, or 3 where the queue, an entry or an asked-for image cannot be read.

    Only images that cannot be had leave a file: it says of each what is wrong. Raise UsageProblem where nothing says where
    the entries stand, or `out` cannot be written.
    """
    settings = _settings(run)
    path = _file(run, wish)
    held: list[Exported] = []
    try:
        run.stage("queue export", lambda: _exported(run, settings, wish, path, held))
    except CannotTell as problem:
        evidence = run.evidence(result=problem.code, exit_code=problem.exit_code)
    else:
        evidence = run.evidence(result="planned" if run.machine.dry else "exported", exit_code=0)
    return run.seal(evidence), held[0] if held else None


def entries_of(document: Any, settings: QueueExportSettings) -> list[Waiting]:
    """Every entry of an answer, the least confident first; raise CannotTell naming what is missing."""
    listed = document if settings.items_at is None else find(document, settings.items_at)
    where = "the answer" if settings.items_at is None else settings.items_at
    if isinstance(listed, Missing) or not isinstance(listed, list):
        raise CannotTell(f"{where} is no list of entries", cure="Mend queue.export.items_at.")
    if settings.total_at is not None:
        total = finite(find(document, settings.total_at))
        if total != len(listed):
            said = "no number" if total is None else f"{total:g}"
            raise CannotTell(f"the answer holds {len(listed)} entries, but {settings.total_at} is {said}")
    found, faults = [], []
    for number, item in enumerate(listed, start=1):
        entry = _entry(item, settings)
        if isinstance(entry, Waiting):
            found.append(entry)
        else:
            faults.append(f"entry {number}: {entry}")
    if faults:
        more = f" (and {len(faults) - _SHOWN} more)" if len(faults) > _SHOWN else ""
        raise CannotTell("; ".join(faults[:_SHOWN]) + more, cure="Mend queue.export, or what the service says.")
    return sorted(found, key=lambda entry: (entry.confidence, entry.id))


def _entry(item: Any, settings: QueueExportSettings) -> Waiting | str:
    """One entry, or why it is none; hash and image may be missing."""
    name, number = find(item, settings.id_at), finite(find(item, settings.confidence_at))
    if not isinstance(name, (str, int)) or isinstance(name, bool) or name == "":
        return f"no text or whole number at {settings.id_at}"
    if number is None:
        return f"no number at {settings.confidence_at} (of {_text(name)[:60]})"
    confidence = in_unit(number, Unit(settings.unit), settings.confidence_at)
    if isinstance(confidence, Absence):
        return f"{confidence.detail} (of {_text(name)[:60]})"
    image = "" if settings.image_at is None else find(item, settings.image_at)
    return Waiting(id=_text(name), hash=_text(find(item, settings.hash_at)), confidence=confidence, image=_text(image))


def _text(found: Any) -> str:
    """Text or a whole number as text that any encoding can write; empty for everything else."""
    if isinstance(found, bool) or not isinstance(found, (str, int)):
        return ""
    return str(found).encode("utf-8", "backslashreplace").decode()


def _exported(run: Guarded, settings: QueueExportSettings, wish: Wish, path: Path, held: list[Exported]) -> Done:
    url = base_url(run.configuration).rstrip("/") + settings.path
    waiting = entries_of(_asked(run, settings, url), settings)
    below = wish.below if wish.below is not None else settings.below
    chosen = [entry for entry in waiting if below is None or entry.confidence < below]
    if wish.images:
        pictures = Pictures(run.machine.http, base_url(run.configuration), float(settings.timeout))
        chosen = [pictures.with_picture(entry) for entry in chosen]
    found = QueueExport(
        service=run.facts.service,
        environment=run.environment,
        at=iso(run.machine.clock.now()),
        source=url,
        below=below,
        in_queue=len(waiting),
        entries=tuple(chosen),
    )
    content = written(found, wish.form, images=wish.images, templates=run.configuration.layout.templates)
    text = f"{len(chosen)} of {len(waiting)} entries"
    if run.machine.plan is not None:
        run.machine.plan.append(Change("write", f"{text} to {path}"))
        return Done(f"would write {text} to {path}")
    run.machine.files.make_directory(path.parent)
    run.machine.files.write_atomic(path, content)
    done = Exported(file=str(path), sha256=sha256_hex(content), entries=len(chosen), in_queue=len(waiting))
    held.append(done)
    findings = tuple(
        Finding(check=f"image of {entry.id}", status=StageStatus.CANNOT_TELL, text=entry.problem)
        for entry in chosen
        if entry.problem
    )
    text = f"{text} in {path}, sha256 {done.sha256[:12]}…"
    if findings:
        raise CannotTell(f"{text}; {len(findings)} without their image: {findings[0].text}", findings=findings)
    return Done(text)


def _asked(run: Guarded, settings: QueueExportSettings, url: str) -> Any:
    answer = run.machine.http.request("GET", url, timeout=float(settings.timeout))
    if isinstance(answer, NoAnswer):
        raise CannotTell(f"the queue does not answer: {answer.trouble.value} ({answer.detail})", where=url)
    if answer.status != 200:
        raise CannotTell(f"the queue answers HTTP {answer.status}", where=url)
    try:
        return loads(answer.body)
    except ValueError:
        raise CannotTell(f"the queue answers {len(answer.body)} bytes that are no JSON", where=url) from None


def _settings(run: Guarded) -> QueueExportSettings:
    queue = run.configuration.environment.queue
    if queue is None or queue.export is None:
        raise UsageProblem(
            f"environment {run.environment} does not say where the entries of its queue stand",
            where=str(run.configuration.path),
            cure="Add queue: {export: {path: /api/dhash/queue/items, items_at: items}}.",
        )
    return queue.export


def _file(run: Guarded, wish: Wish) -> Path:
    if wish.out is None:
        name = f"low_confidence_{run.environment}_{stamp(run.machine.clock.now())}.{wish.form.value}"
        return run.configuration.layout.root / FOLDER / name
    if wish.out.is_dir():
        raise UsageProblem("is a directory", where=str(wish.out), cure="Name a file in it with --out.")
    if not wish.out.parent.is_dir():
        raise UsageProblem("there is no such directory", where=str(wish.out.parent), cure="Make it, or name another file.")
    return wish.out
