"""The page on the command line has each command and each option, and none that is gone; its examples parse."""

import re
import shlex
from pathlib import Path

import click
import pytest

from bot.cli import COMMANDS, cli

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "command-line.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^### `tapewatch (\w+).*?`\n(.*?)(?=^##|\Z)", PAGE, re.MULTILINE | re.DOTALL))
EVERYWHERE = {"--help", "-h", "--json", "--lang", "--config", "--version"}


def commands(name: str) -> list[click.Command]:
    """The command and those below it."""
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    return [command, *(command.commands.values() if isinstance(command, click.Group) else ())]


def options(name: str) -> set[str]:
    """The options that are the command's own."""
    found = {word for command in commands(name) for param in command.params for word in param.opts}
    return {word for word in found if word.startswith("-")} - EVERYWHERE


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_and_option_is_on_the_page(name: str) -> None:
    """In the command's own section, and none that it doesn't have."""
    section = SECTIONS[name]
    assert options(name) == set(re.findall(r"--[a-z][a-z-]*", section)) - EVERYWHERE
    below = {f"{name} {command.name}" for command in commands(name)[1:]}
    assert below == {each for each in below if f"tapewatch {each}" in PAGE}


def test_the_options_of_every_command_stand_at_the_top() -> None:
    """They are not repeated below."""
    top = PAGE.partition("\n## ")[0]
    assert {word for word in EVERYWHERE if f"`{word}" in top} == EVERYWHERE


@pytest.mark.parametrize("name", [name for name in COMMANDS if name != "digest"])
def test_every_command_has_a_document_and_a_language(name: str) -> None:
    """``--json`` and ``--lang``; the digest's document is one of its formats."""
    own = {word for command in commands(name) for param in command.params for word in param.opts}
    assert {"--json", "--lang"} - own == set()


def examples() -> list[tuple[str, str]]:
    """Every ``tapewatch …`` of the docs, in a block for the shell or within a sentence."""
    found = []
    for page in [*DOCS.rglob("*.md"), *DOCS.parent.glob("*.md")]:
        text = page.read_text(encoding="utf-8").replace("\\\n", " ")
        typed = re.findall(r"^(?:\.venv/bin/)?(tapewatch .*)$", text, re.MULTILINE)
        found += [(page.name, line) for line in [*typed, *re.findall(r"`(?:\.venv/bin/)?(tapewatch [^`\n]+)`", text)]]
    return sorted(set(found))


@pytest.mark.parametrize(("page", "line"), examples())
def test_what_a_page_says_to_type_is_understood(page: str, line: str) -> None:
    """Its command and its options exist; files that it names may not."""
    command: click.Command = cli
    context, words = click.Context(cli), shlex.split(re.sub(r"[…\\[\\]]", "x", line), comments=True)[1:]
    while isinstance(command, click.Group) and (words := command.make_parser(context).parse_args(words)[1]):
        _, found, words = command.resolve_command(context, words)
        assert found is not None
        command, context = found, click.Context(found, parent=context)
    command.make_parser(context).parse_args(words)
