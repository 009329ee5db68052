"""The colours of runs, the same in the live chart and in the figure that people keep, and of what is trained."""

# After Okabe and Ito, shifted until each keeps a contrast of 3:1 on white and on JupyterLab's dark
# background alike, so that a run has one colour everywhere.
PALETTE = (
    "#1878b8",
    "#d55e00",
    "#009e73",
    "#c46a9e",
    "#b08800",
    "#8c6bd8",
    "#808080",
    "#2a9bc7",
    # For races of more runs than eight: as far from all others as that contrast allows.
    "#dc2f5e",
    "#3f9a1e",
    "#823ddc",
    "#a0503c",
    "#c93bc0",
    "#00807a",
    "#62781a",
    "#3f63e0",
)

# What is trained, in pictures and trees of a model; what is frozen is grey, in the theme's own greys.
TRAINED = "#d9730d"
