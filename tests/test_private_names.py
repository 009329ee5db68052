"""No name that another library keeps for itself may keep the workbench from being imported, or from training."""

import json
import subprocess
import sys

import pytest

from workbench.sources.models import configs

PRIVATE = (
    "torch._C._dispatch_key_parse",
    "torch._C._IncludeDispatchKeyGuard",
    "torch._subclasses.fake_tensor.unset_fake_temporarily",
    "torch.overrides._get_current_function_mode_stack",
    "torch.utils._python_dispatch.is_traceable_wrapper_subclass",
    "torch.utils._pytree.tree_map_only",
    "torch.nn.modules.dropout._DropoutNd",
    "torch.nn.modules.conv._ConvNd",
    "transformers.integrations.sdpa_attention.sdpa_attention_forward",
    "transformers.masking_utils.sdpa_mask",
    "transformers.models.auto.modeling_auto.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES",
    "transformers.quantizers.AutoHfQuantizer",
    "transformers.quantizers.base.get_keys_to_not_convert",
    "transformers.quantizers.quantizers_utils.should_convert_module",
    "peft.tuners.adaption_prompt.config.TRANSFORMERS_MODEL_CONFIG",
    "peft.tuners.lora.corda.preprocess_corda",
    "peft.tuners.lora.loraga.preprocess_loraga",
    "peft.tuners.poly.layer.PolyLayer",
    "peft.tuners.tuners_utils.check_target_module_exists",
    "peft.utils.constants.TRANSFORMERS_MODELS_TO_BEFT_TARGET_MODULES_MAPPING",
    "peft.utils.other.AuxiliaryTrainingWrapper",
    "safetensors.torch._TYPES",
)

# What has been imported by then goes on with the names that it has; what comes later finds none.
GONE = """
import importlib, pkgutil, sys
import accelerate, peft, torch, torchao, transformers, safetensors.torch
import torch._subclasses.fake_tensor, transformers.models.llama.modeling_llama
import transformers.quantizers, bitsandbytes
for name in sys.argv[1:]:
    home, _, attribute = name.rpartition(".")
    delattr(importlib.import_module(home), attribute)
import workbench
for module in pkgutil.walk_packages(workbench.__path__, "workbench."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
"""
TRAIN = """
import json, tempfile
recipe = workbench.Recipe(technique="lora", data="reviews", model="village-3m", max_steps=3,
                          technique_args={"lora_dropout": 0.1}, max_train_samples=24,
                          max_eval_samples=8)
run = workbench.train(recipe, tempfile.mkdtemp(), progress=False)
print(json.dumps([run.losses, run.notes]))
"""
# Those that a run of LoRA would ask for, and that no library asks for itself.
ASKED_FOR = (
    "torch._C._dispatch_key_parse",
    "transformers.models.auto.modeling_auto.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES",
    "transformers.models.auto.modeling_auto.MODEL_FOR_MASKED_LM_MAPPING_NAMES",
)


def run_python(source, *arguments):
    done = subprocess.run(
        [sys.executable, "-c", source, *arguments],
        check=False,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@pytest.mark.slow
def test_every_module_is_imported_without_any_private_name():
    run_python(GONE, *PRIVATE)


@pytest.mark.slow
def test_a_run_goes_the_plain_way_to_the_same_bits_and_says_so():
    usual = run_python("import workbench" + TRAIN)
    losses, notes = json.loads(usual.splitlines()[-1])
    plain = run_python(GONE.split("import workbench")[0] + "import workbench" + TRAIN, *ASKED_FOR)
    plain_losses, plain_notes = json.loads(plain.splitlines()[-1])
    assert plain_losses == losses
    (said,) = set(plain_notes) - set(notes)
    assert "one at a time" in said and "same losses" in said


def test_model_types_are_asked_of_transformers_where_its_files_tell_none(monkeypatch):
    import transformers

    assert "llama" in transformers.CONFIG_MAPPING
    monkeypatch.setattr(configs, "_listed_types", frozenset)
    assert configs.in_transformers({"model_type": "llama"})
    assert not configs.in_transformers({"model_type": "no such type"})
    monkeypatch.delitem(sys.modules, "transformers")
    assert configs.in_transformers({"model_type": "no such type"})
