"""How a command is declared: name, words, options, and what it runs."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

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
        parser = commands.add_parser(
            self.name,
            help=self.summary,
            description=self.description,
            epilog=f"examples:\n{self.examples}",
            parents=[shared],
        )
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
        parser = commands.add_parser(
            self.name,
            help=self.summary,
            description=self.description,
            epilog=f"examples:\n{self.examples}",
            parents=[shared],
        )
        parts = parser.add_subparsers(title=self.title, metavar=self.metavar, required=True)
        for command in self.commands:
            command.add(parts, shared)


def asked(args: argparse.Namespace) -> dict[str, Any]:
    """The keywords of a command's view, as its options state them."""
    return {name: getattr(args, name) for name in args.asked}


def answers(module: str, name: str = "") -> Run:
    """Runs a view of a record and prints its answer.

    module: of ``hashcanary.views``, which is not imported before; name: of the view, that of the
    module without.
    """

    def run(args: argparse.Namespace) -> Exit:
        from importlib import import_module

        from hashcanary.cli.opening import open_record
        from hashcanary.cli.output import present

        view = getattr(import_module(f"hashcanary.views.{module}"), name or module)
        return present(args, view(open_record(args), **asked(args)))

    return run
