"""Bounds on what one compilation may take; each is raised by hand through a `Limits` object."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Every bound that archc holds its input to. Sizes in characters unless the name says otherwise."""

    file_size: int = 1 << 20
    total_size: int = 16 << 20
    files: int = 256
    import_depth: int = 32
    nesting: int = 100
    integer_digits: int = 18
    size: int = (1 << 31) - 1
    parameters: int = 10**13
    string: int = 64 << 10
    repeats: int = 10**5
    nodes: int = 10**6
    steps: int = 10**6
    paths: int = 256
    call_depth: int = 100
    regex: int = 2 << 10


DEFAULT = Limits()
