"""The command `keepahead`: finds the command's own file when it runs, and turns every error into one sentence.

Nothing heavy is imported here: `keepahead --help` must not pay for a database and an HTTP client.
"""

import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from traceback import extract_tb
from types import MappingProxyType, ModuleType
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.exceptions import Abort, TyperException
from typer.main import get_command

from keepahead import __version__
from keepahead.errors import KeepaheadError, SettingsError
from keepahead.faces.cli.exits import (
    DONE,
    FAILED,
    INTERRUPTED,
    INTERRUPTED_SENTENCE,
    USAGE,
    OutputClosed,
    exit_code_of,
    sentence_of,
)
from keepahead.faces.cli.streams import log_plainly, say, take_any_text

COMMANDS = MappingProxyType(
    {
        "status": "Show the tokens: balance, rate, next refill.",
        "estimate": "Say what a raw Keepa request costs and when it could run.",
        "product": "Show products by ASIN, or by UPC, EAN or ISBN.",
        "search": "Search products by words, in Amazon's order.",
        "discover": "Find products that meet criteria, with details.",
        "niches": "Rank the sub-categories below a category.",
        "analyse": "Judge products: figures, fees, return, risk, and whether to buy.",
        "verify": "Compare products with what was saved of them, before buying.",
        "chart": "Draw the price and the sales rank of a product.",
        "bestsellers": "Show the best-seller list of a category.",
        "deals": "Show products whose price has just changed.",
        "category": "Look up categories by id or by words.",
        "seller": "Show sellers by id.",
        "ledger": "Show who spent what, when and why; verify, export, fold.",
        "archive": "Show what lies in the archive; prune, export, import.",
        "callers": "Show who spends how much, and limit it by the hour and day.",
        "keys": "Make, limit and revoke the keys of the gateway.",
        "freeze": "Forbid some calls for some time.",
        "alerts": "Show what is watched and who was told; test, silence.",
        "serve": "Serve every program that spends tokens: the gateway.",
        "simulate": "Serve the simulated Keepa on a port of this machine.",
        "doctor": "Check settings, ledger and network; spends nothing.",
    }
)
"""Each command is a function of its own name in a file of its own name. A file with VERBS is a group: its function is
what the name alone does, and each verb is a command below it."""


class LazyGroup(TyperGroup):
    """Lists every command by its help line, and imports the one that runs."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        for name, line in COMMANDS.items():
            self.add_command(TyperCommand(name, help=line))

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Return the command itself in place of its help line."""
        name, stub, rest = super().resolve_command(ctx, args)
        return name, stub and load_command(stub.name or ""), rest


class NounGroup(TyperGroup):
    """A command with verbs below it. Alone it runs itself; with a verb only the verb runs."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Return the verb. An option before it would be lost: that is a usage error."""
        resolved = super().resolve_command(ctx, args)
        if not ctx.resilient_parsing:
            self.callback = None
            for parameter in self.params:
                source = ctx.get_parameter_source(parameter.name)
                if source is not None and source.name == "COMMANDLINE":
                    ctx.fail(f"Write {parameter.opts[0]} after {resolved[0]}")
        return resolved


def load_command(name: str) -> Any:
    """Import one command."""
    module = _module_of(name)
    alone = typer.Typer(add_completion=False, rich_markup_mode=None)
    verbs = getattr(module, "VERBS", ())
    if not verbs:
        alone.command(name)(getattr(module, name))
        return get_command(alone)
    alone.callback(cls=NounGroup, invoke_without_command=True, subcommand_metavar="[VERB]")(getattr(module, name))
    for verb in verbs:
        alone.command(verb.__name__.rstrip("_"))(verb)
    return get_command(alone)


def _module_of(name: str) -> ModuleType:
    try:
        return import_module(f"keepahead.faces.cli.{name}")
    except ModuleNotFoundError as missing:
        told = f"keepahead {name} needs {missing.name}, which is not installed: pip install 'keepahead[server]'"
        raise SettingsError("keepahead[server]", told) from None


app = typer.Typer(cls=LazyGroup, no_args_is_help=True, rich_markup_mode=None)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"keepahead {__version__}")
        raise typer.Exit


@app.callback()
def keepahead(
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_show_version, help="Show the version and exit.")
    ] = False,
) -> None:
    """Spend Keepa tokens, and never one that is not there.

    Without a KEEPA_API_KEY the built-in simulator answers, and no real token is spent. Every command takes --json: one
    JSON document on stdout, everything else on stderr. Exit codes: 0 done, 1 failed, 2 usage, 3 refused: the tokens
    are not there, or a freeze or a limit forbids it.
    """
    _ = version


def main() -> None:
    """Run the command line of this process."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run one command line; return its exit code. Errors end as one sentence on stderr."""
    take_any_text()
    log_plainly()
    try:
        code = get_command(app).main(list(arguments), prog_name="keepahead", standalone_mode=False)
    except KeepaheadError as error:
        say(f"keepahead: {sentence_of(error)}")
        return exit_code_of(error)
    except TyperException as error:
        return _misused(error)
    except OutputClosed:
        say("keepahead: whoever was reading the output has gone away; the ledger is complete")
        return FAILED
    except (KeyboardInterrupt, Abort):
        code = INTERRUPTED
    except Exception as error:  # noqa: BLE001 - a fault of ours; a traceback could show what nobody should see
        say(f"keepahead: {_fault(error)}")
        return FAILED
    if code == INTERRUPTED:
        say(f"keepahead: {INTERRUPTED_SENTENCE}")
    return code or DONE


def _misused(error: TyperException) -> int:
    context = getattr(error, "ctx", None)
    if type(error).__name__ == "NoArgsIsHelpError":
        typer.echo(error.format_message(), err=True)
    else:
        command = context.command_path if context else "keepahead"
        say(f"keepahead: {error.format_message().rstrip('.')}; see {command} --help")
    return USAGE


def _fault(error: Exception) -> str:
    place = extract_tb(error.__traceback__)[-1]
    where = f"{Path(place.filename).name}, line {place.lineno}"
    return f"a fault of keepahead itself, please report it: {type(error).__name__} in {where}"
