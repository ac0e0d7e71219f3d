"""Inbound adapters of the dialer."""
