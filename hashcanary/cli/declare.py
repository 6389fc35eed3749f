"""How a command is declared: name, words, options, and what it runs."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from importlib import import_module
from textwrap import dedent
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from hashcanary.cli.opening import open_record
from hashcanary.cli.output import present
from hashcanary.errors import Exit

Run = Callable[[argparse.Namespace], Exit]
_LONGEST_COMMAND = 14


class Formatter(argparse.HelpFormatter):
    """Help 80 columns wide everywhere, so that the docs page is what the terminal shows.

    Paragraphs are filled; one that holds an indented line is kept as it is.
    """

    def __init__(self, prog: str) -> None:
        # a width given saves argparse from importing shutil to find one
        super().__init__(prog, max_help_position=26, width=80)
        # room for the longest command: argparse measures commands without their indent
        self._action_max_length = _LONGEST_COMMAND

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        parts = text.strip("\n").split("\n\n")
        return "\n\n".join(
            part if "\n  " in part else super(Formatter, self)._fill_text(part, width, indent)
            for part in parts
        )


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line, name the command, and say where help is."""

    def __init__(self, *args: object, **options: object) -> None:
        options.setdefault("formatter_class", Formatter)
        options.setdefault("allow_abbrev", False)
        super().__init__(*args, **options)  # type: ignore[arg-type]

    def error(self, message: str) -> NoReturn:
        """End with exit code 2."""
        self.exit(Exit.USAGE, f"hashcanary: error: {message}. See `{self.prog} --help`.\n")


if TYPE_CHECKING:
    from hashcanary.views.answer import Answer

    Commands = argparse._SubParsersAction[Parser]


class Option(NamedTuple):
    """An argument of a command, as argparse takes it.

    asked: whether the command's view takes it as a keyword, by its destination.
    """

    flags: tuple[str, ...]
    settings: Mapping[str, Any]
    asked: bool = True

    def add(self, parser: argparse._ActionsContainer) -> list[str]:
        """Add it to a parser; gives its destination where the view takes it."""
        action = parser.add_argument(*self.flags, **self.settings)
        return [action.dest] if self.asked else []


def option(*flags: str, **settings: object) -> Option:
    """An argument that the command's view takes."""
    return Option(flags, settings)


def valued(
    flag: str, metavar: str, read: Callable[[str], object], text: str, **settings: object
) -> Option:
    """An option with a value, which the command's view takes as ``read`` reads it."""
    return option(flag, metavar=metavar, type=read, help=text, **settings)


def beside(*flags: str, **settings: object) -> Option:
    """An argument that the command itself reads."""
    return Option(flags, settings, asked=False)


class Command(NamedTuple):
    """A command.

    summary: a line for the list of commands; description: what it does and prints, with its exit
    codes; examples: shown at the end of its help. options: in the order of its help, a list for
    those that exclude one another. has_csv: whether it lists rows.
    """

    name: str
    run: Run
    summary: str
    description: str
    examples: str
    options: tuple[Option | list[Option], ...] = ()
    has_csv: bool = True

    def add(self, commands: Commands, shared: Parser) -> None:
        """Declare it to the parser, with the global options."""
        parser = _added(self, commands, shared)
        names: list[str] = []
        for each in self.options:
            if isinstance(each, Option):
                names += each.add(parser)
            else:
                apart = parser.add_mutually_exclusive_group()
                names += [name for one in each for name in one.add(apart)]
        parser.set_defaults(
            run=self.run, command=parser.prog, has_csv=self.has_csv, asked=dict.fromkeys(names)
        )


def command(
    name: str, summary: str, *options: Option | list[Option], has_csv: bool = True
) -> Callable[[Run], Command]:
    """Declares what a function runs as a command, which its docstring describes to users.

    The docstring ends in ``For example:`` and lines to type. The rest: as of ``Command``.
    """

    def declared(run: Run) -> Command:
        first, _, rest = (run.__doc__ or "").partition("\n")
        text, _, examples = f"{first}\n{dedent(rest)}".partition("\nFor example:\n")
        return Command(name, run, summary, text, examples, options, has_csv)

    return declared


class Group(NamedTuple):
    """Commands under one name. title, metavar: what they are called in its help."""

    name: str
    summary: str
    description: str
    examples: str
    commands: tuple[Command, ...]
    title: str = "commands"
    metavar: str = "COMMAND"

    def add(self, commands: Commands, shared: Parser) -> None:
        """Declare it and its commands to the parser."""
        parser = _added(self, commands, shared)
        parts = parser.add_subparsers(title=self.title, metavar=self.metavar, required=True)
        for command in self.commands:
            command.add(parts, shared)


def _added(what: Command | Group, commands: Commands, shared: Parser) -> Parser:
    return commands.add_parser(
        what.name,
        help=what.summary,
        description=what.description,
        epilog=f"examples:\n{what.examples}",
        parents=[shared],
    )


def asked(args: argparse.Namespace) -> dict[str, Any]:
    """The keywords of a command's view, as its options state them."""
    return {name: getattr(args, name) for name in args.asked}


def answer(
    args: argparse.Namespace,
    module: str,
    name: str = "",
    of: Callable[[argparse.Namespace], object] = open_record,
) -> Exit:
    """Run a view and print its answer.

    module: of ``hashcanary.views``, which is not imported before; name: of the view, that of the
    module without; of: what opens what the view is of.
    """
    return present(args, view_of(module, name)(of(args), **asked(args)))


def view_of(module: str, name: str = "") -> Callable[..., Answer]:
    """The function of a view, imported now. module, name: as of ``answer``."""
    view: Callable[..., Answer] = getattr(
        import_module(f"hashcanary.views.{module}"), name or module
    )
    return view
