"""The tokenizer of the bundled base model: byte-level BPE, learned from the corpus."""

from __future__ import annotations

from collections.abc import Iterable

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

VOCABULARY = 2048
LENGTH = 512
PAD, END, USER, ASSISTANT, SYSTEM = SPECIAL = (
    "<pad>", "<|end|>", "<|user|>", "<|assistant|>", "<|system|>",
)  # fmt: skip
# A space follows the name of the role, so that a turn starts with the same tokens as a word within
# a sentence. The space comes with the turn: a prompt that waits for its answer ends with the role.
CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "<|{{ message['role'] }}|> {{ message['content'] | trim }}<|end|>"
    "{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)


def learn(texts: Iterable[str]) -> PreTrainedTokenizerFast:
    """Learn the merges from texts.

    Parameters
    ----------
    texts
        Documents of the corpus.

    Returns
    -------
    PreTrainedTokenizerFast
        Any string can be encoded: what the merges do not know falls apart into bytes.
    """
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=[AddedToken(token, special=True, normalized=False) for token in SPECIAL],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator((_plain(text) for text in texts), trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token=PAD,
        eos_token=END,
        bos_token=END,
        extra_special_tokens=[USER, ASSISTANT, SYSTEM],
        model_max_length=LENGTH,
        padding_side="right",
        clean_up_tokenization_spaces=False,
        chat_template=CHAT_TEMPLATE,
    )


def _plain(text: str) -> str:
    """Take out the special tokens, whose letters must not be merged."""
    for token in SPECIAL:
        text = text.replace(token, "\n")
    return text
