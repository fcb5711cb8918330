"""An architecture at an input type -> what makes its group."""

from archc.grammar import syntax as s
from archc.spaces.frames import body, bundle, choice, loop, pipe, single
from archc.spaces.groups import Frame
from archc.spaces.mentions import mention, shared
from archc.spaces.merging import Mergers
from archc.spaces.records import arms, record
from archc.spaces.refiner import Refiner
from archc.spaces.statics import Budget, Plan
from archc.values import Applied, Closure, Decided, Fields, Layer


def begin(refiner: Refiner, plan: Plan, into: int, budget: Budget, mergers: Mergers) -> Frame:
    """Make the group of an architecture at an input type."""
    value = plan.value
    match value:
        case Closure(s.Record()) | Fields():
            return (yield from record(refiner, value, into, budget))
        case Closure(expr):
            if isinstance(expr, s.Tuple):
                return (yield from bundle(refiner, expr.items, value.env, into, budget, mergers))
            return (yield from _expression(refiner, plan, expr, into, budget))
        case Applied():
            return (yield from mention(refiner, value, into, budget, mergers))
        case Decided() | Layer():
            return (yield from shared(refiner, value, into, budget))
        case _:
            raise AssertionError(value)


def _expression(refiner: Refiner, plan: Plan, expr: s.Expr, into: int, budget: Budget) -> Frame:
    assert isinstance(plan.value, Closure)
    env = plan.value.env
    match expr:
        case s.Pipe():
            return (yield from pipe(refiner, plan, expr, 0, into, budget))
        case s.Choice() if into in refiner.inputs.known:
            return (yield from arms(refiner, expr, env, into, budget))
        case s.Choice():
            return (yield from choice(refiner, plan, expr, into, budget))
        case s.Body():
            return (yield from body(refiner, expr, 0, env, into, budget))
        case s.Fold() | s.Binary():
            return (yield from loop(refiner, expr, env, into, budget))
        case _:
            return (yield from single(refiner, refiner.values(expr, env), into, budget))
