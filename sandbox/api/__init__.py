"""The carrier's HTTP API, version 2010-04-01, and the sandbox's own controls."""
