"""What a chart can show of runs: the metrics, and the axes against which they are drawn."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Metric:
    """A figure of runs that has a plot of its own.

    Parameters
    ----------
    name : str
        As series and events have it.
    title : str
        As it is shown.
    noisy : bool
        Whether single steps scatter, so that a smoothed line tells more.
    unit : {"", "bytes", "count"}
        How its values are written.
    """

    name: str
    title: str
    noisy: bool = False
    unit: str = ""


# In the order in which they are offered and drawn. Further scores of a task come behind them.
METRICS = (
    Metric("loss", "Loss", noisy=True),
    Metric("score", "Metric"),
    Metric("learning_rate", "Learning rate"),
    Metric("grad_norm", "Gradient norm", noisy=True),
    Metric("tokens_per_second", "Tokens per second", noisy=True, unit="count"),
    Metric("memory", "Memory", unit="bytes"),
    Metric("trainable", "Trainable parameters", unit="count"),
)
# Less of them is better, as of scores whose title ends so.
FALLING = ("loss", "grad_norm")
LOWER = "(lower is better)"
DEFAULT = ("loss", "score")
ALL = "all"

# What the x axis can be, besides steps: series over steps, by which the others are moved.
AXES = {"step": "Steps", "tokens": "Tokens", "seconds": "Seconds"}


def title_of(metric: str) -> str:
    """Return a metric's title; a score that is in no list has its name in words.

    Examples
    --------
    >>> title_of("grad_norm"), title_of("token_f1")
    ('Gradient norm', 'Token f1')
    """
    known = {known.name: known.title for known in METRICS}
    return known.get(metric, in_words(metric))


def in_words(name: str) -> str:
    """Write a name as a title.

    Examples
    --------
    >>> in_words("exact_match"), in_words("f1")
    ('Exact match', 'F1')
    """
    return name.replace("_", " ").capitalize()


def plot_title(metric: str, group: str, *, several: bool) -> str:
    """Return the title of the plot of a metric.

    Parameters
    ----------
    metric : str
    group : str
        What sets apart figures of one name that cannot be compared: the task of a loss, the name of
        a score, the unit of a speed.
    several : bool
        Whether the metric is shown of more than one group.

    Examples
    --------
    >>> plot_title("score", "Accuracy", several=False), plot_title("loss", "lm", several=False)
    ('Accuracy', 'Loss')
    >>> plot_title("loss", "Classification", several=True)
    'Loss: Classification'
    """
    if metric == "score":
        return group or title_of(metric)
    if metric == "tokens_per_second" and group:
        return f"{in_words(group)} per second"
    return f"{title_of(metric)}: {group}" if several and group else title_of(metric)
