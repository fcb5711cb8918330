"""Strategies with a model of the space: valid, new, resumed exactly, and better than chance; what the models know is true."""

import json
import sys
import warnings
from collections.abc import Iterator, Sequence
from math import log
from pathlib import Path
from random import Random
from statistics import mean
from types import ModuleType

import numpy as np
import pytest
from driver import OBJECTIVE, cells
from searching import Digits
from test_search_loop import Kept, Shuffled, essence

import archc
from archc.members import Member, Space
from archc.search.jobs import Inline, identify
from archc.search.loop import Bound, Result, Search, run
from archc.search.models.features import BINS, Describer, described, text_of
from archc.search.models.gaussian import NOISES, Distances, Kernel, fit, improved, likelihood
from archc.search.models.scores import improvement, learned, normal
from archc.search.models.trees import grown
from archc.search.models.writers import writer
from archc.search.named import make
from archc.search.paths import Walk, follow
from archc.search.protocol import Context, History, Json, Objective, Proposal, Trial
from archc.search.strategies.bayesian import influences
from archc.search.strategies.llm import rate
from archc.spaces.forest import Site, forest_of

MODELS = ("bayesian", "predictor", "proxy:params", "optuna:tpe", "optuna:nsga2")
QUICK: dict[str, Json] = {"start": 4}
SETTINGS: dict[str, dict[str, Json]] = {
    "bayesian": {"start": 4, "draws": 30, "incumbents": 5},
    "predictor": {"start": 4, "models": 2},
    "proxy:params": {"start": 4, "pool": 30},
}

RECURSIVE = """arch 0.1
import std.nn
space Net : a -> a where depth <= 4 =
  | Net -> Net
  | (Net, Net) -> add
  | Leaf
space Leaf : a -> a = relu | gelu | tanh | sigmoid | id
"""


@pytest.fixture(scope="module")
def space() -> Space:
    """Return the cells of NAS-Bench-201, small."""
    return cells()


@pytest.fixture(scope="module")
def recursive() -> Space:
    """Return a space that mentions itself."""
    return archc.loads(RECURSIVE)["Net"].space(at="[8]")


def by_key(proposal: Proposal) -> str:
    """Let no two members be one."""
    return identify(Digits(), proposal)


def searched(space: Space, strategy: str, trials: int | None, *, seed: int = 7, ahead: int | None = 1) -> Search:
    """Return a search with few starts."""
    settings = SETTINGS.get(strategy, {})
    return Search(space, OBJECTIVE, strategy, settings, seed=seed, evaluations=trials, ahead=ahead)


def ran(search: Search) -> Result:
    """Return how a search ended."""
    return run(search, Inline(Digits(), search.objective), by_key)


def history_of(space: Space, members: Sequence[Member], scores: Sequence[float]) -> History:
    """Return a history in which these members have these sums."""
    history = History(space, OBJECTIVE)
    for number, (member, score) in enumerate(zip(members, scores, strict=True)):
        trial = Trial(number, member.key, member.derivation, "", number, 1.0, "done", {"sum": score})
        history.put(trial, member)
    return history


# ---------------------------------------------------------------- all of them
@pytest.mark.parametrize("strategy", MODELS)
@pytest.mark.parametrize("ahead", [1, 3])
def test_a_search_broken_off_goes_on_as_if_it_was_not(space: Space, strategy: str, ahead: int) -> None:
    search = searched(space, strategy, 16, ahead=ahead)
    whole = essence(ran(search).history)
    for most in (3, 8, 13) if ahead == 1 else (4,):
        kept = Kept(most=most)
        with pytest.raises(KeyboardInterrupt):
            run(search, Inline(Digits(), OBJECTIVE), by_key, keeper=kept)
        saved = kept.saved
        assert json.loads(json.dumps(saved.state)) == saved.state
        assert essence(run(search, Inline(Digits(), OBJECTIVE), by_key, saved=saved).history) == whole, most


@pytest.mark.parametrize("strategy", MODELS)
def test_out_of_order_every_member_comes_once(space: Space, strategy: str) -> None:
    found = run(searched(space, strategy, 24, ahead=None), Shuffled(4, Random(1)), by_key).history
    assert len({trial.key for trial in found}) == len(found) == 24


@pytest.mark.parametrize("strategy", MODELS)
def test_a_small_space_is_searched_to_its_end(space: Space, strategy: str) -> None:
    small = space.within("count(conv)", 6, 6).within("params", high=500)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # the options of a decision depend on those before
        result = ran(searched(small, strategy, None))
    assert len(result.history) == small.count() == 22
    assert "every member" in result.stopped


@pytest.mark.parametrize("strategy", ["bayesian", "predictor", "optuna:tpe"])
def test_models_beat_chance_after_thirty_trials(space: Space, strategy: str) -> None:
    def best(name: str, seed: int) -> float:
        found = ran(searched(space, name, 30, seed=seed)).history.best()
        assert found is not None
        return found.metrics["sum"]

    chance = [max(Digits().read_key(m.key) for m in space.sample(Random(seed), 30)) for seed in range(20)]
    assert mean(best(strategy, seed) for seed in range(2)) > mean(chance) + 4


@pytest.mark.parametrize("strategy", ["bayesian", "predictor"])
def test_recursive_spaces_several_goals_and_refusals_do_not_stop_a_model(recursive: Space, strategy: str) -> None:
    both = Objective.of(maximize=["sum"], minimize=["ones"])
    search = Search(recursive, both, strategy, QUICK, evaluations=15, ahead=1, bounds=(Bound("nodes", high=9),))
    found = ran(search).history
    assert sum(trial.done for trial in found) == 15
    assert all(trial.done == (found.member(trial.number).cost("nodes") <= 9) for trial in found)


@pytest.mark.parametrize("strategy", ["bayesian", "predictor", "proxy", "optuna", "llm"])
def test_what_is_out_of_range_or_of_another_strategy_is_refused(space: Space, strategy: str) -> None:
    context = Context(space, OBJECTIVE, History(space, OBJECTIVE))
    settings: dict[str, dict[str, Json]] = {
        "optuna": {"sampler": "tbe"},
        "proxy": {"by": "sinflow"},
        "llm": {"model": "gpt"},
    }
    with pytest.raises(ValueError, match="expected|nearest"):
        make(strategy, context, settings.get(strategy, {"start": 0}))
    if strategy != "llm":
        with pytest.raises(ValueError, match="expected"):
            make(strategy, context, {}).restore({"what": 1})


# ---------------------------------------------------------------- features
def test_places_are_what_a_hamming_distance_counts(space: Space) -> None:
    one, *others = space.sample(Random(0), 30)
    describer = Describer(space.forest)
    places, _ = Distances.of([describer.of(one.derivation)]).to([describer.of(o.derivation) for o in others])
    for row, other in enumerate(others):
        assert places[row, 0] == sum(a != b for a, b in zip(one.decisions, other.decisions, strict=True))


def test_features_count_decisions_with_what_is_above(recursive: Space) -> None:
    for member in recursive.sample(Random(1), 50):
        found = described(recursive.forest, member.derivation)
        decisions = [
            d for edge in member.derivation.edges for d in recursive.forest.decisions[recursive.forest.label[edge]]
        ]
        labels = sum(many for (kind, _), many in found.counts.items() if kind == "label")
        pairs = sum(many for (kind, _), many in found.counts.items() if kind == "pair")
        assert labels == len(decisions) == pairs + 1
        assert len(found.places) == len(decisions)


def test_numbers_count_by_the_eighth_of_their_range() -> None:
    sites = [Site(("",), (1.0,), low=1.0, high=256.0, logarithmic=True)]
    forest = forest_of([[([(0, 0)], [])]], sites, 0)
    from archc.spaces.forest import Derivation

    for value, part in ((1.0, 0), (2.1, 1), (200.0, 7), (256.0, BINS - 1)):
        assert ("label", (0, part)) in described(forest, Derivation((0,), (value,))).counts


def test_features_are_named_as_the_space_writes_them(space: Space) -> None:
    assert text_of(space, ("label", (0, 3))) == "Conv(c, 3)"
    assert text_of(space, ("pair", (0, 3, 0, 0))) == "Conv(c, 3) above zero"
    assert text_of(space, ("place", (0, 3, 4))) == "Conv(c, 3) at 4"


# ---------------------------------------------------------------- scores
def test_scores_are_quantiles_whatever_the_scale() -> None:
    values = [3.0, 1.0, 2.0, 2.0, float("-inf")]
    found = normal(values)
    assert found[0] > found[2] == found[3] > found[1] > found[4]
    assert abs(found.mean()) < 1e-12 and abs(found.std() - 1) < 1e-12
    assert np.array_equal(found, normal([value**3 for value in values]))
    assert not normal([1.0, 1.0]).any()


def test_the_expected_improvement_is_that_of_draws() -> None:
    chance = np.random.default_rng(0)
    for at, spread, best in ((0.0, 1.0, 0.5), (1.0, 0.2, 1.1), (-1.0, 2.0, 3.0)):
        drawn = np.maximum(at + spread * chance.standard_normal(400_000) - best, 0).mean()
        assert improvement(np.array([at]), np.array([spread]), best)[0] == pytest.approx(drawn, rel=0.03)
    far = improvement(np.array([-30.0, -20.0]), np.array([1.0, 1.0]), 0.0)
    assert far[0] < far[1] <= 0.0


def test_a_model_learns_from_the_best_and_the_latest(space: Space) -> None:
    members = space.sample(Random(3), 60, distinct=True)
    history = history_of(space, members, [float(-number) for number in range(60)])
    found = [trial.number for trial in learned(history, 20)]
    assert found == [*range(10), *range(50, 60)]
    assert len(learned(history, 100)) == 60


# ---------------------------------------------------------------- the Gaussian process
def _known(space: Space, many: int, seed: int = 0) -> tuple[Distances, np.ndarray[tuple[int], np.dtype[np.float64]]]:
    members = space.sample(Random(seed), many, distinct=True)
    describer = Describer(space.forest)
    distances = Distances.of([describer.of(member.derivation) for member in members])
    return distances, normal([Digits().read_key(member.key) for member in members])


def test_predictions_are_those_of_the_formula(space: Space) -> None:
    distances, scores = _known(space, 25)
    others = [described(space.forest, member.derivation) for member in space.sample(Random(9), 10)]
    kernel = Kernel()
    process = fit(kernel, distances, scores)
    covariance = kernel.of(*distances.to(distances.members)) + NOISES[kernel.noise] * np.eye(25)
    across = kernel.of(*distances.to(others))
    means, spreads = process.predict(others)
    assert np.allclose(means, across @ np.linalg.solve(covariance, scores))
    spread = 1 - np.sum(across.T * np.linalg.solve(covariance, across.T), axis=0)
    scale = scores @ np.linalg.solve(covariance, scores) / 25
    assert np.allclose(spreads, np.sqrt(spread * scale))
    marginal = -25 / 2 * log(scale) - np.linalg.slogdet(covariance)[1] / 2
    assert likelihood(kernel, distances.to(distances.members), scores) == pytest.approx(marginal)


def test_a_fit_makes_the_scores_likelier_and_predictions_better(space: Space) -> None:
    distances, scores = _known(space, 80)
    within = distances.to(distances.members)
    first, kernel = Kernel(reach=8, spread=0, share=4, noise=4), Kernel()
    kernel = improved(first, distances, scores, steps=20)
    assert likelihood(kernel, within, scores) > likelihood(first, within, scores) + 5
    members = space.sample(Random(5), 200)
    means, _ = fit(kernel, distances, scores).predict([described(space.forest, m.derivation) for m in members])
    truth = [Digits().read_key(member.key) for member in members]
    assert np.corrcoef(means, truth)[0, 1] > 0.9


def test_slopes_are_the_derivative_of_the_mean(space: Space) -> None:
    """Held to differences: a label more in each member that has it, all else as it was."""
    distances, scores = _known(space, 30)
    process = fit(Kernel(share=3), distances, scores)
    slopes = process.slopes()
    for name, column in distances.count_columns.items():
        step = 1e-5
        changes = []
        for row in np.flatnonzero(distances.counts[:, column] > 0):
            places, counts = distances.to(distances.members)
            shift = step * step + 2 * step * (distances.counts[row, column] - distances.counts[:, column])
            moved = process.kernel.of(places[row], counts[row] + shift) @ process.alpha
            changes.append((moved - process.kernel.of(places[row], counts[row]) @ process.alpha) / step)
        assert slopes[name][0] == pytest.approx(mean(changes), abs=1e-3)
        assert slopes[name][1] == len(changes)


def test_the_report_says_which_features_helped_and_hurt(space: Space) -> None:
    members = space.sample(Random(2), 60, distinct=True)
    scores = [float(m.key.split().count("3")) - 2 * m.key.split().count("0") for m in members]
    found = [entry for entry in influences(history_of(space, members, scores)) if " at " not in entry.feature]
    assert found[0].feature == "Conv(c, 3)" and found[0].effect > 0.1
    assert found[-1].feature == "zero" and found[-1].effect < -0.2
    assert found[0].trials == sum("3" in m.key for m in members)
    assert influences(History(space, OBJECTIVE)) == []


# ---------------------------------------------------------------- trees
def test_boosted_trees_predict_and_do_not_depend_on_the_order_of_features(space: Space) -> None:
    members = space.sample(Random(4), 120, distinct=True)
    known = [described(space.forest, member.derivation) for member in members]
    scores = normal([Digits().read_key(member.key) for member in members])
    ensemble = grown(known, scores, Random(0), models=3)
    assert grown(known, scores, Random(0), models=3).splits == ensemble.splits
    others = space.sample(Random(6), 200)
    means, spreads = ensemble.predict([described(space.forest, member.derivation) for member in others])
    truth = [Digits().read_key(member.key) for member in others]
    assert np.corrcoef(means, truth)[0, 1] > 0.85
    assert (spreads > 0).all()
    inside, _ = ensemble.predict(known)
    assert np.mean((inside - scores) ** 2) < 0.3


@pytest.mark.parametrize("acquisition", ["ts", "ucb"])
def test_both_acquisitions_go_for_what_is_good(space: Space, acquisition: str) -> None:
    search = Search(space, OBJECTIVE, "predictor", {"acquisition": acquisition, "models": 3}, evaluations=24, ahead=1)
    trials = list(ran(search).history)
    assert mean(t.metrics["sum"] for t in trials[10:]) > mean(t.metrics["sum"] for t in trials[:10]) + 8


# ---------------------------------------------------------------- warm start
@pytest.mark.parametrize("ascending", [False, True])
def test_the_first_trials_are_those_that_rank_highest(space: Space, ascending: bool) -> None:
    settings: dict[str, Json] = {"by": "params", "pool": 100, "start": 5, "ascending": ascending}
    found = ran(Search(space, OBJECTIVE, "proxy", settings, evaluations=7, ahead=1)).history
    costs = [found.member(number).cost("params") for number in range(7)]
    assert costs[:5] == sorted(costs[:5], reverse=not ascending)
    share = mean(member.cost("params") < costs[4] for member in space.sample(Random(0), 400))
    assert share < 0.15 if ascending else share > 0.8
    assert [found[number].origin["operator"] for number in range(6)] == ["proxy"] * 5 + ["start"]


# ---------------------------------------------------------------- decisions on the way
@pytest.mark.parametrize("of", ["cells", "recursive"])
def test_a_walk_reaches_every_member_by_its_own_decisions(space: Space, recursive: Space, of: str) -> None:
    found = space if of == "cells" else recursive
    for member in found.sample(Random(0), 60):
        walk = Walk(found.forest, Random(1))
        taken = []
        for choice, option in follow(found.forest, member.derivation):
            assert walk.next() == choice and isinstance(option, str)
            walk.take(option)
            taken.append(int(option.partition(".")[2]))
        assert walk.next() is None and walk.derivation() == member.derivation
        assert taken == [word for word in member.decisions if isinstance(word, int)]


def test_whatever_option_is_taken_leads_to_a_member(recursive: Space) -> None:
    rng = Random(3)
    for _ in range(60):
        walk = Walk(recursive.forest, rng)
        while (choice := walk.next()) is not None:
            walk.take(rng.choice(choice.options))
        assert 0 <= recursive.rank(Member(recursive, walk.derivation())) < recursive.count()


def test_samplers_that_cannot_use_conditions_say_so(space: Space, recursive: Space) -> None:
    def context(of: Space) -> Context:
        return Context(of, OBJECTIVE, History(of, OBJECTIVE))

    with pytest.warns(UserWarning, match="uses only decisions that every member has"):
        make("optuna:nsga2", context(recursive), {})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        make("optuna:nsga2", context(space), {})
        make("optuna:tpe", context(recursive), {})


@pytest.mark.parametrize("most", [7, 19, 33])
def test_what_a_sampler_asks_again_is_told_to_it_and_costs_nothing(recursive: Space, most: int) -> None:
    search = Search(recursive, OBJECTIVE, "optuna:tpe", seed=1, evaluations=40, ahead=1)
    whole = ran(search).history
    again = [trial.origin["again"] for trial in whole if trial.origin.get("again")]
    assert again and len({trial.key for trial in whole}) == len(whole) == 40
    assert sum(trial.origin["operator"] == "draw" for trial in whole) < 4
    kept = Kept(most=most)
    with pytest.raises(KeyboardInterrupt):
        run(search, Inline(Digits(), OBJECTIVE), by_key, keeper=kept)
    resumed = run(search, Inline(Digits(), OBJECTIVE), by_key, saved=kept.saved).history
    assert essence(resumed) == essence(whole)


def test_a_sampler_that_asks_only_again_says_so() -> None:
    tiny = archc.loads("arch 0.1\nspace Net : [8] -> [8] = relu | (tanh | gelu) * (1..5)\n")["Net"].space()
    with pytest.warns(UserWarning, match="20 members were drawn at random instead"):
        result = ran(Search(tiny, OBJECTIVE, "optuna:random", {}, seed=1, ahead=1))
    assert len(result.history) == tiny.count() == 63


# ---------------------------------------------------------------- language models
@pytest.fixture
def writing(space: Space) -> Iterator[ModuleType]:
    """Yield a module whose `write` answers with networks, and with what is none."""
    module = ModuleType("archc_test_writing")
    texts = [
        "a network? no.",
        "arch 0.1\nmodel Other : [4, 8, 8] -> [4, 8, 8] = tanh",
        "arch 0.1\nmodel Bad : [4, 8, 8] -> [4, 8, 8] = linear(3)",
    ]
    prompts: list[str] = []

    def write(prompt: str) -> str:
        prompts.append(prompt)
        if len(prompts) % 2:
            return texts[len(prompts) // 2 % len(texts)]
        shown = [part for part in prompt.split("arch 0.1") if "model Cell" in part]
        parent = next(m for m in reversed(asked) if f"arch 0.1{shown[-1]}".startswith(m.text.rstrip()))
        found = next(m for m in space.neighbours(parent, Random(len(prompts))) if m.key not in {a.key for a in asked})
        asked.append(found)
        return f"Here it is:\n```arch\n{found.text}```\nGood luck."

    asked: list[Member] = []
    vars(module).update(write=write, prompts=prompts, asked=asked)
    sys.modules[module.__name__] = module
    yield module
    del sys.modules[module.__name__]


def test_texts_become_members_and_the_rate_is_known(space: Space, writing: ModuleType) -> None:
    asked: list[Member] = writing.asked
    settings: dict[str, Json] = {"model": "python:archc_test_writing:write", "start": 3, "shots": 2}
    context = Context(space, OBJECTIVE, History(space, OBJECTIVE))
    strategy = make("llm", context, settings)
    found: list[Proposal] = []
    for number in range(7):
        proposal = strategy.ask(Random(100 + number))
        assert proposal is not None
        member = proposal.member
        asked.append(member)
        trial = Trial(number, member.key, member.derivation, "", number, 1.0, "done", {"sum": float(number)})
        context.history.put(Trial(**{**{n: getattr(trial, n) for n in trial.__slots__}, "origin": proposal.origin}))
        found.append(proposal)
    written = [entry for entry in found if entry.origin["operator"] in ("mutate", "cross", "propose")]
    counted = rate(context.history)
    assert counted.taken == len(written) >= 1
    assert counted.texts == len(writing.prompts) and counted.refused["text"] >= 1
    assert str(counted.taken) in str(counted)
    assert any("was not taken" in prompt for prompt in writing.prompts)
    assert all("Four nodes, six edges" in prompt for prompt in writing.prompts)


def test_a_local_model_that_writes_nonsense_costs_no_trial(space: Space, tmp_path: Path) -> None:
    pytest.importorskip("transformers")
    from archc.runtime.decode.tiny import tiny_model, tiny_tokenizer

    tokenizer = tiny_tokenizer([space[0].text, space[9999].text], 320)
    tiny_model(tokenizer, width=32, layers=1, context=96).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    local = writer(f"transformers:{tmp_path}")
    assert local("model") == local("model") != local("model ")
    settings: dict[str, Json] = {"model": f"transformers:{tmp_path}", "start": 2, "tries": 2, "shots": 2}
    settings["constrained"] = False
    found = ran(Search(space, OBJECTIVE, "llm", settings, evaluations=4, ahead=1)).history
    assert all(trial.done for trial in found)
    assert rate(found).texts == 4 == rate(found).refused["text"]


@pytest.mark.parametrize("name", ["", "gpt", "transformers:nowhere", "python:os:nothing", "python:os:sep", "python:"])
def test_a_language_model_that_is_not_there_is_told(name: str) -> None:
    with pytest.raises(
        ValueError, match="expected a language model|the module os has no nothing|expected python:module:name"
    ):
        writer(name)
