"""Outbound adapters of the notifier."""
