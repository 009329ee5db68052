"""From a recipe to trained weights. This is where torch, transformers and peft live."""

import warnings

# peft still asks transformers by the old name; the words would land in whichever cell ran last.
warnings.filterwarnings("ignore", message=".*is_gradient_checkpointing.*", category=FutureWarning)
# transformers gives generate() positions of its own, which virtual tokens have no use for.
warnings.filterwarnings("ignore", message="Position ids are not supported", category=UserWarning)
# peft sees by itself which way round a layer keeps its weights.
warnings.filterwarnings("ignore", message="fan_in_fan_out is set to False", category=UserWarning)
# bitsandbytes before 0.50 checks sizes by a name that torch is to give up.
warnings.filterwarnings("ignore", message="_check_is_size", category=FutureWarning)
