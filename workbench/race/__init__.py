"""Many runs at once over one copy of each base."""
