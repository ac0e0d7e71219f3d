"""Pure decisions about calls: no I/O, no clock, no randomness."""
