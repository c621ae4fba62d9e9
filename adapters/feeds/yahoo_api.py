"""Yahoo's JSON services that want a cookie and a crumb, through yfinance's request layer: blocking, run in a thread.

Importing this module loads yfinance and pandas (about a second), so it is imported where a feed first runs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from curl_cffi.requests.exceptions import RequestException
from yfinance.data import YfData
from yfinance.exceptions import YFException, YFRateLimitError

from adapters.clock import Clock
from adapters.feeds.port import Fault
from adapters.feeds.yahoo_session import NAME, YahooSession
from adapters.http import Answer, HttpFailure, Source, read_json, refusal

_ASKED = "https://query2.finance.yahoo.com"
_POSTED = "https://query1.finance.yahoo.com"
_SOURCE = Source(name=NAME, base_url=_ASKED)


class YahooApi:
    """GET and POST of JSON; every method raises :class:`HttpFailure` for what the world does."""

    def __init__(self, session: YahooSession, clock: Clock) -> None:
        self._session = session
        self._clock = clock

    def get(self, path: str, params: Mapping[str, Any]) -> Any:
        """The document at ``path``."""
        return self._asked(_ASKED + path, lambda data: data.get(_ASKED + path, params=dict(params)))

    def post(self, path: str, params: Mapping[str, Any], body: Mapping[str, Any]) -> Any:
        """What the service at ``path`` answers to ``body``."""
        where = _POSTED + path
        return self._asked(where, lambda data: data.post(where, params=dict(params), body=dict(body)))

    def _asked(self, where: str, ask: Callable[[YfData], Any]) -> Any:
        try:
            response = ask(YfData(session=self._session))
        except YFRateLimitError:
            raise HttpFailure(f"{where}: too many requests", source=NAME, fault=Fault.RATE_LIMITED) from None
        except RequestException as error:
            message = f"{where}: {type(error).__name__} before the answer was complete"
            raise HttpFailure(message, source=NAME, fault=Fault.UNREACHABLE) from None
        except (YFException, AttributeError, KeyError, TypeError) as error:  # its consent dance assumes the known pages
            message = f"{where}: no cookie to ask with ({type(error).__name__}: {error})"
            raise HttpFailure(message, source=NAME, fault=Fault.CHANGED) from None
        headers = {str(name).lower(): str(value) for name, value in response.headers.items()}
        answer = Answer(where, response.status_code, headers, response.content)
        if not 200 <= answer.status < 300:
            raise refusal(_SOURCE, answer, self._clock.now())
        return read_json(_SOURCE, answer)
