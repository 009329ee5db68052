"""Which rows are held out for evaluation. Exported scripts carry these functions' source."""

from __future__ import annotations

from collections import Counter

import torch

from workbench.sources.datasets.equal_rows import comparable


def split_rows(
    rows: list,
    fraction: float,
    seed: int,
    columns: list | None = None,
    label_column: str | None = None,
    tags_column: str | None = None,
) -> tuple[list, list]:
    """Hold out a share of the rows for evaluation, drawn by seed; both parts stay in their order.

    Rows that are equal in ``columns`` are all in one part. Each label has its share in both parts, as
    far as its number of rows and the equal ones allow, and its only row is trained on.
    """
    order = torch.randperm(len(rows), generator=torch.Generator().manual_seed(seed)).tolist()
    wanted = max(1, round(len(rows) * fraction))
    groups = group_equal(rows, order, columns) if columns else [[index] for index in order]
    if label_column is not None:
        labels = [[str(row[label_column])] for row in rows]
        chosen = draw_labels(groups, labels, wanted, label_shares(labels, order, wanted))
    elif tags_column is not None:
        labels = [tag_set(row[tags_column]) for row in rows]
        chosen = draw_labels(groups, labels, wanted, {})
    else:
        chosen = draw_groups(groups, len(rows), wanted)
    # At least one group is held out, whatever its size.
    held_out = set(chosen or min(groups, key=len))
    train_rows = [row for index, row in enumerate(rows) if index not in held_out]
    return train_rows, [rows[index] for index in sorted(held_out)]


def group_equal(rows: list, order: list, columns: list) -> list[list]:
    """Put the numbers of equal rows together, in the order in which they are drawn."""
    groups: dict = {}
    for index in order:
        key = tuple(comparable(rows[index].get(column)) for column in columns)
        groups.setdefault(key, []).append(index)
    return list(groups.values())


def draw_groups(groups: list[list], total: int, wanted: int) -> list:
    """Take groups in their order until about as many rows are drawn as wanted, but not all."""
    drawn: list = []
    for group in groups:
        room = wanted - len(drawn)
        # What brings the number nearer to the wanted one fits.
        if len(group) <= 2 * room and len(drawn) + len(group) < total:
            drawn += group
    return drawn


def draw_labels(groups: list[list], labels: list[list], wanted: int, shares: dict) -> list:
    """Take groups by the shares of their labels, then others, and leave a row of each label."""
    left = Counter(label for names in labels for label in names)
    drawn: list = []
    drawn_labels: set = set()

    def draw(group: list, room: int, shares: dict) -> bool:
        names = [label for index in group for label in labels[index]]
        # A label without a row yet may be drawn once beyond what is wanted.
        if len(group) > 2 * room and (not shares or not drawn_labels.isdisjoint(names)):
            return False
        counts = Counter(names)
        for label, count in counts.items():
            if count >= left[label] or count > 2 * shares.get(label, count):
                return False
        left.subtract(counts)
        if shares:
            shares.update({label: shares[label] - counts[label] for label in counts})
        drawn.extend(group)
        drawn_labels.update(names)
        return True

    for limits in (shares, {}):
        groups = [group for group in groups if not draw(group, wanted - len(drawn), limits)]
    if not drawn:
        # All are too large: the smallest whose labels are in others too.
        any(draw(group, len(group), {}) for group in sorted(groups, key=len))
    return drawn


def label_shares(labels: list[list], order: list, wanted: int) -> dict:
    """Return how many of the wanted rows each label has by its number of rows."""
    counts = Counter(label for index in order for label in labels[index])
    shares = {label: count * wanted // len(order) for label, count in counts.items()}
    # Those that lose most by rounding down get what is left.
    by_loss = sorted(counts, key=lambda label: -(counts[label] * wanted % len(order)))
    for label in by_loss[: wanted - sum(shares.values())]:
        shares[label] += 1
    return shares


def tag_set(tags: str | list) -> list:
    """Return the different tags of a row."""
    return list(dict.fromkeys(map(str, tags.split() if isinstance(tags, str) else tags)))
