"""The kernel: decide, commit, act — one mechanism for every service (docs/adr/0001)."""
