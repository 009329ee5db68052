"""Sparse: a few entries of each weight are learnt, at places that stay fixed."""

from workbench.registry.hook import Hook
from workbench.registry.technique import Hyperparameter, Paper, Technique

ENTRIES = (
    Technique(
        name="shira",
        title="SHiRA",
        family="sparse",
        summary="Trains an update for some entries of each weight, chosen at random.",
        keywords=("sparse high rank",),
        learning_rate=1e-2,
        config="ShiraConfig",
        needs_weights=True,
        # Drawn anew from the run's seed otherwise, and reloaded adapters would not fit.
        fixed={"random_seed": 0},
        hyperparameters=(
            Hyperparameter(
                "r",
                8,
                1,
                64,
                limit=Hook("workbench.training.adaptation.argument_limits.fits_share"),
            ),
        ),
        target_finder=Hook("workbench.training.adaptation.target_modules.find_linears"),
        merges=True,
        quantizable=False,
        paper=Paper("Sparse High Rank Adapters", 2024, "2406.13175"),
    ),
    Technique(
        name="supertuning",
        title="Super-Tuning",
        family="sparse",
        summary="Trains an update for the largest entries of each weight.",
        learning_rate=1e-2,
        config="SupertuningConfig",
        hyperparameters=(
            Hyperparameter("sparsity", 0.97, 0.0, 1.0, below=1.0),
            Hyperparameter("select_top", True, choices=(True, False)),
        ),
        target_finder=Hook("workbench.training.adaptation.target_modules.find_linears"),
        quantizable=False,
        merges=True,
    ),
)
