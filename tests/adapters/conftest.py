"""Fixtures of every test of an adapter."""

from tests.fakes.http_server import http_server

__all__ = ["http_server"]
