from __future__ import annotations

from click.testing import CliRunner

from dhash_guard.cli import program


def test_the_help_lists_every_command_with_a_whole_sentence() -> None:
    text = CliRunner().invoke(program, ["--help"]).output
    for name in program.list_commands(None):  # type: ignore[arg-type]  # it asks nothing of a context
        assert f"\n  {name} " in text, name
    assert "..." not in text.split("Options:")[1]
