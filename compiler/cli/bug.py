"""An exception that nobody foresaw -> a message that says how to report it, and a file to send along."""

import platform
import shlex
import sys
import tempfile
import traceback
from collections.abc import Sequence
from pathlib import Path


def report(error: BaseException, given: Sequence[str]) -> int:
    """Say that this is a bug in archc and where the details lie; return exit code 3."""
    from archc.cli.version import versions

    command = shlex.join(["archc", *given])
    known = "\n".join(f"{name} {version}" for name, version in versions().items())
    details = "".join(traceback.format_exception(error))
    kept = _keep(f"{command}\n\n{known}\n{platform.platform()}\n\n{details}")
    lines = [
        f"this is a bug in archc: {type(error).__name__} while running",
        f"    {command}",
        f"archc {versions()['archc']}, python {versions()['python']}",
        f"The details are in {kept}." if kept else details,
        "Please report it with that file, and the .arch file if you may share it: see `Reporting a bug` in README.md.",
    ]
    print("\n".join(lines), file=sys.stderr)
    return 3


def _keep(text: str) -> Path | None:
    try:
        with tempfile.NamedTemporaryFile(
            "w", prefix="archc-bug-", suffix=".txt", delete=False, encoding="utf-8", errors="backslashreplace"
        ) as file:
            file.write(text)
    except OSError:
        return None
    return Path(file.name)
