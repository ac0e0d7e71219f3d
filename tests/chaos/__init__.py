"""Processes are killed at every step; what was lost or doubled is counted at the carrier."""
