"""Relays proved against real servers with clients that die."""
