"""A Lua script and its name in the server's cache."""

from hashlib import sha1


class Script:
    """A Lua script and its name in the server's cache."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.sha = sha1(source.encode(), usedforsecurity=False).hexdigest()
