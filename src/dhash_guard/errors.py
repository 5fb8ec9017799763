"""Every way dhash-guard can fail to do its job: one class, one exit code, a message that says what to do.

    GuardError
    ├── NoGo              1  a gate, check, hook or test said no
    ├── UsageProblem      2  the command line or the configuration is wrong; nothing was touched
    ├── CannotTell        3  not enough evidence; treat as no-go
    ├── Damaged           4  digest mismatch, damaged archive, altered evidence
    ├── RolledBack        5  degraded, rolled back, and the rollback was verified
    ├── NeedsPerson       6  degraded and the rollback failed, was unsafe or could not be verified
    ├── OutsideSilent     7  something outside did not answer after retries
    ├── Locked            8  locked or frozen by someone else
    └── Bug              70  a defect of dhash-guard itself

A failing gate is not an exception: it is an outcome. These classes mean "this command ends here".
"""

from __future__ import annotations

from typing import Any, ClassVar


class GuardError(Exception):
    """A failure that ends the command with `exit_code`.

    `where` is a file:line or a path, `cure` says what to do, `findings` (records.stage.Finding) are the single things
    behind it, for the record of the run.
    """

    exit_code: ClassVar[int] = 70
    code: ClassVar[str] = "bug"

    def __init__(self, what: str, *, where: str = "", cure: str = "", findings: tuple[Any, ...] = ()) -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.cure = cure
        self.findings = findings

    def __str__(self) -> str:
        head = f"{self.where}: {self.what}" if self.where else self.what
        return f"{head}\n  {self.cure}" if self.cure else head


class NoGo(GuardError):
    """A gate, check, hook command or test said no."""

    exit_code = 1
    code = "no-go"


class UsageProblem(GuardError):
    """The command line or the configuration is wrong; nothing was touched."""

    exit_code = 2
    code = "usage"


class ConfigurationProblem(UsageProblem):
    """The configuration is wrong; `problems` lists every fault found, each with its file and line."""

    code = "configuration"

    def __init__(self, problems: list[str]) -> None:
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        super().__init__(f"{count} in the configuration\n" + "\n".join(f"  {p}" for p in problems))
        self.problems = problems


class CannotTell(GuardError):
    """Not enough evidence; the caller must treat it as no-go."""

    exit_code = 3
    code = "cannot-tell"


class Damaged(GuardError):
    """A digest does not match, an archive is damaged, or evidence was altered."""

    exit_code = 4
    code = "damaged"


class RolledBack(GuardError):
    """The release degraded, was rolled back, and the rollback was verified."""

    exit_code = 5
    code = "rolled-back"


class NeedsPerson(GuardError):
    """The release degraded and the rollback failed, was unsafe or could not be verified: a person is needed now."""

    exit_code = 6
    code = "needs-person"


class OutsideSilent(GuardError):
    """Something outside (a store, a hook command, GitHub) did not answer."""

    exit_code = 7
    code = "outside-silent"


class Locked(GuardError):
    """The environment is locked or frozen by someone else."""

    exit_code = 8
    code = "locked"


class Bug(GuardError):
    """A defect of dhash-guard; please report it."""
