"""The colours of runs, the same in the live chart and in the figure that people keep."""

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
)
