"""A regular language -> how many words it has, exactly."""

from archc.regular.automaton import STATES, TooLarge
from archc.regular.automaton import count as counted
from archc.regular.language import (
    EMPTY,
    Chars,
    Choice,
    Regular,
    Repeat,
    Series,
    automaton,
    chars,
    longest,
    shortest,
    without,
)

MOST = 20 * STATES
BITS = 1 << 22
"""Numbers of more bits than these are not worked out."""


def census(language: Regular) -> int | None:
    """Return the number of words; None when they never end.

    What can be read in one way only is counted from its parts, anything else by its automaton. Raises TooLarge.
    """
    found = _counted(language)
    return counted(automaton(language, MOST)) if found == -1 else found


def _counted(node: Regular) -> int | None:
    """Return the number of words, None for no end of them, -1 where the parts do not tell."""
    match node:
        case Chars(ranges):
            return sum(high - low + 1 for low, high in ranges)
        case Series(parts):
            return _product(parts)
        case Choice(arms):
            return _sum(arms)
        case Repeat(body, low, high):
            return _powers(body, low, high)


def _product(parts: tuple[Regular, ...]) -> int | None:
    if not all(is_prefix_free(part) for part in parts[:-1]):
        return -1
    counts = [_counted(part) for part in parts]
    if -1 in counts:
        return -1
    total = 1
    for count in counts:
        if count is None:
            return None
        total *= count
    return total


def _sum(arms: tuple[Regular, ...]) -> int | None:
    counts = [_counted(arm) for arm in arms]
    if -1 in counts or not _told_apart(arms) or sum(shortest(arm) == 0 for arm in arms) > 1:
        return -1
    return None if None in counts else sum(count or 0 for count in counts)


def _powers(body: Regular, low: int, high: int | None) -> int | None:
    one = _counted(body)
    if one == -1 or shortest(body) == 0 or not (is_prefix_free(body) or (low, high) == (0, 1)):
        return -1
    if one is None or high is None:
        return None
    if one.bit_length() * high > BITS:
        raise TooLarge
    return high - low + 1 if one == 1 else (one ** (high + 1) - one**low) // (one - 1)


def is_prefix_free(node: Regular) -> bool:
    """Whether no word is the beginning of another one, as far as the parts tell."""
    if shortest(node) is not None and shortest(node) == longest(node):
        return True
    match node:
        case Chars():
            return True
        case Series(parts):
            return all(is_prefix_free(part) for part in parts)
        case Choice(arms):
            return all(shortest(arm) != 0 and is_prefix_free(arm) for arm in arms) and _told_apart(arms)
        case Repeat(body, low, high):
            return low == high and shortest(body) != 0 and is_prefix_free(body)


def _told_apart(arms: tuple[Regular, ...]) -> bool:
    taken = chars()
    for arm in arms:
        begins = first(arm)
        if without(begins, taken) != begins:
            return False
        taken = chars(*taken.ranges, *begins.ranges)
    return True


def first(node: Regular) -> Chars:
    """Return the characters with which a word can begin."""
    match node:
        case Chars():
            return node
        case Series(parts):
            found: list[tuple[int, int]] = []
            for part in parts:
                found.extend(first(part).ranges)
                if shortest(part) != 0:
                    break
            return chars(*found)
        case Choice(arms):
            return chars(*(span for arm in arms for span in first(arm).ranges))
        case Repeat(body, _, high):
            return chars() if high == 0 or body == EMPTY else first(body)
