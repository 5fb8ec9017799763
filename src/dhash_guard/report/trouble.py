"""Decides what the legs of a matrix say of stages that did not pass: what several say alike stands once, widest first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from attrs import frozen

from dhash_guard.records.leg import LegReport, LegStage
from dhash_guard.records.stage import StageStatus
from dhash_guard.report.escape import clip
from dhash_guard.report.words import sentences

BAD_FIRST = {StageStatus.FAILED: 0, StageStatus.CANNOT_TELL: 1}
"""Rank of what did not pass; whatever is not here ranks 2."""


@frozen(kw_only=True)
class Trouble:
    """What one leg, or several in the same words, has to say of one stage that did not pass."""

    legs: tuple[str, ...]
    stage: LegStage

    @property
    def leg(self) -> str:
        """The legs for people, in their order."""
        return ", ".join(self.legs)

    @property
    def text(self) -> str:
        """What happened, up to where it begins to repeat the findings that are listed below it."""
        first = next(iter(self.stage.findings), "").split(" → ")[0]
        at = self.stage.text.find(first) if first else -1
        return sentences(self.stage.text[:at].rstrip(" :") if at > 0 else self.stage.text)


def troubles(known: Sequence[LegReport]) -> list[Trouble]:
    """Failures before what cannot be told, then the stages that hurt most systems, in the order of legs and stages."""
    said: dict[tuple[object, ...], tuple[LegStage, list[str]]] = {}
    wide: Counter[tuple[str, StageStatus]] = Counter()
    for leg in known:
        for stage in leg.stages:
            if stage.status in BAD_FIRST:
                wide[stage.name, stage.status] += 1
                words = (stage.name, stage.status, stage.text, stage.findings)
                said.setdefault(words, (stage, []))[1].append(leg.leg)
    found = [Trouble(legs=tuple(legs), stage=stage) for stage, legs in said.values()]
    return sorted(found, key=lambda one: (BAD_FIRST[one.stage.status], -wide[one.stage.name, one.stage.status]))


def mended_first(found: Sequence[Trouble], systems: int) -> str:
    """The one thing to do about it, on every system where that stage ended so; empty where there is no trouble."""
    if not found:
        return ""
    stage = found[0].stage
    legs = [leg for one in found for leg in one.legs if (one.stage.name, one.stage.status) == (stage.name, stage.status)]
    where = f"all {systems} systems" if len(legs) == systems > 1 else ", ".join(legs)
    what = stage.findings[0] if stage.findings else sentences(stage.text)
    return f"mend “{stage.name}” on {where}: {clip(what, 300)}"
