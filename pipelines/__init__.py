"""How the night runs: the code location, the nightly job and the `caregaps` command."""
