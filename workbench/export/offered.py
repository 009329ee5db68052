"""What the lines of a script may call, as the imports that say where it is from.

Nobody imports this module: :mod:`workbench.export.source` reads it. What is from this package is
carried by the script, what is from elsewhere is imported.
"""
# ruff: noqa: F401
# mypy: ignore-errors

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

import torch
from accelerate import Accelerator
from accelerate.utils import set_seed
from datasets import load_dataset
from peft import get_peft_model
from torch.utils.data import DataLoader
from torchao.quantization import Int8WeightOnlyConfig
from transformers import (
    AutoConfig,
    AutoImageProcessor,
    AutoTokenizer,
    BitsAndBytesConfig,
    TorchAoConfig,
    get_scheduler,
)

from workbench.export.rows import *
from workbench.registry.parameter_selectors import *
from workbench.sources.datasets.conversations.forms import *
from workbench.training.adaptation.checkpoint import (
    lora_state,
    save_blend,
    save_since,
    save_trained,
)
from workbench.training.adaptation.conv1d import *
from workbench.training.adaptation.forward_hooks import *
from workbench.training.adaptation.heads import new_head
from workbench.training.adaptation.initializers import *
from workbench.training.adaptation.quantize import keep_packed, widen
from workbench.training.adaptation.running_stats import keep_statistics, moving_statistics
from workbench.training.adaptation.step_callbacks import *
from workbench.training.adaptation.warm_start import load_start
from workbench.training.evaluate import *
from workbench.training.inputs.collate import *
from workbench.training.inputs.few_shot import *
from workbench.training.inputs.split import split_rows
from workbench.training.inputs.tokenize import *
from workbench.training.loop import train
from workbench.training.speedups.frozen_prefix.per_row import cache_frozen_prefix
from workbench.training.speedups.settings import *
from workbench.tuners.bottleneck import BottleneckConfig, register
