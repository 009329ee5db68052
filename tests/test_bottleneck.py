"""Bottleneck adapters are PEFT techniques like any other, on every architecture."""

import copy
import subprocess
import sys
from pathlib import Path

import accelerate
import peft
import pytest
import torch
import transformers
from torch import nn

from tests.tiny import ARCHITECTURES, inputs_for
from workbench import tuners
from workbench.training.adaptation.quantize import keep_packed
from workbench.tuners import BottleneckConfig
from workbench.tuners.bottleneck_targets import default_targets

VARIANTS = ("houlsby", "pfeiffer", "parallel")
CAUSAL = ("llama", "qwen3", "gemma", "mistral", "phi", "gpt-neox", "gpt2", "opt")
GENERATING = (*CAUSAL, "t5", "bart")

# For each kind of block: its path, what ends each attention, what starts and ends the feed-forward.
LLAMA = [("model.layers.{}", ["self_attn.o_proj"], "mlp.gate_proj", "mlp.down_proj")]
BERT = [("{}.layer.{{}}", ["attention.output.dense"], "intermediate.dense", "output.dense")]
PLACES = {
    "llama": LLAMA,
    "qwen3": LLAMA,
    "gemma": LLAMA,
    "mistral": LLAMA,
    "phi": [("model.layers.{}", ["self_attn.dense"], "mlp.fc1", "mlp.fc2")],
    "gpt-neox": [
        (
            "gpt_neox.layers.{}",
            ["attention.dense"],
            "mlp.dense_h_to_4h",
            "mlp.dense_4h_to_h",
        )
    ],
    "gpt2": [("transformer.h.{}", ["attn.c_proj"], "mlp.c_fc", "mlp.c_proj")],
    "opt": [("model.decoder.layers.{}", ["self_attn.out_proj"], "fc1", "fc2")],
    **{
        name: [(f"{path}.encoder.layer.{{}}", *BERT[0][1:])]
        for name, path in {
            "bert": "bert",
            "roberta": "roberta",
            "electra": "electra",
            "deberta-v2": "deberta",
        }.items()
    },
    "modernbert": [("model.layers.{}", ["attn.Wo"], "mlp.Wi", "mlp.Wo")],
    "distilbert": [
        ("distilbert.transformer.layer.{}", ["attention.out_lin"], "ffn.lin1", "ffn.lin2")
    ],
    "t5": [
        (
            "encoder.block.{}.layer",
            ["0.SelfAttention.o"],
            "1.DenseReluDense.wi",
            "1.DenseReluDense.wo",
        ),
        (
            "decoder.block.{}.layer",
            ["0.SelfAttention.o", "1.EncDecAttention.o"],
            "2.DenseReluDense.wi",
            "2.DenseReluDense.wo",
        ),
    ],
    "bart": [
        ("model.encoder.layers.{}", ["self_attn.out_proj"], "fc1", "fc2"),
        ("model.decoder.layers.{}", ["self_attn.out_proj", "encoder_attn.out_proj"], "fc1", "fc2"),
    ],
    "vit": [("vit.layers.{}", ["attention.o_proj"], "mlp.fc1", "mlp.fc2")],
}


def adapted(name, variant, adapter="default", **settings):
    """A tiny model with adapters that do something from the start."""
    settings = {"bottleneck_dim": 4, "init_weights": False, **settings}
    torch.manual_seed(0)
    config = BottleneckConfig(variant=variant, **settings)
    return peft.get_peft_model(ARCHITECTURES[name](), config, adapter).eval()


def logits_of(model):
    with torch.no_grad():
        return model(**inputs_for(model)).logits


def read_by(model):
    """Where the adapters are, and which modules they read the input of."""
    readers = {}
    for name, module in model.base_model.model.named_modules():
        for hook in module._forward_pre_hooks.values():
            readers[hook.__self__] = name
    return {
        name: readers.get(module)
        for name, module in model.base_model.model.named_modules()
        if type(module).__name__ == "BottleneckLayer"
    }


every_model = pytest.mark.parametrize("name", ARCHITECTURES)
every_variant = pytest.mark.parametrize("variant", VARIANTS)


@every_variant
@every_model
def test_default_targets(name, variant):
    expected = {}
    for path, attentions, start, end in PLACES[name]:
        for block in (path.format(0), path.format(1)):
            expected[f"{block}.{end}"] = f"{block}.{start}" if variant == "parallel" else None
            if variant == "houlsby":
                expected |= {f"{block}.{attention}": None for attention in attentions}
    model = adapted(name, variant)
    assert read_by(model) == expected
    assert set(model.targeted_module_names) == set(expected)


@every_variant
@every_model
def test_starts_as_its_base_and_learns(name, variant):
    base = ARCHITECTURES[name]()
    before = logits_of(base)
    weights = {key: value.clone() for key, value in base.state_dict().items()}
    model = peft.get_peft_model(base, BottleneckConfig(variant=variant, bottleneck_dim=8)).eval()
    assert torch.equal(logits_of(model), before)

    trained = [key for key, value in model.named_parameters() if value.requires_grad]
    assert trained and all(".bottleneck_" in key for key in trained)
    optimizer = torch.optim.AdamW((p for p in model.parameters() if p.requires_grad), lr=1e-2)
    losses = []
    for _ in range(8):
        loss = model(**inputs_for(model)).loss
        loss.backward()
        losses.append(loss.item())
        optimizer.step()
        model.zero_grad()
    assert losses[-1] < 0.95 * losses[0]
    assert not torch.equal(logits_of(model), before)

    with model.disable_adapter():
        assert torch.equal(logits_of(model), before)
    freed = model.unload()
    assert torch.equal(logits_of(freed), before)
    assert freed.state_dict().keys() == weights.keys()
    assert all(torch.equal(value, weights[key]) for key, value in freed.state_dict().items())
    assert not any(module._forward_pre_hooks for module in freed.modules())


@every_variant
@every_model
def test_saved_and_loaded(name, variant, tmp_path):
    model = adapted(name, variant)
    model.save_pretrained(tmp_path)
    for low_memory in (False, True):
        loaded = peft.PeftModel.from_pretrained(
            ARCHITECTURES[name](), tmp_path, low_cpu_mem_usage=low_memory
        ).eval()
        assert torch.equal(logits_of(loaded), logits_of(model))
        assert read_by(loaded) == read_by(model)


@every_variant
@every_model
def test_several_adapters(name, variant):
    model = adapted(name, variant)
    first = logits_of(model)
    torch.manual_seed(1)
    model.add_adapter("other", BottleneckConfig(variant=variant, init_weights=False))
    assert torch.equal(logits_of(model), first)
    model.set_adapter("other")
    second = logits_of(model)
    assert not torch.equal(second, first)
    trained = [key for key, value in model.named_parameters() if value.requires_grad]
    assert trained and all(".other." in key for key in trained)
    model.set_adapter("default")
    assert torch.equal(logits_of(model), first)
    model.delete_adapter("default")
    assert model.active_adapters == ["other"]
    assert torch.equal(logits_of(model), second)


def test_adapters_of_different_variants_in_one_model():
    model = adapted("llama", "houlsby")
    first = logits_of(model)
    model.add_adapter("beside", BottleneckConfig(variant="parallel", init_weights=False))
    model.set_adapter("beside")
    assert not torch.equal(logits_of(model), first)
    model.set_adapter("default")
    assert torch.equal(logits_of(model), first)


@every_variant
@pytest.mark.parametrize("name", GENERATING)
def test_generates_with_a_cache_as_without(name, variant):
    model = adapted(name, variant)
    prompt = {key: inputs_for(model)[key] for key in ("input_ids", "attention_mask")}
    settings = {"max_new_tokens": 6, "min_new_tokens": 6, "do_sample": False}
    cached, anew = (model.generate(**prompt, **settings, use_cache=use) for use in (True, False))
    assert torch.equal(cached, anew)


@every_variant
@every_model
def test_counts_without_memory(name, variant):
    with torch.device("meta"):
        empty = ARCHITECTURES[name]()
        model = peft.get_peft_model(empty, BottleneckConfig(variant=variant, bottleneck_dim=4))
    assert {p.device.type for p in model.parameters()} == {"meta"}
    real = adapted(name, variant)
    assert model.get_nb_trainable_parameters() == real.get_nb_trainable_parameters()


@every_variant
def test_what_an_adapter_computes(variant):
    model = adapted("opt", variant, scaling=2.0, non_linearity="tanh")
    block = model.base_model.model.model.decoder.layers[0]
    hidden = torch.randn(1, 3, 32)
    inner = block.fc1(hidden).relu()
    plain = block.fc2.base_layer(inner)
    read = hidden if variant == "parallel" else plain
    down, up = block.fc2.bottleneck_down["default"], block.fc2.bottleneck_up["default"]
    expected = plain + 2.0 * up(torch.tanh(down(read)))
    assert torch.allclose(block.fc2(inner), expected)


def test_a_copy_is_a_model_of_its_own():
    model = adapted("bert", "parallel")
    before = logits_of(model)
    twin = copy.deepcopy(model)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.zero_()
    assert torch.equal(logits_of(twin), before)
    plain = twin.unload()
    assert torch.equal(logits_of(plain), logits_of(ARCHITECTURES["bert"]()))
    assert not any(module._forward_pre_hooks for module in plain.modules())


@every_variant
def test_a_new_classifier_is_trained_and_saved_too(variant, tmp_path):
    model = adapted("bert", variant, modules_to_save=["classifier"], task_type="SEQ_CLS")
    with torch.no_grad():
        model.base_model.model.classifier.modules_to_save["default"].weight.add_(1.0)
    assert any("classifier" in key for key, p in model.named_parameters() if p.requires_grad)
    model.save_pretrained(tmp_path)
    loaded = peft.PeftModel.from_pretrained(ARCHITECTURES["bert"](), tmp_path).eval()
    assert torch.equal(logits_of(loaded), logits_of(model))


@every_variant
def test_gradients_are_the_same_with_checkpoints(variant):
    gradients = []
    for checkpointed in (False, True):
        model = adapted("llama", variant).train()
        if checkpointed:
            model.gradient_checkpointing_enable({"use_reentrant": False})
        model(**inputs_for(model)).loss.backward()
        gradients.append([p.grad for p in model.parameters() if p.requires_grad])
    assert len(gradients[0]) > 0
    assert all(map(torch.equal, *gradients))


@every_variant
def test_a_half_precision_base_has_adapters_in_full(variant):
    config = BottleneckConfig(variant=variant, init_weights=False)
    model = peft.get_peft_model(ARCHITECTURES["llama"]().bfloat16(), config)
    dtypes = {p.dtype for p in model.parameters() if p.requires_grad}
    assert dtypes == {torch.float32}
    assert logits_of(model).dtype == torch.bfloat16


@every_variant
def test_a_base_in_4_bits(variant, tmp_path):
    ARCHITECTURES["llama"]().save_pretrained(tmp_path)
    model = transformers.AutoModelForCausalLM.from_pretrained(
        tmp_path, quantization_config=transformers.BitsAndBytesConfig(load_in_4bit=True)
    )
    keep_packed(model)
    before = logits_of(model)
    config = BottleneckConfig(variant=variant, bottleneck_dim=4)
    model = peft.get_peft_model(peft.prepare_model_for_kbit_training(model), config)
    assert torch.equal(logits_of(model), before)
    model(**inputs_for(model)).loss.backward()
    ups = [p for key, p in model.named_parameters() if "bottleneck_up" in key]
    assert ups and all(p.grad.abs().sum() > 0 for p in ups)


@every_variant
def test_only_some_blocks(variant):
    model = adapted("bert", variant, layers_to_transform=[1])
    assert model.targeted_module_names
    assert all(".layer.1." in name for name in model.targeted_module_names)


def test_targets_of_ones_own():
    model = adapted("llama", "parallel", target_modules=["mlp"])
    assert read_by(model) == {f"model.layers.{i}.mlp": None for i in (0, 1)}
    # The whole feed-forward and its end with its start are two ways to say the same.
    assert torch.allclose(logits_of(model), logits_of(adapted("llama", "parallel")))
    attention = adapted("llama", "pfeiffer", target_modules=["self_attn"])
    before = logits_of(ARCHITECTURES["llama"]())
    assert not torch.equal(logits_of(attention), before)
    assert torch.equal(logits_of(attention.unload()), before)


def test_hooks_of_accelerate_on_the_base_come_off_again():
    base = ARCHITECTURES["llama"]()
    for block in base.model.layers:
        accelerate.hooks.add_hook_to_module(block.mlp.down_proj, accelerate.hooks.ModelHook())
    torch.manual_seed(0)
    model = peft.get_peft_model(base, BottleneckConfig(bottleneck_dim=4, init_weights=False))
    before = logits_of(model)
    accelerate.hooks.remove_hook_from_submodules(model)
    assert torch.equal(logits_of(model), before)


@every_variant
def test_experts_are_taken_whole(variant):
    config = transformers.MixtralConfig(
        vocab_size=96,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        num_local_experts=4,
    )
    base = transformers.MixtralForCausalLM(config).eval()
    before = base(torch.arange(8)[None]).logits
    settings = BottleneckConfig(variant=variant, init_weights=False, bottleneck_dim=4)
    model = peft.get_peft_model(base, settings)
    expected = {f"model.layers.{i}.mlp" for i in (0, 1)}
    if variant == "houlsby":
        expected |= {f"model.layers.{i}.self_attn.o_proj" for i in (0, 1)}
    assert set(model.targeted_module_names) == expected
    assert not torch.equal(model(torch.arange(8)[None]).logits, before)


SPARSE = {
    "num_layers": 2,
    "num_decoder_layers": 2,
    "num_sparse_encoder_layers": 1,
    "num_sparse_decoder_layers": 1,
}


@pytest.mark.parametrize(
    ("kind", "settings", "attention", "starts", "ends"),
    [
        ("albert", {}, ["dense"], ["ffn"], ["ffn_output"]),
        ("ctrl", {"n_layer": 3}, ["dense"], ["ffn.0"], ["ffn.2"]),
        ("falcon", {"num_hidden_layers": 2}, ["dense"], ["dense_h_to_4h"], ["dense_4h_to_h"]),
        ("mamba", {"num_hidden_layers": 2}, [], ["in_proj"], ["out_proj"]),
        ("phi3", {"num_hidden_layers": 2}, ["o_proj"], ["gate_up_proj"], ["down_proj"]),
        ("swin", {}, ["o_proj"], ["fc1"], ["fc2"]),
        (
            "switch_transformers",
            SPARSE,
            ["o"],
            ["mlp.wi"],
            ["1.layer.1.mlp", "1.layer.2.mlp", "mlp.wo"],
        ),
        ("xlm", {"n_layers": 2}, ["out_lin"], ["lin1"], ["lin2"]),
    ],
)
def test_default_targets_in_blocks_of_other_shapes(kind, settings, attention, starts, ends):
    config = transformers.AutoConfig.for_model(kind, **settings)
    with torch.device("meta"):
        model = transformers.AutoModel.from_config(config)
    assert default_targets(model, "houlsby") == {"target_modules": sorted(attention + ends)}
    assert default_targets(model, "pfeiffer") == {"target_modules": ends}
    assert default_targets(model, "parallel") == {"target_modules": ends, "input_modules": starts}


@every_variant
def test_a_network_of_plain_torch(variant):
    torch.manual_seed(0)
    layer = nn.TransformerEncoderLayer(16, 2, 32, batch_first=True)
    network = nn.TransformerEncoder(layer, 2).eval()
    hidden = torch.randn(2, 5, 16)
    before = network(hidden)
    config = BottleneckConfig(variant=variant, bottleneck_dim=4, init_weights=False)
    model = peft.get_peft_model(network, config)
    after = model(hidden)
    with torch.no_grad():
        assert torch.allclose(model(hidden), after, atol=1e-6)
    assert not torch.allclose(after, before, atol=1e-3)
    with model.disable_adapter():
        assert torch.allclose(model(hidden), before, atol=1e-6)
    assert len(model.targeted_module_names) == (4 if variant == "houlsby" else 2)


def test_no_blocks_is_said():
    network = nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 2))
    with pytest.raises(ValueError, match="target_modules must be given for Sequential"):
        peft.get_peft_model(network, BottleneckConfig())
    config = BottleneckConfig(target_modules=["0"], bottleneck_dim=2)
    assert peft.get_peft_model(network, config)(torch.ones(1, 8)).shape == (1, 2)


def test_merging_is_refused():
    model = adapted("llama", "pfeiffer")
    for verb in (model.merge_and_unload, model.merge_adapter):
        with pytest.raises(ValueError, match="cannot be merged"):
            verb()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"variant": "serial"}, "variant must be"),
        ({"non_linearity": "sine"}, "non_linearity must be one of"),
        ({"bottleneck_dim": 0}, "bottleneck_dim must be at least 1"),
        ({"bottleneck_dim": 33}, "bottleneck_dim must be at most 32"),
        ({"adapter_dropout": 1.0}, "adapter_dropout must be"),
        ({"input_modules": ["gate_proj"]}, "input_modules must be None"),
        ({"target_modules": "x", "layers_to_transform": 1}, "layers_to_transform must be None"),
        (
            {"variant": "parallel", "target_modules": ["down_proj"], "input_modules": ["w1"]},
            "input_modules must name modules",
        ),
        (
            {
                "variant": "parallel",
                "target_modules": ["down_proj", "o_proj"],
                "input_modules": ["gate_proj"],
            },
            "input_modules must name exactly one module",
        ),
    ],
)
def test_what_cannot_be_is_said(settings, message):
    with pytest.raises(ValueError, match=message):
        peft.get_peft_model(ARCHITECTURES["llama"](), BottleneckConfig(**settings))


def test_registering_twice_is_no_harm():
    tuners.register()
    types = list(peft.PeftType)
    tuners.register()
    assert list(peft.PeftType) == types
    assert types.count("BOTTLENECK") == 1


def test_the_source_alone_is_enough(tmp_path):
    """A script that carries the tuner's source loads what was saved, without the workbench."""
    model = adapted("llama", "parallel")
    model.save_pretrained(tmp_path / "adapter")
    model.unload().save_pretrained(tmp_path / "base")
    source = Path(tuners.__file__).with_name("bottleneck.py").read_text(encoding="utf-8")
    script = tmp_path / "script.py"
    script.write_text(
        f"{source}\n\nregister()\n"
        "import sys, peft, transformers\n"
        f"base = transformers.AutoModelForCausalLM.from_pretrained({str(tmp_path / 'base')!r})\n"
        f"model = peft.PeftModel.from_pretrained(base, {str(tmp_path / 'adapter')!r}).eval()\n"
        f"torch.save(model(torch.arange(3, 9)[None]).logits, {str(tmp_path / 'logits.pt')!r})\n"
        "assert not any(name.startswith('workbench') for name in sys.modules)\n",
        encoding="utf-8",
    )
    subprocess.run([sys.executable, str(script)], check=True, cwd=tmp_path)
    model = adapted("llama", "parallel")
    with torch.no_grad():
        expected = model(torch.arange(3, 9)[None]).logits
    assert torch.equal(torch.load(tmp_path / "logits.pt"), expected)
