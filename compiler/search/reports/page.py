"""The figures of a search -> one HTML page that needs nothing but itself."""

import shlex
from collections import Counter
from collections.abc import Iterator, Sequence
from html import escape

from archc.members import Space
from archc.search.findings import Baseline, Findings, Improvement, distribution, evaluated, front, metric
from archc.search.jobs import candidate
from archc.search.protocol import History, Trial
from archc.search.reports.chart import Axes, Dots, Line, chart, number
from archc.search.reports.picture import pictures
from archc.search.reports.style import STYLE
from archc.search.reports.winners import features, shares

ROWS, DRAWN, REASONS = 10, 4, 6
POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def page(found: Findings, best: Sequence[Trial], space: Space | None, store: str) -> str:
    """Return the page; `best` are the trials of the leaderboard in `store`, `space` draws them where it is at hand."""
    name = escape(str(found.about.fixed["name"]))
    sections = [_head(found, best), _curves(found), _fronts(found, best), _distributions(found)]
    if space is not None:
        sections += [_winners(found, best, space), _networks(found, best, space, store)]
    sections.append(_ended(found))
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{name}: what was found</title>\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        f'<meta name="viewport" content="width=device-width,initial-scale=1">\n<style>{STYLE}</style></head>\n'
        f"<body>\n{''.join(section for section in sections)}</body></html>\n"
    )


# ---------------------------------------------------------------- sections
def _head(found: Findings, best: Sequence[Trial]) -> str:
    fixed, notes = found.about.fixed, found.about.notes
    counts = Counter(trial.status for trial in found.trials)
    same = sum(trial.same_as is not None for trial in found.trials)
    goals = [(number(best[0].metrics[goal.metric]), f"best {goal.metric}") for goal in found.objective.goals[:1]]
    improved = [(f"{found.improvement.over_best:+.2f} %", "over random search")] if found.improvement else []
    spent = sum(trial.seconds for trial in found.trials)
    facts = [
        *goals,
        *improved,
        (str(len(evaluated(found.trials))), "networks evaluated in full"),
        (str(same), "known already"),
        (str(counts["failed"]), "without a result"),
        (_time(spent), "of evaluation"),
    ]
    boxes = "".join(f"<div><b>{escape(value)}</b><span>{escape(label)}</span></div>" for value, label in facts)
    words = f"{fixed['strategy']} on {fixed['task']}, to {fixed['objective']}, seed {fixed['seed']}"
    damage = f'<p class="bad">The store is damaged: {escape("; ".join(found.damage))}</p>' if found.damage else ""
    command = f"<pre class=wrap>{escape(str(notes['command']))}</pre>" if "command" in notes else ""
    return f"<h1>{escape(str(fixed['name']))}</h1><p class=dim>{escape(words)}</p>{damage}<div class=facts>{boxes}</div>{command}"


def _curves(found: Findings) -> str:
    goal = found.objective.goals[0]
    lines = [Line(found.curve.name, found.curve.points, "main", True)]
    lines += [Line(f"{curve.name}, the second store", curve.points, "other", True) for curve in found.others]
    band = None
    if found.baseline is not None:
        lines.append(Line("random search, expected", found.baseline.expected.points, "soft"))
        band = (found.baseline.low.points, found.baseline.high.points)
    drawn = chart(Axes("evaluations", f"best {goal.metric} so far"), lines, band=band)
    told = _against(found.improvement, found.baseline)
    return f"<h2>The best so far</h2><div class=pair>{drawn}<div>{told}</div></div>"


def _against(improvement: Improvement | None, baseline: Baseline | None) -> str:
    if improvement is None or baseline is None:
        return (
            "<p>There is no random baseline to compare with: run the same search with <code>--strategy random</code> "
            "and name its store with <code>--against</code>.</p>"
        )
    rows = [
        ("the mean of random networks", improvement.over_mean),
        ("the expected best of as many random networks", improvement.over_best),
        ("a lucky random search (one of ten is better)", improvement.high),
        ("an unlucky one (one of ten is worse)", improvement.low),
    ]
    cells = "".join(
        f"<tr><td class=text>{label}</td><td class={'good' if value > 0 else 'bad'}>{value:+.2f} %</td></tr>"
        for label, value in rows
    )
    return (
        f"<p>Relative improvement after {improvement.evaluations} evaluations, over what {len(baseline.values)} random "
        f"networks of {baseline.source} reach (Yang, Esperança and Carlucci, 2020). One run says little: repeat it with "
        f"other seeds.</p><table><tr><th class=text>over</th><th>better by</th></tr>{cells}</table>"
    )


def _fronts(found: Findings, best: Sequence[Trial]) -> str:
    goals = [goal.metric for goal in found.objective.goals]
    second = goals[1] if len(goals) > 1 else "params"
    table = f"<h2>The best networks</h2>{_table(found, best)}"
    done = [trial for trial in best if goals[0] in trial.metrics and second in trial.metrics]
    if not done:
        return table
    chosen = {trial.number for trial in front(found.trials, found.objective)} if len(goals) > 1 else {best[0].number}
    parts = [
        _dots(
            "dominated" if len(goals) > 1 else "networks",
            [t for t in done if t.number not in chosen],
            second,
            goals[0],
            "soft",
        ),
        _dots(
            "Pareto front" if len(goals) > 1 else "the best",
            [t for t in done if t.number in chosen],
            second,
            goals[0],
            "main",
        ),
    ]
    edge = sorted((t.metrics[second], t.metrics[goals[0]]) for t in done if t.number in chosen)
    lines = [Line("", edge, "main", True)] if len(goals) == 2 else []
    drawn = chart(Axes(second, goals[0], logarithmic=True), lines, [part for part in parts if part.points])
    return f"{table}<h2>{'Pareto front' if len(goals) > 1 else 'Quality and size'}</h2><div class=pair>{drawn}</div>"


def _dots(name: str, trials: Sequence[Trial], x: str, y: str, kind: str) -> Dots:
    points = [(trial.metrics[x], trial.metrics[y]) for trial in trials]
    told = [f"trial {t.number}: {x} {number(t.metrics[x])}, {y} {number(t.metrics[y])}" for t in trials]
    return Dots(name, points, told, kind)


def _table(found: Findings, best: Sequence[Trial]) -> str:
    goals = [goal.metric for goal in found.objective.goals]
    names = list(dict.fromkeys([*goals, *best[0].metrics]))[:8]
    head = "".join(f"<th>{escape(name)}</th>" for name in ["trial", *names, "seconds"])
    rows = "".join(
        f"<tr><td>{trial.number}</td>"
        + "".join(f"<td>{number(trial.metrics[name]) if name in trial.metrics else ''}</td>" for name in names)
        + f"<td>{trial.seconds:.1f}</td><td class=text>{escape(_origin(trial))}</td></tr>"
        for trial in best[:ROWS]
    )
    return f"<div class=wide><table><tr>{head}<th class=text>came about by</th></tr>{rows}</table></div>"


def _origin(trial: Trial) -> str:
    operator, parents = trial.origin.get("operator", ""), trial.origin.get("parents")
    return f"{operator} of {', '.join(map(str, parents))}" if isinstance(parents, list) else str(operator)


def _distributions(found: Findings) -> str:
    goal = found.objective.goals[0].metric
    charts: list[str] = []
    for name, logarithmic in ((goal, False), ("params", True)):
        values = metric(found.trials, name)
        if values and (name != goal or not charts):
            lines = [Line(f"all {len(values)} evaluated", distribution(values), "main", True)]
            if name == goal and found.baseline is not None:
                lines.append(Line("random networks", distribution(found.baseline.values), "other", True))
            charts.append(chart(Axes(name, "share of networks at most this", logarithmic), lines))
    text = "Empirical distribution functions, as in Radosavovic and others, 2020: a curve further to the right has more large values."
    return f"<h2>Distributions</h2><p class=dim>{text}</p><div class=pair>{''.join(charts)}</div>"


def _winners(found: Findings, best: Sequence[Trial], space: Space) -> str:
    rows = "".join(
        f"<tr><td class=text>{escape(entry.site)}</td><td class=text><code>{escape(entry.option)}</code></td>"
        f"<td>{entry.winners:.0%}</td><td>{entry.everyone:.0%}</td><td class=text>"
        f'<i class="bar" style="width:{entry.winners * 120:.0f}px"></i><br><i class="bar soft" style="width:{entry.everyone * 120:.0f}px"></i></td></tr>'
        for entry in shares(space, best, found.trials)
    )
    head = "<tr><th class=text>choice</th><th class=text>option</th><th>winners</th><th>all trials</th><th></th></tr>"
    told = features(space, found.objective, found.trials)
    cells = "".join(
        f"<tr><td class=text><code>{escape(entry.name)}</code></td><td class={'good' if entry.effect > 0 else 'bad'}>"
        f"{entry.effect:+.2f}</td><td>{entry.trials}</td></tr>"
        for entry in told
    )
    table = "<tr><th class=text>feature</th><th>effect</th><th>trials</th></tr>"
    learned = (
        f"<div><h3>Features that helped and hurt</h3><p class=dim>Slopes of a Gaussian process on the decisions, in standard "
        f"deviations of the score.</p><div class=wide><table>{table}{cells}</table></div></div>"
        if told
        else ""
    )
    return (
        "<h2>What the winners have in common</h2><div class=pair><div><h3>Decisions</h3><p class=dim>How often the best tenth "
        f"decides what, against all trials.</p><div class=wide><table>{head}{rows}</table></div></div>{learned}</div>"
    )


def _networks(found: Findings, best: Sequence[Trial], space: Space, store: str) -> str:
    history = History(space, found.objective)
    for trial in found.trials:
        history.put(trial)
    return "<h2>The networks</h2>" + "".join(_network(found, history, trial, store) for trial in best[:DRAWN])


def _network(found: Findings, history: History, trial: Trial, store: str) -> str:
    from archc.lower.python import to_python

    member = history.member(trial.number)
    graph = candidate(member).graph
    drawn = "".join(f"<figure><figcaption>{escape(n)}</figcaption>{svg}</figure>" for n, svg in pictures(graph))
    goals = ", ".join(f"{goal.metric} {number(trial.metrics[goal.metric])}" for goal in found.objective.goals)
    texts = [
        ("The command that reproduces it", command(found, trial, store)),
        (".arch", member.text),
        ("Python", to_python(graph)),
    ]
    folded = "".join(
        f"<details{' open' if at == 0 else ''}><summary>{title}</summary><pre{' class=wrap' if at == 0 else ''}>{escape(text)}</pre></details>"
        for at, (title, text) in enumerate(texts)
    )
    return f"<div class=net><h3>Trial {trial.number}: {escape(goals)}</h3><div class=drawn>{drawn}</div>{folded}</div>"


def command(found: Findings, trial: Trial, store: str) -> str:
    """Return the command that trains a network of the store again, with its seed, and writes it to a folder."""
    notes, fixed = found.about.notes, found.about.fixed
    words = ["archc", "search", f"{notes.get('file', 'FILE')}:{fixed['name']}"]
    words += [part for key in ("at", "where") if (value := notes.get(key)) for part in (f"--{key}", str(value))]
    words += [part for key, value in _settings(found) for part in ("--set", f"{key}={value}")]
    return shlex.join(
        [*words, "--store", store, "--resume", "--export-best", f"trial-{trial.number}", "--trial", str(trial.number)]
    )


def _settings(found: Findings) -> Iterator[tuple[str, object]]:
    match found.about.notes.get("set"):
        case dict() as settings:
            yield from settings.items()


def _ended(found: Findings) -> str:
    reasons = Counter(trial.reason.splitlines()[0][:200] for trial in found.trials if trial.reason).most_common(REASONS)
    if not reasons:
        return ""
    rows = "".join(f"<tr><td>{many}</td><td class=text>{escape(reason)}</td></tr>" for reason, many in reasons)
    return f"<h2>Without a result</h2><div class=wide><table><tr><th>trials</th><th class=text>reason</th></tr>{rows}</table></div>"


def _time(seconds: float) -> str:
    hours, minutes = int(seconds // 3600), int(seconds // 60 % 60)
    return (
        f"{hours} h {minutes} min"
        if hours
        else f"{minutes} min {seconds % 60:.0f} s"
        if minutes
        else f"{seconds:.1f} s"
    )
