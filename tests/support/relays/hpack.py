"""As much of HPACK (RFC 7541) as it takes to read a gRPC call's path off its first header block.

gRPC's C core never Huffman-codes a path, so Huffman strings are skipped, not decoded.
"""

STATIC_ENTRIES = 61
"""RFC 7541 appendix A; of these only `:path` (4 and 5) matters here."""
PATH_INDEXES = frozenset({4, 5})
PATH = b":path"


class PathReader:
    """The decoder's side of one connection: header blocks must be given in their order, each once."""

    def __init__(self) -> None:
        self._dynamic: list[tuple[bytes, bytes]] = []

    def path(self, block: bytes) -> str:
        """The block's `:path`, or `` when it has none that can be read."""
        found = b""
        at = 0
        while at < len(block):
            name, value, at = self._field(block, at)
            if name == PATH:
                found = value
        return found.decode()

    def _field(self, block: bytes, at: int) -> tuple[bytes, bytes, int]:
        first = block[at]
        if first & 0x80:
            index, at = _integer(block, at, 7)
            return (*self._entry(index), at)
        if first & 0xE0 == 0x20:
            # table size update: gRPC sends it once, with a size it never fills in a test
            return b"", b"", _integer(block, at, 5)[1]
        kept = bool(first & 0x40)
        index, at = _integer(block, at, 6 if kept else 4)
        name, at = (self._entry(index)[0], at) if index else _string(block, at)
        value, at = _string(block, at)
        if kept:
            self._dynamic.insert(0, (name, value))
        return name, value, at

    def _entry(self, index: int) -> tuple[bytes, bytes]:
        if index <= STATIC_ENTRIES:
            return (PATH, b"") if index in PATH_INDEXES else (b"", b"")
        place = index - STATIC_ENTRIES - 1
        # an entry older than this list means the peer evicts, which only loses us a label
        return self._dynamic[place] if place < len(self._dynamic) else (b"", b"")


def _integer(block: bytes, at: int, prefix_bits: int) -> tuple[int, int]:
    limit = (1 << prefix_bits) - 1
    value = block[at] & limit
    at += 1
    if value < limit:
        return value, at
    shift = 0
    while True:
        value += (block[at] & 0x7F) << shift
        shift += 7
        at += 1
        if not block[at - 1] & 0x80:
            return value, at


def _string(block: bytes, at: int) -> tuple[bytes, int]:
    huffman = bool(block[at] & 0x80)
    size, at = _integer(block, at, 7)
    return (b"" if huffman else block[at : at + size]), at + size
