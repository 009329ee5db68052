"""What each colour means: it means one thing, in every panel, picture and figure.

* Orange is what is trained, in drawings and trees of a model and in memory bars; frozen is the theme's grey.
* Red is what went wrong, or is about to: warnings, failures and errors. It is always said in words too.
* A run has a colour of ``PALETTE``, of which none is red or orange, so that no curve or row looks like a
  warning, or like trained weights.

Style sheets cannot import these: they declare the same values, which a test compares.
"""

# After Okabe and Ito, shifted until each keeps a contrast of 3:1 on white and on JupyterLab's dark
# background alike, so that a run has one colour everywhere.
PALETTE = (
    "#1878b8",
    "#b08800",
    "#009e73",
    "#c46a9e",
    "#8c6bd8",
    "#808080",
    "#2a9bc7",
    "#b31e7d",
    # For races of more runs than eight: as far from all others as that contrast allows.
    "#3f9a1e",
    "#823ddc",
    "#00807a",
    "#c93bc0",
    "#62781a",
    "#3f63e0",
    "#7b5088",
    "#765d4e",
)

TRAINED = "#d9730d"
WARNING = "#d32f2f"
