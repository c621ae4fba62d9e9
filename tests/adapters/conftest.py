"""Fixtures of every test of an adapter."""

from tests.fakes.http_server import http_server
from tests.fakes.ws_server import ws_server

__all__ = ["http_server", "ws_server"]
