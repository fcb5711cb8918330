"""`archc explain`: the essay on a diagnostic."""

import sys
from typing import Annotated

import typer

from archc.cli.options import Json


def explain(
    code: Annotated[str, typer.Argument(metavar="[CODE]", help="Such as A0203; without it, all codes.")] = "",
    json: Json = False,
) -> int:
    """Print the essay on a diagnostic, or all codes."""
    from archc.cli.output import coloured, emit, emit_json

    essays = _essays()
    if not code:
        titles = {name: _title(text) for name, text in essays.items()}
        if json:
            emit_json({"codes": titles})
        else:
            emit("\n".join(f"{name}  {title}" for name, title in titles.items()))
        return 0
    text = essays.get(code.upper())
    if text is None:
        raise _unknown(code, list(essays))
    if json:
        emit_json({"code": code.upper(), "title": _title(text), "essay": text})
    elif coloured(sys.stdout):
        _print_markdown(text)
    else:
        emit(text)
    return 0


def _essays() -> dict[str, str]:
    from importlib import resources

    folder = resources.files("archc.grammar") / "essays"
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".md"))
    return {name.removesuffix(".md"): (folder / name).read_text(encoding="utf-8") for name in names}


def _title(essay: str) -> str:
    """Return the first heading of `essay`, without its code."""
    heading = essay.partition("\n")[0].lstrip("# ")
    return heading[5:].lstrip(" :·—-") if heading[:1] == "A" and heading[1:5].isdigit() else heading


def _unknown(code: str, codes: list[str]) -> Exception:
    from difflib import get_close_matches

    from archc.cli.output import WrongCall

    near = get_close_matches(code.upper(), codes, 1)
    hint = f"archc explain {near[0]}" if near else "archc explain"
    return WrongCall("A0910", f"no diagnostic has the code `{code}`", code, label="A and four digits", hint=hint)


def _print_markdown(text: str) -> None:
    from rich.console import Console
    from rich.markdown import Markdown

    Console(width=100, soft_wrap=False).print(Markdown(text))
