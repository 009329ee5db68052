"""What tests share: a quiet environment, and tiny models of random weights with a tokenizer."""

from __future__ import annotations

import os

# Before torch is imported anywhere: on contended cores two threads a test are slower than one.
os.environ.update(
    OMP_NUM_THREADS="1",
    TOKENIZERS_PARALLELISM="false",
    HF_HUB_OFFLINE="1",
    HF_DATASETS_OFFLINE="1",
    MPLBACKEND="Agg",
)

import pytest

TEXTS = [
    "the film was good and I liked it a lot",
    "the lamp was bad and I hated it",
    "where does Anna live? she lives by the mill",
] * 20
TEMPLATE = (
    "{% for message in messages %}<|{{ message.role }}|>{{ message.content }}<|end|>"
    "{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}"
)


def tiny_tokenizer():
    """A byte-level tokenizer that can write any text, with a chat template."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=["<pad>", "<|end|>", "<|user|>", "<|assistant|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(TEXTS, trainer)
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", eos_token="<|end|>"
    )
    fast.chat_template = TEMPLATE
    return fast


def save_tiny(folder, config_name, model_name, vocab=None, **settings):
    """Save a model of random weights and its tokenizer, with more rows of embeddings if asked."""
    import torch
    import transformers

    tokenizer = tiny_tokenizer()
    known = {
        "vocab_size": vocab or len(tokenizer),
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "max_position_embeddings": 128,
        "pad_token_id": tokenizer.pad_token_id,
        "eos_token_id": tokenizer.eos_token_id,
    }
    config = getattr(transformers, config_name)(**{**known, **settings})
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = getattr(transformers, model_name)(config)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def tiny_llama(tmp_path_factory):
    """The folder of a llama of two layers."""
    folder = tmp_path_factory.mktemp("models") / "tiny-llama"
    # Biases, so that whatever trains those finds some.
    settings = {"tie_word_embeddings": True, "attention_bias": True}
    return save_tiny(folder, "LlamaConfig", "LlamaForCausalLM", **settings)


def save_architecture(folder, name, **settings):
    """Save one of :data:`tests.tiny.ARCHITECTURES` with the tokenizer."""
    from tests.tiny import ARCHITECTURES

    tokenizer = tiny_tokenizer()
    known = {"pad_token_id": tokenizer.pad_token_id, "eos_token_id": tokenizer.eos_token_id}
    model = ARCHITECTURES[name](vocab_size=len(tokenizer), **known, **settings)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def tiny_t5(tmp_path_factory):
    """The folder of a T5 of two layers on either side."""
    return save_architecture(tmp_path_factory.mktemp("models") / "tiny-t5", "t5")


@pytest.fixture(scope="session")
def tiny_bart(tmp_path_factory):
    """The folder of a BART of two layers on either side."""
    folder = tmp_path_factory.mktemp("models") / "tiny-bart"
    end = tiny_tokenizer().eos_token_id
    return save_architecture(folder, "bart", decoder_start_token_id=end, forced_eos_token_id=end)


@pytest.fixture(scope="session")
def tiny_vit(tmp_path_factory):
    """The folder of a vision transformer of two layers, with its image processor."""
    import transformers

    from tests.tiny import ARCHITECTURES

    folder = tmp_path_factory.mktemp("models") / "tiny-vit"
    ARCHITECTURES["vit"]().save_pretrained(folder)
    size = {"height": 16, "width": 16}
    transformers.ViTImageProcessorPil(size=size).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def tiny_bert(tmp_path_factory):
    """The folder of a BERT of two layers, without a head."""
    return save_tiny(tmp_path_factory.mktemp("models") / "tiny-bert", "BertConfig", "BertModel")


@pytest.fixture(scope="session")
def save_model():
    """Save a tiny model of any family: takes the folder, the config's and the model's class."""
    return save_tiny
