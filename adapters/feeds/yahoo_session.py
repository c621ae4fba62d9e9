"""yfinance, set up once: one session, typed errors, caches in the data folder, addresses that can change.

Importing this module loads yfinance and pandas (about a second), so it is imported where a price feed first runs.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import yfinance
from curl_cffi import CurlOpt
from curl_cffi import requests as curl
from yfinance.data import YfData

NAME = "yahoo"
_LARGEST_ANSWER = 16 * 1024 * 1024
_HOSTS = ("finance.yahoo.com", "yahoo.com", "yahoo.net")


class YahooSession(curl.Session[Any]):
    """A session that looks like a browser to Yahoo, and that can be pointed at another server.

    ``base_url`` replaces scheme and host of every Yahoo address (``""`` leaves them); other hosts are never asked.
    """

    def __init__(self, base_url: str = "", timeout_s: float = 15.0) -> None:
        limit = {CurlOpt.MAXFILESIZE_LARGE: _LARGEST_ANSWER}
        super().__init__(impersonate="chrome", timeout=timeout_s, curl_options=limit)
        self._base_url = base_url.rstrip("/")
        self._timeout_s = timeout_s

    def request(self, method: Any, url: str, *args: Any, **kwargs: Any) -> Any:
        """Send a request to Yahoo, or to what stands in for it."""
        host = urlsplit(url).hostname or ""
        if not any(host == known or host.endswith(f".{known}") for known in _HOSTS):
            raise ValueError(f"{host!r} is not Yahoo's")
        kwargs["timeout"] = min(kwargs.get("timeout") or self._timeout_s, self._timeout_s)  # yfinance asks for 30 s
        return super().request(method, routed(url, self._base_url), *args, **kwargs)


def routed(url: str, base_url: str) -> str:
    """``url`` below ``base_url``, which replaces its scheme and host; unchanged when ``base_url`` is empty."""
    if not base_url:
        return url
    parts = urlsplit(url)
    return base_url + urlunsplit(("", "", parts.path, parts.query, ""))


def prepared(cache_dir: Path | None = None, base_url: str = "", timeout_s: float = 15.0) -> YahooSession:
    """Configure yfinance for this process and return the session to pass to each of its calls.

    Errors are raised, not hidden; its SQLite caches (time zones, cookies) live in ``cache_dir``; its warnings, which it
    switches on at import, are switched off again.
    """
    warnings.filterwarnings("ignore", module="yfinance")
    warnings.filterwarnings("ignore", message=".*Timestamp.utcnow.*")
    yfinance.config.debug.hide_exceptions = False
    if cache_dir is not None:
        yfinance.set_tz_cache_location(str(cache_dir))
    return YahooSession(base_url, timeout_s)


def clear_caches() -> None:
    """Forget every answer that yfinance keeps without expiry, failures among them. Call it before each job."""
    YfData.cache_get.cache_clear()
