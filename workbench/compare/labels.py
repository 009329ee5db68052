"""Names beside the points of a plot, where none lies on another or on a point."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from matplotlib.axes import Axes
from matplotlib.backend_bases import RendererBase
from matplotlib.transforms import Bbox

POINT = 5.0  # half the side of the square that a point takes, in points of 1/72 inch


def label_points(
    axes: Axes,
    points: Sequence[tuple[float, float]],
    names: Sequence[str],
    colours: Sequence[str],
    renderer: RendererBase,
) -> None:
    """Write each name beside its point, with a thin line to it where it had to move away.

    Call it when the axes have their final limits and place, after
    ``figure.draw_without_rendering()``.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
    points : sequence of (float, float)
        In the units of the axes.
    names, colours : sequence of str
    renderer : matplotlib.backend_bases.RendererBase
        What measures texts.
    """
    pixels = axes.figure.dpi / 72
    half = POINT * pixels
    centres = [axes.transData.transform(point) for point in points]
    taken = [Bbox([[x - half, y - half], [x + half, y + half]]) for x, y in centres]
    room = axes.get_window_extent(renderer)
    # From the top down, so that names which must move can move on downwards.
    for index in sorted(range(len(points)), key=lambda i: -centres[i][1]):
        note = axes.annotate(
            names[index],
            points[index],
            xytext=(0, 0),
            textcoords="offset points",
            color=colours[index],
            fontsize=9,
            annotation_clip=False,
        )
        box = note.get_window_extent(renderer)
        width, height = box.width / pixels, box.height / pixels
        places = list(_places(width, height))
        clashes = [_clash(box, place, pixels, taken, room) for place in places]
        offset = places[clashes.index(min(clashes))]
        note.set_position(offset)
        taken.append(note.get_window_extent(renderer))
        if abs(offset[1]) > 3 * height:
            axes.annotate(
                "",
                points[index],
                xytext=(offset[0] + (0 if offset[0] > 0 else width), offset[1] + height / 2),
                textcoords="offset points",
                arrowprops={"arrowstyle": "-", "color": colours[index], "linewidth": 0.6},
            )


def _places(width: float, height: float) -> Iterator[tuple[float, float]]:
    """Offer places for a text of this size around a point, nearest first, as offsets in points."""
    gap = POINT + 2
    middle = -height / 2
    sides = (gap, -width - gap)
    yield from ((side, middle) for side in sides)
    yield from ((-width / 2, rise) for rise in (gap, -height - gap))
    for step in range(1, 40):
        for rise in (step, -step):
            yield from ((side, middle + rise * height * 0.6) for side in sides)


def _clash(
    box: Bbox, place: tuple[float, float], pixels: float, taken: Sequence[Bbox], room: Bbox
) -> float:
    """Return how much of a text would lie on something else or outside, in square pixels."""
    moved = box.translated(place[0] * pixels, place[1] * pixels)
    lost = sum(_area(Bbox.intersection(moved, other)) for other in taken)
    return lost + _area(moved) - _area(Bbox.intersection(moved, room))


def _area(box: Bbox | None) -> float:
    return 0.0 if box is None else box.width * box.height
