"""``hashcanary completion``: a script that completes commands and options in a shell."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator

from hashcanary.cli.declare import beside, command
from hashcanary.errors import Exit


def _say_what_is_known(parser: argparse.ArgumentParser) -> None:
    """Tell shtab which arguments are files, folders, metrics, kinds and networks."""
    import shtab

    from hashcanary.chain.networks import NETWORKS
    from hashcanary.metrics.declaration import all_metrics
    from hashcanary.sources.source import all_sources

    places = {"PATH": shtab.FILE, "FILE": shtab.FILE, "DIR": shtab.DIRECTORY}
    names: dict[str, Iterable[str]] = {
        "name": all_metrics(),
        "kind": all_sources(),
        "network": NETWORKS,
    }
    for action in _actions(parser):
        if action.metavar in places:
            action.complete = places[action.metavar]  # type: ignore[attr-defined]
        elif action.dest in names and not action.choices:
            action.choices = list(names[action.dest])


def _actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for child in action.choices.values():
                yield from _actions(child)
        else:
            yield action


@command(
    "completion",
    "print a script that completes commands in your shell",
    beside("shell", choices=("bash", "zsh", "fish", "tcsh"), help="the shell the script is for"),
    has_csv=False,
)
def completion(args: argparse.Namespace) -> Exit:
    """Prints a completion script for a shell. Save it where the shell looks for such
    scripts; this command installs nothing. Files, folders and the names of metrics,
    kinds and networks are completed too. Print the script again after installing a
    package that adds some.

    For example:
      hashcanary completion bash > ~/.hashcanary.bash     # sourced from ~/.bashrc
      hashcanary completion zsh > ~/.zfunc/_hashcanary    # with ~/.zfunc in $fpath
      hashcanary completion fish > ~/.config/fish/completions/hashcanary.fish
      hashcanary completion tcsh > ~/.hashcanary.tcsh     # sourced from ~/.tcshrc
    """
    import shtab

    _say_what_is_known(args.parser)
    sys.stdout.write(shtab.complete(args.parser, args.shell).rstrip() + "\n")
    return Exit.DONE
