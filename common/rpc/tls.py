"""Transport security: certificates from files, optionally on both sides (mTLS)."""

from dataclasses import dataclass
from pathlib import Path

import grpc


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """Paths of PEM files.

    Attributes:
        certificate: own certificate chain; a client without one is not authenticated.
        key: its private key.
        authority: who signed the other side's certificate; a server that has it asks every client for one.
    """

    certificate: Path | None = None
    key: Path | None = None
    authority: Path | None = None

    def server_credentials(self) -> grpc.ServerCredentials:
        """For a server; certificate and key must be given.

        Raises:
            OSError: a file cannot be read.
        """
        pair = (_read(self.key) or b"", _read(self.certificate) or b"")
        authority = _read(self.authority)
        return grpc.ssl_server_credentials([pair], authority, require_client_auth=authority is not None)

    def channel_credentials(self) -> grpc.ChannelCredentials:
        """For a client.

        Raises:
            OSError: a file cannot be read.
        """
        return grpc.ssl_channel_credentials(_read(self.authority), _read(self.key), _read(self.certificate))


def _read(path: Path | None) -> bytes | None:
    return path.read_bytes() if path else None
