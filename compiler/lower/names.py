"""Names and literals that are safe in generated Python, whatever a program calls its things."""

import keyword
import re
from collections.abc import Collection

Plain = int | float | bool | str | None | tuple["Plain", ...]
"""A value that generated code writes as a literal."""

MODULE_ATTRIBUTES = frozenset(
    [
        "T_destination",
        "add_module",
        "apply",
        "bfloat16",
        "buffers",
        "call_super_init",
        "children",
        "compile",
        "cpu",
        "cuda",
        "double",
        "dump_patches",
        "eval",
        "extra_repr",
        "float",
        "forward",
        "get_buffer",
        "get_extra_state",
        "get_parameter",
        "get_submodule",
        "half",
        "ipu",
        "load_state_dict",
        "modules",
        "mtia",
        "named_buffers",
        "named_children",
        "named_modules",
        "named_parameters",
        "parameters",
        "register_backward_hook",
        "register_buffer",
        "register_forward_hook",
        "register_forward_pre_hook",
        "register_full_backward_hook",
        "register_full_backward_pre_hook",
        "register_load_state_dict_post_hook",
        "register_load_state_dict_pre_hook",
        "register_module",
        "register_parameter",
        "register_state_dict_post_hook",
        "register_state_dict_pre_hook",
        "requires_grad_",
        "set_extra_state",
        "set_submodule",
        "share_memory",
        "state_dict",
        "to",
        "to_empty",
        "train",
        "training",
        "type",
        "xpu",
        "zero_grad",
        "check_input",
    ]
)
"""What nn.Module and the generated classes call their own."""

GLOBALS = frozenset(
    [
        "F",
        "Tensor",
        "ValueError",
        "annotations",
        "bool",
        "dict",
        "enumerate",
        "float",
        "int",
        "isinstance",
        "len",
        "list",
        "math",
        "max",
        "min",
        "nn",
        "object",
        "print",
        "range",
        "self",
        "str",
        "super",
        "takes",
        "torch",
        "tuple",
        "type",
        "zip",
    ]
)
"""What generated code means by these words, so that nothing else may be called so."""


def identifier(text: str, taken: Collection[str] = ()) -> str:
    """Return an ASCII identifier like `text` that is no keyword, does not open with an underscore, and is not `taken`.

    A taken word gets a trailing underscore, or a number where that is taken too.
    """
    name = re.sub(r"[^A-Za-z0-9_]", "_", text).lstrip("_") or "part"
    if name[0].isdigit():
        name = f"n{name}"
    if keyword.iskeyword(name) or name in taken:
        name = f"{name.rstrip('_')}_"
    number = 2
    unique = name
    while unique in taken:
        unique = f"{name.rstrip('_')}_{number}"
        number += 1
    return unique


def literal(value: Plain) -> str:
    """Return Python source of `value`."""
    if isinstance(value, tuple):
        items = ", ".join(literal(item) for item in value)
        return f"({items},)" if len(value) == 1 else f"({items})"
    if isinstance(value, str):
        return f'"{escape(value)}"'
    if isinstance(value, float):
        return _number(value)
    return repr(value)


def _number(value: float) -> str:
    text = repr(value)
    if text.lstrip("-") in ("inf", "nan"):
        return f"-math.{text[1:]}" if text.startswith("-") else f"math.{text}"
    return re.sub(r"e([+-])0*(\d)", lambda found: f"e{found[1].strip('+')}{found[2]}", text)


def escape(text: str) -> str:
    """Return `text` as it stands between double quotes on one line of Python source."""
    return "".join(_ESCAPES.get(char) or (char if _plain(char) else _point(char)) for char in text)


_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def _plain(char: str) -> bool:
    return char.isprintable() and not 0xD800 <= ord(char) < 0xE000


def _point(char: str) -> str:
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def comment(text: str) -> str:
    """Return `text` as it may stand behind `#`: one line, printable."""
    return "".join(char if _plain(char) else " " for char in text)


def prose(lines: Collection[str]) -> tuple[str, ...]:
    """Return `lines` as they may stand inside a docstring: nothing in them ends it."""
    split = (part for line in lines for part in re.split(r"\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]", line))
    cleaned = tuple(
        "".join(_PROSE.get(char) or (char if _plain(char) else " ") for char in part).rstrip() for part in split
    )
    return tuple(line.replace('"""', '\\"\\"\\"') for line in cleaned)


_PROSE = {"\\": "\\\\"}
