"""Qualifiers (`live`, `causal`): what each op keeps of those that flow into it, and what a type demands of them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from archc.grammar import syntax as s
from archc.grammar.diagnostics import Diagnostic, Note
from archc.grammar.format import format_expr, format_type
from archc.grammar.source import Span
from archc.graph import Pattern
from archc.names.mentions import qualified
from archc.names.qualifiers import Rule, rule
from archc.rules.conditions import formula
from archc.rules.operands import short
from archc.rules.session import Assumption, Blame, Fork, PerUse, Refusal, Session, cases, variables
from archc.rules.static import evaluate
from archc.tensor import Lost, Part, Tags, Type, retagged, tagged, tagged_with, tags_of, tensors, with_tags
from archc.values import ARCHITECTURES, UNKNOWN, Definition, Env, Flow, Value

MISSING = "A0216"


# ---------------------------------------------------------------- what comes in
def granted(session: Session, kind: Type) -> Type:
    """Return `kind` with every qualifier that the program asks for: the input of a network is what it is said to be."""
    return with_tags(kind, session.scopes.asked) if session.scopes.asked else kind


def implied(kind: s.TypeArrow) -> Tags:
    """Return the qualifiers that a signature has in its output only: they are asked of all of its inputs."""
    return frozenset(q.qualifier for q in qualified(kind.target)) - {q.qualifier for q in qualified(kind.source)}


def entering(session: Session, declaration: s.Declaration, kind: Type) -> Type:
    """Return the declared input of a declaration, as its body may rely on it.

    That of a model has every qualifier. That of a space may have, which its refinement knows.
    """
    if declaration.kind != "block":
        return granted(session, kind)
    return tagged_with(kind, *implied(declaration.type)) if isinstance(declaration.type, s.TypeArrow) else kind


# ---------------------------------------------------------------- what an op keeps
def carry(
    session: Session, definition: Definition, names: Mapping[str, Value | Pattern], into: Flow, output: Type, span: Span
) -> Type:
    """Return the type of an op's output with the qualifiers that it has of its inputs, and where others ended."""
    asked = session.scopes.asked
    if not asked:
        return output
    values = {name: value for name, value in names.items() if not isinstance(value, Pattern)}
    entered = tuple(tensors(into.type))
    held: set[str] = set()
    lost: list[Lost] = []
    for tag in sorted(asked):
        told = rule(session.scopes, definition.declaration, tag)
        having = [_has(part, tag) for part in entered]
        if not any(having) or not (all(having) or told.joins):
            lost.extend(_first(entered, tag))
        elif _holds(session, told, Env(definition.module, values)):
            held.add(tag)
        else:
            lost.append(Lost(tag, span, _remedy(definition.name, told)))
    return retagged(output, lambda part: replace(part, tags=part.tags | held, lost=tuple(lost)))


def _has(part: Part, tag: str) -> bool:
    return tag in part.tags or part == UNKNOWN


def _first(parts: Iterable[Part], tag: str) -> tuple[Lost, ...]:
    """Return where `tag` ended on the way to the first of `parts` that lacks it."""
    return next((tuple(e for e in part.lost if e.tag == tag) for part in parts if not _has(part, tag)), ())


def _holds(session: Session, told: Rule, env: Env) -> bool:
    """Return whether an op keeps a qualifier here; in a space, whether it may."""
    match told.condition:
        case None:
            return True
        case s.Boolean(value):
            return value
        case condition:
            try:
                answer = session.settle(found := formula(session, condition, env, evaluate))
            except (Fork, PerUse):
                if session.flexible:
                    return True
                raise
            if isinstance(answer, bool) or session.flexible:
                return answer is not False
            return session.may_fork and _is_own(cases(found)) and session.decide(found)


def _remedy(name: str, told: Rule) -> str:
    match told.condition:
        case s.Ref(parameter):
            return f"{name}(..., {parameter} = true)"
        case s.Compare("==", s.Ref(parameter), value):
            return f"{name}(..., {parameter} = {format_expr(value)})"
        case None | s.Boolean():
            return ""
        case condition:
            return f"{name} keeps it where {format_expr(condition)}"


# ---------------------------------------------------------------- what a type demands
def require(session: Session, tags: Iterable[str], value: Type, blame: Blame) -> None:
    """Raise Refusal where a tensor of `value` lacks one of `tags`, with the op at which that ended."""
    for tag in tags:
        if tag in session.scopes.asked and not all(_has(part, tag) for part in tensors(value)):
            raise Refusal(missing(session, tag, value, blame))


def require_implied(session: Session, kind: s.TypeArrow, value: Type, blame: Blame) -> None:
    """Raise Refusal where `value` lacks a qualifier that a signature has in its output only."""
    if session.scopes.asked and (tags := implied(kind)):
        named = not isinstance(kind.source, (s.TypeTuple, s.TypePower))
        what = format_type(kind.source) if named else "inputs"
        require(
            session, sorted(tags), value, replace(blame, needs=f"{' '.join(sorted(tags))} {what} for what it gives")
        )


def missing(session: Session, tag: str, value: Type, blame: Blame) -> Diagnostic:
    """Return the complaint that `value` is not what `tag` says."""
    lost = _first(tensors(value), tag)
    words = (f"is where {tag} ends,", "is around it,")
    notes = tuple(Note(short(e.place), text, e.place) for e, text in zip(lost, words, strict=False))
    hint = lost[0].hint if lost else _declared(session, tag)
    text = f"{blame.subject} needs a {tag} input, and this one is not {tag}"
    return replace(blame.diagnostic(MISSING, text, hint), notes=notes)


def _declared(session: Session, tag: str) -> str:
    kind = session.definition.declaration.type
    plain = isinstance(kind, s.TypeArrow) and isinstance(kind.source, (s.TypeList, s.TypeQualified))
    text = f"{tag} {format_type(kind.source)}" if plain and isinstance(kind, s.TypeArrow) else f"{tag} before its type"
    return f"{text} as the input of {session.definition.name}"


# ---------------------------------------------------------------- blocks, choices and loops
def promised(session: Session, made: Flow, into: Flow, span: Span, hint: str = "") -> Flow:
    """Return the output of what promises only its declared qualifiers, with a note of those that end there."""
    asked = session.scopes.asked
    if not asked:
        return made
    entered = tuple(tensors(into.type))
    ended = [tag for tag in sorted(asked) if all(_has(part, tag) for part in entered)]

    def change(part: Part) -> Part:
        new = tuple(Lost(tag, span, hint and f"{hint} {tag}") for tag in ended if tag not in part.tags)
        old = tuple(e for tag in asked - {*ended, *part.tags} for e in _first(entered, tag))
        return replace(part, lost=new + old)

    return retyped(made, retagged(made.type, change))


def through(
    session: Session, definition: Definition, names: dict[str, Value], into: Flow, made: Flow, walk: Callable[[], Flow]
) -> Flow:
    """Return the output `made` of a block with the qualifiers that its body keeps at this use, found by `walk`."""
    if not session.scopes.asked or not _worth(session, definition, names, into, made):
        return made
    key = _key(session, definition, names, into)
    found = session.passed.get(key)
    if found is None:
        context, debts, stages = session.context, len(session.obligations), session.stages
        try:
            found = _found(session, made, walk)
        finally:
            session.context, session.stages = context, stages
            del session.obligations[debts:]
        session.passed[key] = found
    return retyped(made, _over(made.type, found))


def _found(session: Session, made: Flow, walk: Callable[[], Flow]) -> Type:
    """Return what `walk` finds; where it does not end, what a space may give, or what a block promises."""
    try:
        return retagged(walk().type, lambda part: replace(part, tags=_asked_of(session, part)))
    except Fork as fork:
        if not session.flexible and _is_own(fork.alternatives):
            raise
    except Refusal as refusal:  # sizes are held to what the block asks of them, which is done
        if refusal.diagnostic.code == MISSING:
            raise
    except PerUse:
        if not session.flexible:
            raise
    return granted(session, made.type) if session.flexible else made.type


def _is_own(alternatives: Iterable[Iterable[Assumption]]) -> bool:
    """Return whether cases are told by names of the declaration that is walked, and not by those of this walk alone."""
    facts = [entry for case in alternatives for entry in case if not isinstance(entry, tuple)]
    return not any("'" in name for fact in facts for name in variables(fact))


def _asked_of(session: Session, part: Part) -> Tags:
    """Return the qualifiers of a tensor; what is not known may have every one."""
    return session.scopes.asked if part == UNKNOWN else part.tags


def _worth(session: Session, definition: Definition, names: dict[str, Value], into: Flow, made: Flow) -> bool:
    """Return whether a body can have qualifiers that are not promised, or parts of the caller in it."""
    values = (names.get(parameter.name) for parameter in definition.declaration.parameters or ())
    if any(isinstance(value, (*ARCHITECTURES, Flow)) for value in values):
        return True
    entered: Tags = frozenset().union(*(part.tags for part in tensors(into.type)))
    return not entered <= tags_of(made.type)


def _key(session: Session, definition: Definition, names: dict[str, Value], into: Flow) -> object:
    """Return what decides the output of a block: its arguments, architectures among them, and its input."""
    given = (names.get(parameter.name) for parameter in definition.declaration.parameters or ())
    values = tuple(-1 if value is None else session.identities.of(value) for value in given)
    return id(definition.declaration), values, tagged(into.type)


def retyped(value: Flow, kind: Type) -> Flow:
    """Return `value` with the qualifiers of `kind`, which is its type."""
    items = getattr(kind, "items", ())
    parts = tuple(map(retyped, value.parts, items)) if value.parts else ()
    return Flow(kind, parts, value.handle, value.origins)


def _over(kind: Type, found: Type) -> Type:
    """Return `kind` with the qualifiers of `found` besides its own, tensor by tensor where there are as many."""
    others = tuple(tensors(found))
    if len(others) != len(tuple(tensors(kind))):
        return tagged_with(kind, *tags_of(found))
    rest = iter(others)

    def change(part: Part) -> Part:
        other = next(rest)
        tags = part.tags | other.tags
        return replace(part, tags=tags, lost=_ends((*other.lost, *part.lost), tags))

    return retagged(kind, change)


def _ends(lost: tuple[Lost, ...], tags: Tags) -> tuple[Lost, ...]:
    """Return for each qualifier outside of `tags` where it ended: the op, and the outermost mention around that."""
    found: dict[str, list[Lost]] = {}
    for entry in lost:
        if entry.tag not in tags:
            found.setdefault(entry.tag, []).append(entry)
    return tuple(entry for each in found.values() for entry in dict.fromkeys((each[0], each[-1])))


def united(kind: Type, others: Sequence[Type]) -> Type:
    """Return `kind` with the qualifiers of `others` besides its own: those that one of them may have."""
    for other in others:
        kind = _over(kind, other) if other != UNKNOWN else kind
    return kind


def shared(kind: Type, other: Type) -> Type:
    """Return `kind` with those of its qualifiers only that `other`, the same type, has as well."""
    rest = iter(tuple(tensors(other)))

    def change(part: Part) -> Part:
        against = next(rest)
        return replace(part, tags=part.tags & against.tags, lost=part.lost or against.lost)

    return retagged(kind, change)
