"""Touches the template files: finds them, and renders them in a sandbox with escaping that cannot be forgotten."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dhash_guard.errors import UsageProblem
from dhash_guard.report.escape import Md, clip, markdown, one_line

if TYPE_CHECKING:
    from jinja2.sandbox import SandboxedEnvironment

_HTML_MOST = 4000
_PACKAGE = Path(__file__).resolve().parent.parent


def directories(override: Path | None = None) -> tuple[Path, ...]:
    """Where templates are looked for, first match wins: the project's own, the package's, a checkout's."""
    if override is not None and not override.is_dir():
        raise UsageProblem(
            "the template directory does not exist", where=str(override), cure="create it or drop the setting"
        )
    packaged = _PACKAGE / "templates"
    ours = packaged if packaged.is_dir() else _PACKAGE.parent.parent / "templates"
    return (ours,) if override is None else (override, ours)


def render_html(name: str, context: Mapping[str, Any], override: Path | None = None) -> str:
    """Render an HTML template; every value is made visible, cut to size and escaped."""
    return _render(_html(directories(override)), name, context)


def render_markdown(name: str, context: Mapping[str, Any], override: Path | None = None, *, most: int = 2000) -> str:
    """Render a Markdown template; every value but our own `Md` is cut to `most` characters and escaped."""
    return _render(_markdown(directories(override), most), name, context)


@cache
def _html(where: tuple[Path, ...]) -> SandboxedEnvironment:
    from markupsafe import Markup

    return _environment(where, lambda value: value if isinstance(value, Markup) else clip(one_line(str(value)), _HTML_MOST))


@cache
def _markdown(where: tuple[Path, ...], most: int) -> SandboxedEnvironment:
    from markupsafe import Markup

    # Only `Md` passes: whatever a template joins, filters or captures has decayed to a string and is escaped again.
    def finalize(value: object) -> Markup:
        return Markup(value if type(value) is Md else markdown(clip(one_line(str(value)), most)))  # noqa: S704  # this is the place that escapes

    return _environment(where, finalize)


def _environment(where: tuple[Path, ...], finalize: Callable[[Any], Any]) -> SandboxedEnvironment:
    from jinja2 import FileSystemLoader, StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    environment = ImmutableSandboxedEnvironment(
        loader=FileSystemLoader(where),
        undefined=StrictUndefined,
        autoescape=True,
        finalize=finalize,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    for filter_name in ("safe", "forceescape", "tojson", "xmlattr", "urlize"):
        environment.filters.pop(filter_name, None)
    return environment


def _render(environment: SandboxedEnvironment, name: str, context: Mapping[str, Any]) -> str:
    from jinja2 import TemplateError, TemplateNotFound, TemplateSyntaxError

    try:
        return environment.get_template(name).render(context)
    except TemplateNotFound as problem:
        raise UsageProblem(f"there is no template {problem.message}", cure="restore it or drop your override") from problem
    except TemplateSyntaxError as problem:
        raise _broken(str(problem.message), f"{problem.filename or problem.name or name}:{problem.lineno}") from problem
    except (TemplateError, TypeError, ValueError, ArithmeticError, LookupError, AttributeError) as problem:
        raise _broken(str(problem), _place(problem, name)) from problem


def _broken(what: str, where: str) -> UsageProblem:
    return UsageProblem(f"the template cannot be rendered: {what}", where=where, cure="mend this line or drop your override")


def _place(problem: Exception, name: str) -> str:
    """The last line of the template in the traceback, which Jinja rewrites to the template's own file and line."""
    suffix = Path(name).suffix
    lines = [f"{f.filename}:{f.lineno}" for f in traceback.extract_tb(problem.__traceback__) if f.filename.endswith(suffix)]
    return lines[-1] if lines else name
