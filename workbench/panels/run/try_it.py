"""Try it: what a run and its base predict or generate for an input, and for some rows of the evaluation data.

The answers are made in a thread of their own. A run that trains is asked between two of its steps, and its
losses stay the same bits.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from workbench.errors import WorkbenchError, first_line
from workbench.panels.kernel import preload, subshell_patch
from workbench.panels.run.ask_worker import AskWorker
from workbench.panels.run.earlier import EarlierRun
from workbench.panels.run.run_view import RunView
from workbench.panels.widgets.modules import bundle
from workbench.registry.tasks import ALL_TASKS
from workbench.runs.ask import ask, obstacle
from workbench.runs.examples import examples
from workbench.runs.run import Run, are_training
from workbench.sources.datasets import images
from workbench.training.answer import Answer, Content, Example, Reply, question_text

_STATIC = Path(__file__).parent / "js"
NOTHING: dict[str, Any] = {
    "state": "",
    "question": "",
    "image": "",
    "base": None,
    "run": None,
    "note": "",
}
ROWS = 6
MOST_LABELS = 6


class TryIt(anywidget.AnyWidget):
    """A field to ask a run and its base, with examples. Its traits are written by the UI loop only.

    Parameters
    ----------
    post : callable
        Has a function called in the panel's UI loop.

    Attributes
    ----------
    runs : list of dict
        ``id`` and ``label`` of the runs that can be asked.
    chosen : int or None
        The one that is asked.
    reads : {"text", "image"}
        What its task reads.
    verb : {"Predict", "Generate"}
        What it does with that.
    answer : dict
        The latest question and what was answered.
    examples : list of dict
        Rows of the evaluation data, with the answers as they come.
    trouble : str
        Why there are no examples, in a sentence.
    base_name : str
        What the base's answers are headed with: a classifier's base has a head that was never trained.
    """

    _esm = bundle(*(_STATIC / f"{name}.js" for name in ("elements", "reply", "try_it")))

    runs: traitlets.List = traitlets.List().tag(sync=True)
    chosen: traitlets.Any = traitlets.Any(None).tag(sync=True)
    reads = traitlets.Unicode("text").tag(sync=True)
    verb = traitlets.Unicode("Predict").tag(sync=True)
    answer: traitlets.Dict = traitlets.Dict(NOTHING).tag(sync=True)
    examples: traitlets.List = traitlets.List().tag(sync=True)
    trouble = traitlets.Unicode("").tag(sync=True)
    base_name = traitlets.Unicode("Base model").tag(sync=True)

    def __init__(self, post: Callable[[Callable[[], object]], object]):
        super().__init__(layout={"display": "none"})
        self.add_class("wb-try")
        self._post = post
        self._run: Run | EarlierRun | None = None
        self._views: dict[int, RunView] = {}
        self._selected: Run | EarlierRun | None = None
        self._read: Run | EarlierRun | None = None  # the run whose examples are shown
        self._answered = False
        self._unasked: bool = False
        self._rows: list[Example] = []
        self.worker = AskWorker(self._fail)
        self.on_msg(self._on_message)
        subshell_patch.answer_while_busy([self])

    # -- in the UI loop -------------------------------------------------------------------------------

    def offer(self, views: Sequence[RunView], selected: Run | EarlierRun | None) -> None:
        """Offer the runs that can be asked; the selected one is asked, unless another was chosen."""
        # Of several panels, so that their own numbers are not enough.
        self._views = {
            id(view.run): view for view in views if not view.hidden and obstacle(view.run) is None
        }
        offered = [{"id": number, "label": view.label} for number, view in self._views.items()]
        if offered != self.runs:
            self.runs = offered
        self.layout.display = None if offered else "none"
        runs = {number: view.run for number, view in self._views.items()}
        if self._selected is not selected and id(selected) in runs:
            self._selected = selected
            self._choose(selected)
        elif self._run is None or id(self._run) not in runs:
            self._choose(next(reversed(runs.values()), None))
        if self._run is not None:
            self._update_examples(self._run)

    def _choose(self, run: Run | EarlierRun | None) -> None:
        if run is self._run:
            return
        self._run, self._read, self._answered = run, None, False
        self.worker.cancel()
        self.chosen = None if run is None else id(run)
        self.answer, self.examples, self.trouble = NOTHING, [], ""
        if run is not None:
            head = bool(run.plan.get("new_parameters"))
            self.base_name = "Base, with an untrained head" if head else "Base model"
            task = ALL_TASKS[run.recipe.task]
            self.reads, self.verb = "image" if task.reads_images else "text", task.verb
            self._update_examples(run)

    def _update_examples(self, run: Run | EarlierRun) -> None:
        """Read the examples of a run, and have them answered once it has ended and nothing trains."""
        if self._answered:
            if self._unasked and are_training():
                self._unasked = False
                self.worker.fill([])  # what trains needs the processor
            return
        earlier = isinstance(run, EarlierRun)
        if earlier and not preload.ready():
            return
        answers = not earlier and run.ended and not are_training()
        if self._read is run and not answers:
            return
        self._read, self._answered, self._unasked = run, answers, answers
        self.worker.fill([lambda _: self._read_rows(run, answers)])

    def _show_examples(self, run: Run | EarlierRun, rows: Sequence[Example], trouble: str) -> None:
        if run is self._run:
            self._rows = list(rows)
            self.examples, self.trouble = (
                [_shown_example(row, self.reads == "image") for row in rows],
                trouble,
            )

    def _show_example(self, run: Run | EarlierRun, place: int, answer: Answer) -> None:
        if run is not self._run or place >= len(self.examples):
            return
        row, shown = self._rows[place], dict(self.examples[place])
        for name, reply in (("base", answer.base), ("run", answer.run)):
            right = reply.is_right(row.expected) if row.scored else None
            shown[name] = _shown(reply) | {"right": right}
        self.examples = [*self.examples[:place], shown, *self.examples[place + 1 :]]

    def _show_answer(self, run: Run | EarlierRun, answer: dict[str, Any]) -> None:
        if run is self._run:
            self.answer = NOTHING | answer

    # -- in the worker's thread -----------------------------------------------------------------------

    def _read_rows(self, run: Run | EarlierRun, answers: bool) -> None:
        rows: list[Example] = []
        trouble = ""
        try:
            rows = examples(run, ROWS)
        except WorkbenchError as error:
            trouble = f"There are no examples: {first_line(error)}"
        self._post(lambda: self._show_examples(run, rows, trouble))
        if answers and rows:
            self.worker.fill(self._questions(run, rows))

    def _questions(
        self, run: Run | EarlierRun, rows: Sequence[Example]
    ) -> list[Callable[[Callable[[], bool]], None]]:
        def question(place: int, row: Example) -> Callable[[Callable[[], bool]], None]:
            def answer(is_cancelled: Callable[[], bool]) -> None:
                reply = _ask(run, row.question, is_cancelled)
                if isinstance(reply, Answer):
                    self._post(lambda: self._show_example(run, place, reply))
                elif reply:
                    self._post(lambda: setattr(self, "trouble", reply))
                    self.worker.fill([])

            return answer

        return [question(place, row) for place, row in enumerate(rows)]

    def _answer(
        self, run: Run | EarlierRun, content: Content, is_cancelled: Callable[[], bool]
    ) -> None:
        image = _picture(content) if self.reads == "image" else ""
        shown = {"question": content if isinstance(content, str) else "", "image": image}
        self._post(lambda: self._show_answer(run, {"state": "asking", **shown}))
        reply = _ask(run, content, is_cancelled)
        if isinstance(reply, Answer):
            step, total = run.progress
            note = "" if run.ended else f"with the weights of step {step:,} of {total:,}"
            replies = {"base": _shown(reply.base), "run": _shown(reply.run)}
            result = {"state": "done", "note": note, **replies}
        else:
            result = {"state": "failed" if reply else "stopped", "note": reply}
        self._post(lambda: self._show_answer(run, {**shown, **result}))

    def _fail(self, error: Exception) -> None:
        self._post(lambda: setattr(self, "trouble", f"This failed: {first_line(error)}"))

    # -- messages of a page ---------------------------------------------------------------------------

    def ask(self, content: Content) -> None:
        """Ask the chosen run and its base, as the button does."""
        run = self._run
        if run is not None:
            self.worker.ask(lambda is_cancelled: self._answer(run, content, is_cancelled))

    def answer_examples(self) -> None:
        """Have the examples answered, as the button does."""
        run, rows = self._run, self._rows
        self._unasked = False
        if run is not None and rows:
            self.worker.fill(self._questions(run, rows))

    def _on_message(self, _: TryIt, content: dict[str, Any], buffers: list[memoryview]) -> None:
        match content:
            case {"act": "ask", "content": str(text)}:
                self.ask(text)
            case {"act": "image"} if buffers:
                self.ask(bytes(buffers[0]))
            case {"act": "example", "place": int(place)} if place < len(self._rows):
                self.ask(self._rows[place].question)
            case {"act": "cancel"}:
                self.worker.cancel()
            case {"act": "examples"}:
                self.answer_examples()
            case {"act": "choose", "id": int(number)} if number in self._views:
                run = self._views[number].run
                self._post(lambda: self._choose(run))


def _ask(run: Run | EarlierRun, content: Content, is_cancelled: Callable[[], bool]) -> Answer | str:
    """Return the answer, why there is none, or an empty text where nobody wants it any more."""
    from workbench.training.asking import Cancelled

    try:
        answer = ask(run, content, is_cancelled=is_cancelled)
    except Cancelled:
        return ""
    except WorkbenchError as error:
        return str(error)
    return answer if isinstance(answer, Answer) else answer[0]


def _shown(reply: Reply) -> dict[str, Any]:
    """Return a reply for a page."""
    labels = list(reply.probabilities.items())
    return {
        "text": reply.text,
        "labels": labels[:MOST_LABELS],
        "more": max(0, len(labels) - MOST_LABELS),
        "tags": [list(pair) for pair in reply.tags],
        "note": reply.note,
    }


def _shown_example(row: Example, is_image: bool) -> dict[str, Any]:
    """Return a row for a page, not answered yet."""
    expected = row.expected if isinstance(row.expected, str) else list(row.expected)
    content, image = row.question, ""
    if not isinstance(content, str | bytes):
        content = question_text(content)
    elif is_image:
        image = _picture(content)
        content = "image" if isinstance(content, bytes) else Path(content).name
    shown = {"question": content, "image": image, "expected": expected, "scored": row.scored}
    return shown | {"base": None, "run": None}


def _picture(image: Any) -> str:
    """Return a small picture as a URL of its own; an empty one where it cannot be read."""
    try:
        png = images.thumbnail(image)
    except (OSError, SyntaxError):
        return ""
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"
