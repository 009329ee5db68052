"""From a recipe to trained weights. This is where torch, transformers and peft live."""
