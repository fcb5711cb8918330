"""A checked declaration -> the lines that tell a reader what it is and what it asks for."""

from archc.check import Checked


def described(found: Checked) -> str:
    """Return kind, name and type, with one line for each precondition."""
    head = f"{found.kind} {found.name} : {found.signature}" if found.signature else f"{found.kind} {found.name}"
    return "\n".join([head, *(f"    needs  {condition}" for condition in found.preconditions)])
