"""The notifier's decisions: pure functions on frozen data."""
