"""What YAML may say, and where it said it."""

from __future__ import annotations

import pytest

from dhash_guard.config.node import Node
from dhash_guard.config.source import DEEPEST, MOST_BYTES, read
from dhash_guard.errors import ConfigurationProblem


def value(text: str) -> object:
    found = read(f"a: {text}".encode(), "f.yml").get("a")
    assert found is not None
    return found.value


def problem(text: str) -> str:
    with pytest.raises(ConfigurationProblem) as caught:
        read(text.encode(), "f.yml")
    return "\n".join(caught.value.problems)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("true", True), ("false", False), ("null", None), ("~", None), ("12", 12), ("-3", -3), ("1.5", 1.5), ("1e3", 1000.0),
        ("yes", "yes"), ("no", "no"), ("on", "on"), ("off", "off"), ("True", "True"), ("FALSE", "FALSE"),
        ("12:30", "12:30"), ("017", "017"), ("0o17", "0o17"), ("0x1f", "0x1f"), ("1_000", "1_000"), (".inf", ".inf"),
        (".nan", ".nan"), ("1e999", "1e999"), ("2026-12-23", "2026-12-23"), ("2026-12-23T00:00:00Z", "2026-12-23T00:00:00Z"),
        ("'5'", "5"), ('"true"', "true"), ("9" * 30, "9" * 30), ("=", "="),
    ],
)  # fmt: skip
def test_scalars_are_what_is_written(text: str, expected: object) -> None:
    assert value(text) == expected
    assert type(value(text)) is type(expected)


def test_marks_name_the_line_of_each_key_and_item() -> None:
    node = read(b"a:\n  b: 1\n  c:\n    - x\n    - y: 2\n", "f.yml")
    found = node.get("a", "c", 1, "y")
    assert found is not None
    assert (str(found.mark), found.mark.path) == ("f.yml:5", ("a", "c", 1, "y"))
    assert str(node.nearest(("a", "zzz", "q"))) == "f.yml:1"


def test_only_a_bare_off_is_off() -> None:
    node = read(b"a: off\nb: 'off'\n", "f.yml")
    assert isinstance(node.value, dict)
    assert [child.off for child in node.value.values()] == [True, False]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: 1\nb: 2\na: 3\n", "f.yml:3: a: is a duplicate of line 1"),
        ("a: 1\nb: [\n", "f.yml:3: is no valid YAML"),
        ("a: b: c\n", "f.yml:1: is no valid YAML"),
        ("a: &x 1\nb: *x\n", "f.yml:1: anchors"),
        ("a: 1\nb: *x\n", "f.yml:2: anchors"),
        ("a: 1\nb:\n  <<: {c: 1}\n", 'f.yml:3: b."<<": merge keys'),
        ("a: !!str 1\n", "f.yml:1: the tag"),
        ("a: !!python/object/apply:os.system [x]\n", "f.yml:1: the tag"),
        ("a: 1\n---\nb: 2\n", "is no valid YAML"),
        ("? [a, b]\n: 1\n", "a key must be a plain word"),
        ("'': 1\n", "this key is empty"),
        ('a: "\\0"\n', "f.yml:1: a: holds an impossible character"),
        ('a: "\\ud800"\n', "f.yml:1: a: holds an impossible character"),
        ('a: "\\UFFFFFFFF"\n', "is no valid YAML"),
        ("a: 1\nb: \x07\n", "f.yml:2: holds a control character"),
        ("", "f.yml:1: is empty"),
        ("# only a comment\n", "f.yml:1: is empty"),
        ("- a\n", "f.yml:1: is no mapping"),
        ("a: " + "[" * (DEEPEST + 1) + "]" * (DEEPEST + 1), "is nested deeper than"),
        ("a: " + "[" * 50_000, "is nested deeper than"),
        ("#" * (MOST_BYTES + 1), "is larger than"),
    ],
)
def test_what_is_refused_says_where(text: str, expected: str) -> None:
    assert expected in problem(text)


def test_every_duplicate_is_told() -> None:
    assert problem("a: 1\na: 2\nb: {c: 1, c: 2}\n").count("duplicate") == 2


def test_not_utf8_says_the_line() -> None:
    with pytest.raises(ConfigurationProblem) as caught:
        read(b"a: 1\nb: \xff\n", "f.yml")
    assert caught.value.problems == ["f.yml:2: is not UTF-8; save the file as UTF-8"]


def test_an_odd_key_is_quoted_in_a_path() -> None:
    node = read(b'"a b": {"c.d": 1}\n', "f.yml").get("a b", "c.d")
    assert isinstance(node, Node)
    assert str(node.fault("x")) == 'f.yml:1: "a b"."c.d": x'
