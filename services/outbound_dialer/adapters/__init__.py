"""Outbound adapters of the dialer."""
