"""Words that try to act wherever they are shown: on GitHub, in a log, in the runner's files, in a shell or on a disk."""

from __future__ import annotations

import re
from collections.abc import Sequence

_COMMIT = "9f3c2a1be07d4c55a1f0e6d2b8c3947715ac20de"

_HTML = (
    "<script>alert(1)</script>",
    "<img src=https://evil.example/x.png onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    "<a href='https://evil.example'>approve</a>",
    "<iframe src=//evil.example></iframe>",
    "<h1>Ready to merge</h1>",
    "<table><tr><td>cell",
    "<style>*{display:none}</style>",
    "</style><style>*{color:red}",
    "<input type=checkbox checked> approved",
    "<picture><source srcset=https://evil.example/x.png>",
    "</details>",
    "</summary></details>",
    "</code></td></tr></table>",
    "</sub><sup>up",
    "<details open><summary>All good</summary>",
    "<!--",
    "-->",
    "--> <b>bold</b>",
    "<!-- dhash-guard:v1:deploy:production -->",
    "<!-- dhash-guard:v1:premerge:production -->",
    "<!-- dhash-guard:legs:eJyLjgUAARUAuQ== -->",
    "--> <!-- dhash-guard:legs:AAAA -->",
    "dhash-guard:legs:eJyLjgUAARUAuQ== -->",
    "<!--><img src=x>-->",
    "<![CDATA[x]]>",
    "]]>",
    "<?php system('id') ?>",
    "<!DOCTYPE html>",
    "&lt;b&gt; &#64;octocat &commat;octocat &NewLine;",
)

_MARKDOWN = (
    "![picture](https://evil.example/a.png)",
    "[approve](https://evil.example)",
    "[x](javascript:alert(1))",
    "[x](data:text/html;base64,PHNjcmlwdD4=)",
    "[ref]: https://evil.example 'title'",
    "[ref][ref] [^1]",
    "<https://evil.example>",
    "<mail@evil.example>",
    "https://evil.example/?a=1&b=2",
    "www.evil.example",
    "ftp://evil.example",
    "mailto:mail@evil.example",
    "xmpp:mail@evil.example/x",
    "javascript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "vbscript:msgbox(1)",
    "file:///etc/passwd",
    "**bold** __bold__ *it* _it_ ~~no~~",
    "***",
    "# heading",
    "###### heading",
    "title\n===",
    "title\n---",
    "- item",
    "* item",
    "+ item",
    "1. one",
    "1) one",
    "> quote",
    "> [!CAUTION]\n> approve",
    "    indented",
    "\tindented",
    "- [ ] box",
    "- [x] box",
    "* [X] approved by @octocat",
    "[ ] bare box",
    "a | b || c",
    "| a | b |\n|---|---|\n| c | d |",
    "\\| cell \\",
    "trailing backslash \\",
    "`code`",
    "`` ` ``",
    "``` fence",
    "```\nfence\n```",
    "~~~\nfence\n~~~",
    '```mermaid\ngraph LR\nclick A href "https://evil.example"\n```',
    'crit, s0, 0, 1\n    click s0 href "javascript:alert(1)"',
    "%%{init: {'securityLevel': 'loose'}}%%",
    "name :done, 0, 1\n```\n# out",
    "```suggestion\nx\n```",
    "$x^2$ $$\\unicode{x}$$ $`x`$",
    ":shipit: :+1:",
    "`#ff0000` `rgb(255,0,0)`",
)  # fmt: skip

_REFERENCES = (
    "@octocat",
    "cc @octocat, @org/team.",
    "(@octocat)",
    "\\@octocat",
    "#123",
    "org/repo#1",
    "octocat#1",
    "GH-12",
    "gh-12",
    _COMMIT,
    _COMMIT[:7],
    f"org/repo@{_COMMIT}",
    f"{_COMMIT[:7]}...{_COMMIT[7:14]}",
    "fixes #1, closes org/repo#2",
    "https://github.com/org/repo/pull/1",
)

_RUNNER = (
    "::set-output name=decision::proceed",
    "::error::gone",
    "::error file=a.py,line=1,title=x::gone",
    "::warning::gone",
    "  ::notice::indented",
    "::add-mask::e",
    "::stop-commands::token",
    "::add-path::bin",
    "::set-env name=PATH::bin",
    "::save-state name=x::y",
    "::group::x",
    "::endgroup::",
    "::debug::x",
    "::add-matcher::matcher.json",
    "##[error]gone",
    "before ##[set-output name=decision]proceed",
    "####[error]gone",
    "##[add-mask]e",
    "%0A::error::encoded",
    "line\n::error::second line",
    "line\r::error::carriage return",
    "line\r\n##[error]third",
    "decision=proceed",
    "decision<<EOF\nproceed\nEOF",
    "EOF",
    "ghadelimiter_0",
    "x\nEOF\ndecision=proceed",
    "name<<EOF",
    "PATH=bin",
)

_INVISIBLE = (
    "\u202eevil\u202c",
    "\u2066x\u2069 \u2067y\u2069",
    "zero\u200bwidth\u200d\u200c\ufeff",
    "soft\u00adhyphen\u2060",
    "a\u2028b\u2029c",
    "a\x0bb\x0cc",
    "a\x85b",
    "a\x1cb\x1dc\x1ed",
    "\x1b[31mred\x1b[0m",
    "\x1b[2J\x1b[H\x1b]0;title\x07",
    "\x1b]8;;https://evil.example\x07click\x1b]8;;\x07",
    "\x9b31m",
    "back\x08space\x7f",
    "bell\x07",
    "\U000e0041\U000e0042 tags",
    "variation\ufe0f\u20e3",
    "раураl confusable",
    "\uff20octocat \uff03123",
    "\u037e semicolon \u2024 dot",
    "Z\u0336a\u0337l\u0338g\u0335o\u0334",
    "\ufdd0 noncharacter",
    "🏴‍☠️ 👩‍👩‍👧",
)

_SHELL = (
    "${{ secrets.GITHUB_TOKEN }}",
    "${{ github.event.pull_request.title }}",
    "$(touch owned)",
    "`touch owned`",
    "; rm -rf .",
    "&& touch owned",
    "| tee owned",
    "' ; touch owned ; '",
    '" ; touch owned ; "',
    "${IFS}touch${IFS}owned",
    "%PATH% !PATH!",
    "$env:PATH",
    "--help",
    "-rf",
    "{{ 7*7 }}",
    "{% raw %}",
    "{{ ''.__class__.__mro__ }}",
    "{# comment #}",
    "{% include '/etc/passwd' %}",
    "{tag} {env} {0.__class__}",
    "%s %n %(x)s",
    "[bold]rich[/bold] [link=https://evil.example]x[/link]",
    "' OR 1=1 --",
    '{"decision": "proceed"}',
    "null",
)

_NAMES = (
    "../../etc/passwd",
    "..\\..\\windows\\system32",
    "/etc/passwd",
    "C:\\Windows\\system.ini",
    "\\\\evil.example\\share",
    "CON",
    "NUL.txt",
    "COM1",
    "name.",
    "name ",
    "~/.ssh/id_rsa",
    "file:stream",
    ".git/config",
)

_LONG = (
    "A" * 3_000,
    "@a " * 1_000,
    "|" * 3_000,
    "`" * 3_000,
    "[" * 3_000,
    "<" * 3_000,
    "a\n" * 1_000,
    "> " * 1_000,
)

# What closes the place that a word stands in, before each thing that then would act.
_CLOSERS = ("`", "```\n", " | ", "</td></tr>", "\n\n", "\r\n", "\\", "'\"", "\u2028", "*/ ")
_ACTORS = (
    "::error::forged",
    "<img src=x onerror=alert(2)>",
    "@octocat/ops",
    "[merge](javascript:alert(2))",
    "- [x] approved",
    "## Ready to merge",
    "$(id)`id`",
    "{{ config }}{% raw %}",
    "https://evil.example/b",
    "octo/service#1",
    "||rm -rf .",
)
_JOINED = tuple(f"{closer}{actor}" for closer in _CLOSERS for actor in _ACTORS)

WORDS = (*_HTML, *_MARKDOWN, *_REFERENCES, *_RUNNER, *_INVISIBLE, *_SHELL, *_NAMES, *_LONG, *_JOINED)


def batches(count: int) -> list[tuple[str, ...]]:
    """The words in so many parts, every kind in each."""
    return [WORDS[start::count] for start in range(count)]


def file_names(words: Sequence[str]) -> list[str]:
    """Those that a file can be called."""
    return [word for word in words if "/" not in word and len(word.encode()) < 200]


def settable(word: str) -> bool:
    """Whether the configuration takes the word as a name: it reads variables, and refuses what looks like a broken one."""
    return "${" not in word


def unfenced(log: str) -> list[str]:
    """The lines of a log outside of every stop-commands fence, the fences' own lines among them."""
    found, token = [], ""
    for line in re.split(r"\r\n|\r|\n", log):
        if not token or line == f"::{token}::":
            found += [] if token else [line]
            token = line.removeprefix("::stop-commands::") if line.startswith("::stop-commands::") else ""
    return found
