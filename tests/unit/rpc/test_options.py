"""gRPC ignores an option whose name it does not know, so names are held to the library itself."""

from pathlib import Path

import grpc
import pytest

from common.rpc import client, server

LIBRARY = b"".join(path.read_bytes() for path in Path(grpc.__file__).parent.glob("_cython/cygrpc*"))


@pytest.mark.parametrize("name", sorted({name for name, _ in (*client.OPTIONS, *server.OPTIONS)}))
def test_the_library_knows_the_option(name):
    assert name.encode() in LIBRARY
