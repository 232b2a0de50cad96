"""The command line, ``tlkit COMMAND``: what was typed becomes a command, and what became of it a status."""

from __future__ import annotations

import signal
import sys
import threading
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from tlkit import __version__
from tlkit.cli.commands import COMMANDS, overview
from tlkit.cli.statuses import INTERRUPTED, REFUSED, TERMINATED
from tlkit.errors import TlkitError, by_beginning

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status; an error of tlkit's is one line on stderr and status 2.

    Parameters
    ----------
    arguments : sequence of str, optional
        By default those this program was started with.
    """
    name, *rest = (sys.argv[1:] if arguments is None else arguments) or ["--help"]
    if name in ("-h", "--help", "--version"):
        print(f"tlkit {__version__}" if name == "--version" else overview())
        return 0
    with _terminable() as terminated, _plain_warnings():
        status = _status(name, rest)
    return TERMINATED if terminated else status


def _status(name: str, rest: Sequence[str]) -> int:
    go_on = ""
    try:
        command = COMMANDS[by_beginning("command", name, list(COMMANDS))]
        go_on = command.go_on
        return command.function(command.read(rest)) or 0
    except TlkitError as error:
        print(f"tlkit: {error}", file=sys.stderr)
        return REFUSED
    except KeyboardInterrupt:
        print(f"\ntlkit: interrupted. {go_on}", file=sys.stderr)
        return INTERRUPTED


@contextmanager
def _terminable() -> Iterator[list[int]]:
    """Take SIGTERM, which schedulers send, for an interrupt, and say whether it came."""
    came: list[int] = []

    def interrupt(number: int, _frame: object) -> None:
        came.append(number)
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():  # nothing else may handle signals
        yield came
        return
    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield came
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _plain_warnings() -> Iterator[None]:
    """Print a warning as one line, for its place in the code tells nobody anything here."""
    before = warnings.formatwarning
    warnings.formatwarning = lambda message, *_, **__: f"tlkit: {message}\n"
    try:
        yield
    finally:
        warnings.formatwarning = before
