"""Pure decisions about tasks and their calls: no I/O, no clock, no randomness."""
