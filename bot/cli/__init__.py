"""The command line: ``tapewatch``. Nothing heavy is imported before a command needs it."""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path

import click

COMMANDS = {
    "demo": "replay the recorded week: every alert, then the weekly digest",
    "run": "run the bot",
    "digest": "build the weekly digest",
    "ask": "answer a chat command on the terminal",
    "check": "validate settings, universe and rules",
    "test": "run the tests of rule packs",
    "rules": "list the rules, and how each is evaluated",
    "backtest": "say when rules would have fired, and what followed",
    "replay": "evaluate a recorded span again, and compare with what was sent",
    "fetch": "ask one feed once and print what it brings",
    "doctor": "look at everything that the bot stands on, and say what to do",
    "status": "sources, queue and store of a running bot",
    "alerts": "what is pending, firing or recovering",
    "why": "why an alert fired",
    "outbox": "show what waits, what went and what could not be delivered",
    "routes": "explain where an alert would go",
}
"""Each command with its line of help; the command itself is ``bot.cli.NAME.command``."""


class LazyGroup(click.Group):
    """Lists its commands without importing them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Name the commands, in the order of :data:`COMMANDS`."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command ``cmd_name``."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"bot.cli.{cmd_name}")
        command: click.Command = module.command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or fail with the nearest known name."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            from rules.problems import nearest

            guess = nearest(args[0], COMMANDS)
            hint = f" Did you mean {guess!r}?" if guess else ""
            raise click.UsageError(f"No such command {args[0]!r}.{hint}", ctx) from error

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list from :data:`COMMANDS`, without importing a command."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--config",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Settings file (else TAPEWATCH_CONFIG, else the default).",
)
@click.version_option(package_name="tapewatch", prog_name="tapewatch")
@click.pass_context
def cli(ctx: click.Context, config: Path | None) -> None:
    """Market alerts and a weekly research digest for overseas technology and crypto."""
    ctx.obj = config


def main() -> None:
    """Run the command line; known failures become one line on standard error and exit status 1."""
    from bot.failures import explain

    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # the caller closed it
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115 - for the rest of the process
    status: int | str | None = 0
    try:
        cli(prog_name="tapewatch")
    except SystemExit as done:
        status = done.code
    except KeyboardInterrupt:
        status = 130
    except Exception as error:
        from bot.cli.options import spoken

        text = explain(error, spoken())
        if text is None:
            raise
        if text:
            click.echo(text, err=True)
        status = 1
    lost = _write_out()
    if lost and not status:
        if not isinstance(lost, BrokenPipeError):
            click.echo(f"tapewatch: standard output: {lost.strerror}", err=True)
        status = 1
    sys.exit(status)


def _write_out() -> OSError | None:
    """Flush standard output; what nobody takes is dropped, so that the interpreter doesn't trip over it at its end."""
    try:
        sys.stdout.flush()
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return error
    return None
