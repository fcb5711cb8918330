"""What typer says of a wrong call, in our words."""

import re
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import Protocol

from archc.cli.output import WrongCall

COMMANDS = (
    "check",
    "fmt",
    "compile",
    "summary",
    "sample",
    "count",
    "validate",
    "decode",
    "search",
    "report",
    "explain",
    "init",
)


class Option(Protocol):
    """An option of a command, as typer has it."""

    opts: Sequence[str]
    multiple: bool
    is_flag: bool


def require_values(given: Sequence[str], options: Iterable[Option]) -> None:
    """Raise WrongCall where an option is given an empty value, or twice where it takes one: neither would be read."""
    names = {name: option for option in options if not getattr(option, "is_flag", True) for name in option.opts}
    seen: set[int] = set()
    words = iter(given)
    for word in words:
        if word == "--":
            return
        name, sign, value = word.partition("=") if word.startswith("--") else (word, "", "")
        option = names.get(name)
        if option is None:
            continue
        if not (value if sign else next(words, "some")).strip():
            raise WrongCall("A0901", f"`{name}` is given nothing", word, hint=f"leave out {name}, or give it a value")
        if id(option) in seen and not option.multiple:
            hint = "--where 'params <= 5M and nodes > 9'" if name == "--where" else f"leave out one {name}"
            raise WrongCall("A0901", f"`{name}` is given twice, and takes one value", word, hint=hint)
        seen.add(id(option))


def told(error: BaseException, given: Sequence[str]) -> WrongCall:
    """Return typer's complaint about `given` as one of ours."""
    command = next((word for word in given if not word.startswith("-")), "")
    fallback = f"archc {command} --help" if command in COMMANDS else "archc --help"
    option = getattr(error, "option_name", None)
    if isinstance(option, str):
        return _about_option(error, option, command, fallback)
    if type(error).__name__ == "MissingParameter":
        param = getattr(error, "param", None)
        name = getattr(param, "metavar", None) or getattr(param, "name", None) or "an argument"
        long = next((entry for entry in getattr(param, "opts", ()) if entry.startswith("--")), "")
        name = f"{long} {name}" if long else name
        return WrongCall("A0901", f"`archc {command}` needs {name}", command, hint=fallback)
    if command and command not in COMMANDS:
        near = get_close_matches(command, COMMANDS, 1)
        label = f"nearest: {near[0]}" if near else f"there are: {', '.join(COMMANDS)}"
        hint = f"archc {near[0]}" if near else fallback
        return WrongCall("A0901", f"there is no command `{command}`", command, label=label, hint=hint)
    text = re.sub(r"^Invalid value for ", "", str(getattr(error, "format_message", lambda: error)()))
    if extra := re.match(r"Got unexpected extra arguments? \((\S+)", text.replace("(s)", "")):
        word = extra[1].rstrip(")")
        hint = f"--set {word}" if re.fullmatch(r"[A-Za-z_]\w*=.+", word) else fallback
        return WrongCall("A0901", f"`archc {command}` has no place for `{word}`", word, hint=hint)
    return WrongCall("A0901", f"`archc {command}` expects something else: {text}", command, hint=fallback)


def _about_option(error: BaseException, option: str, command: str, fallback: str) -> WrongCall:
    where = f"archc {command}" if command in COMMANDS else "archc"
    if type(error).__name__ == "BadOptionUsage":
        return WrongCall("A0901", f"`{option}` of `{where}` needs a value, and only one", option, hint=fallback)
    near = getattr(error, "possibilities", None) or ()
    hint = f"{where} {near[0]}" if near else fallback
    label = f"nearest: {near[0]}" if near else ""
    return WrongCall("A0901", f"`{where}` has no option `{option}`", option, label=label, hint=hint)
