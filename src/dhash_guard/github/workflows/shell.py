"""Decides whether a small script of tests and exits fails, without running it; what it cannot follow stays unknown."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from enum import Enum
from fnmatch import fnmatchcase

from attrs import define

from dhash_guard.github.workflows.expression import UNKNOWN, Unknown

Truth = bool | Unknown

OPAQUE = "\x00unknown\x00"
"""Stands in a script for a value that is not known."""

_VARIABLE = re.compile(r"\$\{([A-Za-z_]\w*)\}|\$([A-Za-z_]\w*)|\$\{[^}]*\}|\$\([^)]*\)|`[^`]*`")
_MOST = 2000
"""Words and steps of a script; a gate job's is a few lines."""


class End(Enum):
    """How a script, or a part of it, ends."""

    FAILS = "fails"
    EXITS = "exits"
    GOES_ON = "goes-on"
    UNKNOWN = "unknown"


class NotFollowed(Exception):
    """The script has something that is not understood here."""


def fails(script: str, variables: Mapping[str, str]) -> Truth:
    """Whether bash, told to stop at errors, ends this script with an error; other programs are taken to succeed."""
    try:
        end = _Shell(_words(script), dict(variables)).block()
    except (NotFollowed, ValueError, RecursionError):
        return UNKNOWN
    return UNKNOWN if end is End.UNKNOWN else end is End.FAILS


def _words(script: str) -> list[str]:
    joined = re.sub(r"\\\n", " ", script)
    lines = [line for line in joined.splitlines() if not re.match(r"\s*set\s+[-+]", line)]
    words: list[str] = []
    for line in lines:
        each = shlex.shlex(line, posix=False, punctuation_chars=";&|()")
        each.whitespace_split, each.commenters = True, ""
        for word in each:
            if word.startswith("#"):
                break
            words += _split(word)
        words.append(";")
        if len(words) > _MOST:
            raise NotFollowed
    return words


def _split(word: str) -> list[str]:
    """Runs of signs that stand together, such as `;;` or `)&&`."""
    if word and all(sign in ";&|()" for sign in word):
        return re.findall(r"&&|\|\||;;|[;&|()]", word)
    return [word]


@define
class _Shell:
    words: Sequence[str]
    variables: dict[str, str]
    at: int = 0
    steps: int = 0

    def block(self, *ends: str) -> End:
        """Everything up to one of these words, which stays."""
        while True:
            while self.peek() in (";", "&"):
                self.at += 1
            if self.peek() in ends or not self.peek():
                return End.GOES_ON
            before = self.at
            end = self.statement()
            self.steps += 1
            if self.at == before or self.steps > _MOST:
                raise NotFollowed
            if end is not End.GOES_ON:
                self.skip(ends)
                return end

    def peek(self) -> str:
        return self.words[self.at] if self.at < len(self.words) else ""

    def take(self, word: str) -> None:
        while self.peek() == ";" and word != ";":
            self.at += 1
        if self.peek() != word:
            raise NotFollowed
        self.at += 1

    def skip(self, ends: Sequence[str]) -> None:
        """Leave what does not run any more, with the blocks inside it."""
        depth = 0
        while self.peek() and not (depth == 0 and self.peek() in ends):
            depth += self.peek() in ("if", "for", "while", "case", "{")
            depth -= self.peek() in ("fi", "done", "esac", "}")
            self.at += 1

    def statement(self) -> End:
        """One list of commands with && and ||, or a compound."""
        if self.peek() == "if":
            return self.branch()
        if self.peek() == "for":
            return self.loop()
        if self.peek() == "case":
            return self.case()
        if self.peek() in ("while", "until", "function", "("):
            raise NotFollowed
        status, last = self.conditions()
        if isinstance(status, End):
            return status
        if last and status is not True:
            return End.FAILS if status is False else End.UNKNOWN
        return End.GOES_ON

    def conditions(self) -> tuple[Truth | End, bool]:
        """The status of a list, and whether its last command gave it: only then bash stops."""
        status: Truth | End = self.command()
        last = True
        while self.peek() in ("&&", "||"):
            sign = self.peek()
            self.at += 1
            while self.peek() == ";":
                self.at += 1
            if isinstance(status, End):
                self.pass_over()
                continue
            runs = status if sign == "&&" else _not(status)
            if runs is True:
                status, last = self.command(), True
            elif runs is False:
                self.pass_over()
                last = False
            else:
                other = self.command()
                same = isinstance(other, bool) and other is (status if sign == "||" else other)
                status, last = (End.UNKNOWN, True) if isinstance(other, End) or not same else (UNKNOWN, True)
        return status, last

    def pass_over(self) -> None:
        if self.peek() == "{":
            self.at += 1
            self.skip(("}",))
            self.at += 1
            return
        while self.peek() and self.peek() not in (";", "&&", "||", ";;", "}"):
            self.at += 1

    def command(self) -> Truth | End:
        if self.peek() == "{":
            self.at += 1
            end = self.block("}")
            self.take("}")
            return True if end is End.GOES_ON else end
        negated = self.peek() == "!"
        self.at += negated
        words: list[str] = []
        while (self.peek() and self.peek() not in (";", "&&", "||", ";;", "}")) or (
            words and words[0] == "[[" and "]]" not in words
        ):
            if not self.peek():
                raise NotFollowed
            words.append(self.peek())
            self.at += 1
        status = self.status(words)
        return _not(status) if negated and not isinstance(status, End) else status

    def status(self, words: list[str]) -> Truth | End:
        if not words:
            return True
        if "|" in words:
            return UNKNOWN if any(word in ("grep", "jq", "awk", "python", "python3") for word in words) else True
        first = words[0]
        if first in ("[", "[[", "test"):
            return self.test([word for word in words[1:] if word not in ("]", "]]")])
        if first == "exit":
            code = self.value(words[1]) if len(words) > 1 else "0"
            return End.UNKNOWN if OPAQUE in code or "$" in code else End.EXITS if code == "0" else End.FAILS
        if found := re.fullmatch(r"([A-Za-z_]\w*)=(.*)", first, re.DOTALL):
            if len(words) == 1:
                self.variables[found[1]] = self.value(found[2])
            return True
        if first in ("grep", "jq", "awk"):
            return UNKNOWN
        return first != "false"

    def test(self, words: list[str]) -> Truth:
        for sign, how in (("||", any), ("-o", any), ("&&", all), ("-a", all)):
            if sign in words:
                place = words.index(sign)
                return _joined(how is any, self.test(words[:place]), self.test(words[place + 1 :]))
        if words and words[0] == "!":
            return _not(self.test(words[1:]))
        words = [word for word in words if word not in ("(", ")")]
        if len(words) == 2 and words[0] in ("-n", "-z"):
            value = self.value(words[1])
            return UNKNOWN if OPAQUE in value else (value == "") == (words[0] == "-z")
        if len(words) != 3 or words[1] not in ("=", "==", "!=", "=~", "-eq", "-ne"):
            return UNKNOWN
        left, right = self.value(words[0]), self.value(words[2])
        if OPAQUE in left + right:
            return UNKNOWN
        if words[1] == "=~":
            return re.search(right, left) is not None
        same = fnmatchcase(left, right)
        return same if words[1] in ("=", "==", "-eq") else not same

    def value(self, word: str) -> str:
        text = word[1:-1] if len(word) >= 2 and word[0] == word[-1] and word[0] in "'\"" else word
        if word.startswith("'"):
            return text
        return _VARIABLE.sub(lambda found: self.variables.get(found[1] or found[2] or "", OPAQUE), text).replace('"', "")

    def branch(self) -> End:
        """if, elif, else: where the condition is unknown, only what every way has in common is known."""
        self.at += 1
        status, _ = self.conditions()
        self.take("then")
        before = dict(self.variables)
        then = self.block("elif", "else", "fi")
        self.variables, after = before, self.variables
        if self.peek() == "elif":
            other = self.branch()
        else:
            other = End.GOES_ON
            if self.peek() == "else":
                self.at += 1
                other = self.block("fi")
            self.take("fi")
        if isinstance(status, End):
            return status
        if status is True:
            self.variables = after
            return then
        if status is False:
            return other
        return then if then is other else End.UNKNOWN

    def loop(self) -> End:
        name = self.words[self.at + 1] if self.at + 1 < len(self.words) else ""
        self.at += 2
        self.take("in")
        items: list[str] = []
        while self.peek() not in (";", ""):
            items += self.value(self.peek()).split()
            self.at += 1
        self.take("do")
        start = self.at
        for item in items:
            self.at = start
            self.variables[name] = item
            end = self.block("done")
            if end is not End.GOES_ON:
                self.skip(("done",))
                self.take("done")
                return end
        self.at = start
        self.skip(("done",))
        self.take("done")
        return End.GOES_ON

    def case(self) -> End:
        value = self.value(self.words[self.at + 1] if self.at + 1 < len(self.words) else "")
        self.at += 2
        self.take("in")
        ended: End | None = None
        while True:
            while self.peek() in (";", ";;", "("):
                self.at += 1
            if self.peek() in ("esac", ""):
                break
            patterns = []
            while self.peek() not in (")", ""):
                patterns.append(self.peek())
                self.at += 1
            self.take(")")
            fits = any(fnmatchcase(value, self.value(pattern)) for pattern in patterns if pattern != "|")
            if ended is None and fits:
                ended = self.block(";;", "esac")
            else:
                self.skip((";;", "esac"))
        self.take("esac")
        if OPAQUE in value:
            return End.UNKNOWN
        return ended or End.GOES_ON


def _not(value: Truth) -> Truth:
    return value if isinstance(value, Unknown) else not value


def _joined(either: bool, one: Truth, other: Truth) -> Truth:
    decides = either
    if one is decides or other is decides:
        return decides
    return UNKNOWN if isinstance(one, Unknown) or isinstance(other, Unknown) else not decides
