"""Tokenizers that remember how long texts are, so that none is tokenized twice to be measured."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

# A limit that no text reaches.
UNLIMITED = 10**9

Texts = str | Sequence[str] | None


class RecordingTokenizer:
    """A tokenizer that also records how many tokens each text has without truncation.

    Parameters
    ----------
    tokenizer : transformers.PreTrainedTokenizerBase

    Attributes
    ----------
    lengths : dict of tuple to tuple
        Number of tokens and last id (a list, empty if there is none) of each text, by the text and
        the tokenizer's settings. A tokenizer that is written in Python does not tell how much it
        truncated, so texts that it may have truncated are not among them.
    """

    def __init__(self, tokenizer: Any):
        self._tokenizer = tokenizer
        self.lengths: dict[tuple, tuple[int, list[int]]] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._tokenizer, name)

    def __call__(
        self,
        text: Texts = None,
        *,
        truncation: bool = False,
        max_length: int = UNLIMITED,
        **settings,
    ) -> Any:
        """Tokenize one text, or several, as the tokenizer itself does.

        Parameters
        ----------
        text, truncation, max_length, **settings
            See ``transformers.PreTrainedTokenizerBase.__call__``.
        """
        limit = {"truncation": True, "max_length": max_length} if truncation else {}
        encoded = self._tokenizer(text, **limit, **settings)
        keys, several = _keys(text, settings)
        ids = encoded["input_ids"] if several else [encoded["input_ids"]]
        for key, row, encoding in zip(
            keys, ids, encoded.encodings or [None] * len(ids), strict=True
        ):
            if encoding is not None:
                self.lengths[key] = len(row) + _num_truncated(encoding), row[-1:]
            elif len(row) < max_length:
                self.lengths[key] = len(row), row[-1:]
        return encoded


class MeasuringTokenizer:
    """A tokenizer without a limit that knows how many tokens each text has, and not which.

    Rows that are encoded by it have their full length; all of their ids are zero but the last ones.

    Parameters
    ----------
    recording : RecordingTokenizer
        Texts that it has no length of are tokenized.
    """

    def __init__(self, recording: RecordingTokenizer):
        self._recording = recording

    def __getattr__(self, name: str) -> Any:
        return getattr(self._recording, name)

    def __call__(self, text: Texts = None, *, truncation: bool = False, max_length=0, **settings):
        """Return ids and offsets as long as those of one text, or several; truncation is ignored."""
        keys, several = _keys(text, settings)
        if not all(key in self._recording.lengths for key in keys):
            return self._recording(text, **settings)
        texts = [self._recording.lengths[key] for key in keys]
        ids = [[0] * (length - len(last)) + last for length, last in texts]
        offsets = [[(0, 0)] * length for length, _ in texts]
        if several:
            return {"input_ids": ids, "offset_mapping": offsets}
        return {"input_ids": ids[0], "offset_mapping": offsets[0]}


def _keys(text: Texts, settings: dict[str, Any]) -> tuple[list[tuple], bool]:
    """Return a key for each text with its settings, and whether there may be several texts."""
    several = not (text is None or isinstance(text, str))
    texts = [text] if text is None or isinstance(text, str) else text
    return [(each, *sorted(settings.items())) for each in texts], several


def _num_truncated(encoding: Any) -> int:
    """Count the tokens that truncation left out of a ``tokenizers.Encoding``."""
    # Each of the overflowing parts has the special tokens around it once more.
    return sum(len(part) - sum(part.special_tokens_mask) for part in encoding.overflowing)
