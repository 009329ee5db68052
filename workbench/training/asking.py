"""Ask a model a text or an image, in the way in which its task trains and evaluates it.

Nothing here changes the model or draws from a run's random numbers, so a run that is asked between two
of its steps has the losses of one that is not.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import torch
from accelerate.utils import send_to_device
from transformers import StoppingCriteria, StoppingCriteriaList

from workbench.errors import Problem, RecipeError
from workbench.recipe import Recipe
from workbench.registry.prompt_templates import CONTENT_FREE, SEPARATOR
from workbench.registry.tasks import TASKS
from workbench.registry.techniques import get
from workbench.sources.models.describe import ModelFacts
from workbench.training.adaptation.base_model import Base, clone, load_base
from workbench.training.answer import Content, Reply, is_conversation
from workbench.training.evaluate import ending_tokens, word_scores
from workbench.training.inputs.collate import collate_words
from workbench.training.inputs.limits import config_of, token_limit
from workbench.training.inputs.processor import load_processor
from workbench.training.inputs.task_inputs import TaskInputs

CONTINUED = 60  # tokens that are generated behind a text, where its task has no answers
UNTRAINED = "its new head is not trained"
WITHOUT_EXAMPLES = "the same prompt without examples"


class Cancelled(Exception):
    """Nobody wants the answer any more."""


@dataclass
class Question:
    """A text or an image to be answered, and how long the answer may be.

    Parameters
    ----------
    content : str, bytes or list of dict
        A text; for images a path or the bytes of a file; or the messages before an answer.
    max_new_tokens : int or None
        How many tokens to generate at most; None takes the recipe's number.
    is_cancelled : callable
        Whether nobody wants the answer any more; looked at after each token.
    """

    content: Content
    max_new_tokens: int | None = None
    is_cancelled: Callable[[], bool] = lambda: False


class Asker:
    """Asks models of one run: its base, and the one that it trained.

    Parameters
    ----------
    recipe : Recipe
        With its defaults filled in; see :meth:`workbench.recipe.Recipe.resolved`.
    plan : mapping
        The run's plan; see :class:`workbench.training.plan.Plan`.
    facts : ModelFacts
        The base.
    train_rows : callable
        Returns the training rows, from which prompts take their examples.

    Attributes
    ----------
    base : Base
        The pristine base, which the run shares.
    plain : torch.nn.Module
        A clone of it, without anything that the run has added or trained.
    """

    def __init__(
        self,
        recipe: Recipe,
        plan: Mapping[str, Any],
        facts: ModelFacts,
        train_rows: Callable[[], list[dict]],
    ):
        self.recipe, self.plan = recipe, plan
        self.task = TASKS[recipe.task]
        processor, sets_pad_token = load_processor(recipe, self.task, facts.path)
        self._context = partial(
            token_limit,
            context=facts.context,
            model_max_length=getattr(processor, "model_max_length", math.inf),
        )
        self.inputs = TaskInputs(
            task=recipe.task,
            processor=processor,
            columns=plan["columns"],
            labels=plan["labels"],
            max_length=plan["max_length"],
            max_prompt_length=plan["max_prompt_length"],
            sets_pad_token=sets_pad_token,
            conversation=plan.get("conversation", {}),
        )
        self.base = _load(recipe, plan, facts)
        self.plain = clone(self.base, lambda name: False)
        if self.task.reads_last_token(plan["padding_side"]):
            config_of(self.plain).pad_token_id = processor.pad_token_id
        examples = plan["prompt"].get("examples") if plan.get("prompt") else []
        self._examples = self.inputs.conversations(train_rows()) if examples else []
        if self.task.chats:
            # What is asked is a conversation already, and so are the examples.
            told = {**self.inputs.conversation, "form": "openai", "completion_only": True}
            columns = {"messages": "messages", "tools": "tools"}
            self.inputs = replace(self.inputs, columns=columns, conversation=told)

    @property
    def prompts(self) -> bool:
        """Whether the run trains nothing, and puts examples before a text instead."""
        return bool(self.plan.get("prompt"))

    def ask_base(self, question: Question) -> Reply:
        """Return the base's answer."""
        if self.prompts:
            note = WITHOUT_EXAMPLES if self.plan["prompt"]["examples"] else ""
            return self._reply(self.plain, question, {**self.plan["prompt"], "examples": []}, note)
        return self._reply(
            self.plain, question, {}, UNTRAINED if self.plan["new_parameters"] else ""
        )

    def ask_run(self, model: torch.nn.Module | None, question: Question) -> Reply:
        """Return the answer of the run's model, or of the base behind the run's examples."""
        if self.prompts or model is None:
            return self._reply(self.plain, question, self.plan["prompt"])
        virtual = self.plan.get("virtual_labels", 0)
        return self._reply(model, question, virtual_labels=virtual)

    def _reply(
        self,
        model: torch.nn.Module,
        question: Question,
        prompt: Mapping[str, Any] | None = None,
        note: str = "",
        virtual_labels: int = 0,
    ) -> Reply:
        if self.task.weighs_label_words and prompt:
            return self._weigh_words(model, question, prompt, note)
        if self.task.labels == "tags":
            return self._tag(model, question, virtual_labels, note)
        if self.task.labels is not None:
            return self._classify(model, question, note)
        return Reply(text=self._generate(model, question, prompt or {}), note=note)

    # -- one method for each way of answering ---------------------------------------------------------

    def _classify(self, model: torch.nn.Module, question: Question, note: str) -> Reply:
        label = self.inputs.labels[0]  # a row has one; the model is not shown it
        role = "image" if self.task.reads_images else "text"
        encoded = self.inputs.encode([self._row({role: question.content, "label": label})])
        batch = self._batch(encoded, self.inputs.collator(self.plan["padding_side"]))
        with torch.no_grad():
            logits = model(**batch).logits[0]
        return _most_probable(self.inputs.labels, logits.float().softmax(-1), note)

    def _tag(
        self, model: torch.nn.Module, question: Question, virtual_labels: int, note: str
    ) -> Reply:
        words = str(question.content).split()
        tags = [self.inputs.labels[0]] * len(words)
        encoded = self.inputs.encode([self._row({"tokens": words, "tags": tags})])
        is_first = [label != -100 for label in encoded[0]["labels"]]
        batch = self._batch(encoded, self.inputs.collator(self.plan["padding_side"]))
        with torch.no_grad():
            # Virtual tokens, where a technique adds them, stand before the text's own.
            logits = model(**batch).logits[0, -len(is_first) :]
        predicted = logits.argmax(-1)[torch.tensor(is_first, device=logits.device)].tolist()
        names = [self.inputs.labels[index] for index in predicted]
        # Words beyond the model's context have no tag.
        return Reply(tags=tuple(zip(words, names, strict=False)), note=note)

    def _weigh_words(
        self, model: torch.nn.Module, question: Question, prompt: Mapping[str, Any], note: str
    ) -> Reply:
        label = self.inputs.labels[0]

        def scores(text: Content) -> torch.Tensor:
            row = self._row({"text": text, "label": label})
            encoded = self.inputs.encode_prompts([row], prompt, self._examples)
            pad = partial(collate_words, pad_token_id=self.inputs.processor.pad_token_id)
            batch = self._batch(encoded, pad)
            return word_scores(model, batch, prompt["normalize"]).log_softmax(-1)

        weighed = scores(question.content)
        if prompt["calibrate"]:
            prior = torch.stack([scores(text).softmax(-1) for text in CONTENT_FREE]).mean(0)
            weighed = weighed - prior.log()
        return _most_probable(self.inputs.labels, weighed.softmax(-1), note)

    def _generate(
        self, model: torch.nn.Module, question: Question, prompt: Mapping[str, Any]
    ) -> str:
        """Generate greedily, as an evaluation does."""
        tokenizer = self.inputs.processor
        ids, count, ends = self._prompt_ids(question.content, question.max_new_tokens, prompt)
        input_ids = torch.tensor([ids], device=next(model.parameters()).device)
        cancelled = StoppingCriteriaList([_Cancel(question.is_cancelled)])
        with torch.no_grad():
            generated = model.generate(  # type: ignore[operator]  # a model of transformers or of PEFT
                input_ids=input_ids,
                attention_mask=torch.ones_like(input_ids),
                max_new_tokens=count,
                min_length=0,
                num_beams=1,
                do_sample=False,
                pad_token_id=tokenizer.pad_token_id,
                eos_token_id=ending_tokens(model, tokenizer, [ends]),
                stopping_criteria=cancelled,
            )
        if question.is_cancelled():
            raise Cancelled
        answer = generated[0] if self.task.has_decoder else generated[0, len(ids) :]
        text = tokenizer.decode(answer, skip_special_tokens=True)
        # A template ends an answer where the next example would begin.
        stops = self.task.continues_prompts and prompt.get("template") is not None
        return text.strip().partition(SEPARATOR)[0] if stops else text

    def _prompt_ids(
        self, content: Any, max_new_tokens: int | None, prompt: Mapping[str, Any]
    ) -> tuple[list[int], int, list[int]]:
        """Return what an answer is generated for, how many tokens it may have, and what ends one."""
        answers = self.task.generation_collator is not None
        count = max_new_tokens or (self.recipe.max_new_tokens if answers else CONTINUED)
        context = self._context(self.recipe.replace(max_length=None, max_new_tokens=1))
        if not self.task.has_decoder and count >= context:
            allowed = f"below {context}, the tokens that the model's context leaves"
            raise RecipeError([Problem("max_new_tokens", allowed, count)])
        row = self._asked(content)
        if prompt:
            [encoded] = self.inputs.encode_prompts([row], prompt, self._examples)
        else:
            [encoded] = self.inputs.encode([row])
        ends = encoded.get("answer_ids", [])
        if self.task.has_decoder:
            return encoded["input_ids"], count, ends
        ids = encoded["prompt_ids"] if answers else encoded["input_ids"]
        if not answers and ids[-1] == self.inputs.processor.eos_token_id:
            ids = ids[:-1]  # a text that is to go on does not end
        return ids[-(context - count) :], count, ends

    def _asked(self, content: Any) -> dict[str, Any]:
        """Return a row that asks something, with any answer."""
        if self.task.chats:
            asked = content if is_conversation(content) else [{"role": "user", "content": content}]
            return {"messages": [*asked, {"role": "assistant", "content": "."}]}
        if self.task.generation_collator is not None:
            return self._row({"prompt": content, "completion": "."})
        return self._row({"text": content})

    def _row(self, values: Mapping[str, Any]) -> dict[str, Any]:
        return {self.inputs.columns[role]: value for role, value in values.items()}

    def _batch(self, encoded: list[dict], collate: Callable[[list[dict]], dict]) -> dict:
        batch = collate(encoded)
        del batch["labels"]
        return send_to_device(batch, next(self.plain.parameters()).device)


class _Cancel(StoppingCriteria):
    """Ends a generation once nobody wants it."""

    def __init__(self, is_cancelled: Callable[[], bool]):
        self._is_cancelled = is_cancelled

    def __call__(self, input_ids: torch.LongTensor, scores: Any, **_: Any) -> torch.BoolTensor:
        """Return for each row whether to stop, of shape (rows,)."""
        stop = torch.full((len(input_ids),), self._is_cancelled(), device=input_ids.device)
        return stop  # type: ignore[return-value]  # of dtype bool


def _most_probable(labels: Any, probabilities: torch.Tensor, note: str) -> Reply:
    pairs = zip(labels, probabilities.tolist(), strict=True)
    ordered = dict(sorted(pairs, key=lambda pair: -pair[1]))
    return Reply(label=next(iter(ordered)), probabilities=ordered, note=note)


def _load(recipe: Recipe, plan: Mapping[str, Any], facts: ModelFacts) -> Base:
    """Return the run's base, from memory if the run still has it."""
    has_head = get(recipe.technique).adds_head(TASKS[recipe.task])
    return load_base(
        facts.path,
        plan["auto_class"],
        num_labels=len(plan["labels"]) if has_head else None,
        quantization=recipe.quantization,
        trust_remote_code=recipe.trust_remote_code,
        convert_conv1d=recipe.convert_conv1d,
        device="cuda" if torch.cuda.is_available() else "cpu",
        name=recipe.model,
        files=facts.fingerprint,
    )
