"""Inbound adapters: topics, due work, HTTP."""
