"""The command archc: what was typed -> what is printed, and an exit code."""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typer import Typer


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code.

    0 is fine, 1 a wrong program, 2 a wrong call, 3 a bug in archc, 130 an interrupt.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        return _run(given)
    except KeyboardInterrupt:
        return 130
    except Exception as error:  # noqa: BLE001  the one place: what nobody foresaw is a bug, and is told as one
        return _unforeseen(error, given)


def _unforeseen(error: Exception, given: list[str]) -> int:
    from typer import BadParameter

    from archc.cli.bug import report
    from archc.cli.output import show
    from archc.cli.usage import told

    if isinstance(error, BadParameter.__mro__[1]):
        show([told(error, given).diagnostic(given)], as_json="--json" in given)
        return 2
    return report(error, given)


def _run(given: list[str]) -> int:
    import typer

    from archc.cli.light import light
    from archc.cli.output import WrongCall, show
    from archc.cli.usage import require_values
    from archc.grammar.diagnostics import CompileError

    as_json = "--json" in given
    try:
        command, options = light(_app(), next((word for word in given if not word.startswith("-")), ""))
        require_values(given, options)
        code = command(given, prog_name="archc", standalone_mode=False)
        return code if isinstance(code, int) else 0
    except CompileError as error:
        show(error.diagnostics, as_json=as_json)
        return 1
    except WrongCall as wrong:
        show([wrong.diagnostic(given)], as_json=as_json)
        return 2
    except typer.Abort:
        return 130


def _app() -> "Typer":
    import typer

    from archc.cli.check import check
    from archc.cli.compile import compile_
    from archc.cli.count import count
    from archc.cli.decode import decode
    from archc.cli.explain import explain
    from archc.cli.fmt import fmt
    from archc.cli.init import init
    from archc.cli.report import report
    from archc.cli.sample import sample
    from archc.cli.search import search
    from archc.cli.summary import summary
    from archc.cli.validate import validate
    from archc.cli.version import archc

    app = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False, invoke_without_command=True)
    app.callback()(archc)
    for name, command in (
        ("check", check),
        ("fmt", fmt),
        ("compile", compile_),
        ("summary", summary),
        ("sample", sample),
        ("count", count),
        ("validate", validate),
        ("decode", decode),
        ("search", search),
        ("report", report),
        ("explain", explain),
        ("init", init),
    ):
        app.command(name)(command)
    return app
