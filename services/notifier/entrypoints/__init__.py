"""Inbound adapters of the notifier."""
