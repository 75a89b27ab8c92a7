"""HTTP connections that lead to no link-local address."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Mapping
from contextlib import suppress

from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError

#: The address of the instance metadata service that is not a link-local one.
_METADATA = ipaddress.ip_address("fd00:ec2::254")


class AddressRefused(HTTPError):
    """The connection would lead to a link-local address."""


class _Connection(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        with suppress(socket.gaierror):  # the connection itself says so
            for *_, address in socket.getaddrinfo(self._dns_host, self.port, type=socket.SOCK_STREAM):
                _refuse_link_local(str(address[0]))
        connected = super()._new_conn()
        try:
            # A name can lead elsewhere the second time. Nothing has been sent yet.
            _refuse_link_local(connected.getpeername()[0])
        except AddressRefused:
            connected.close()
            raise
        return connected


class _TlsConnection(_Connection, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


def _refuse_link_local(address: str) -> None:
    ip = ipaddress.ip_address(address.partition("%")[0])
    ip = getattr(ip, "ipv4_mapped", None) or ip
    if ip.is_link_local or ip == _METADATA:
        raise AddressRefused(f"{ip} is a link-local address")


def guarded_pools(*, concurrency: int, headers: Mapping[str, str]) -> PoolManager:
    """Connections to any other host, ``concurrency`` at a time to each. A request may raise :class:`AddressRefused`."""
    pools = PoolManager(maxsize=concurrency, retries=False, headers=headers)
    pools.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}
    return pools
