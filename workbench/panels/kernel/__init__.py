"""What panels do in the kernel beside the notebook's own thread."""
