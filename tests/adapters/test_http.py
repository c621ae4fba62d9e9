import logging
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import SecretStr

from adapters.clock import SteppingClock
from adapters.feeds.port import Fault
from adapters.http import HttpClient, HttpFailure, Source, retry_time
from adapters.http_text import decoded_text, is_challenge
from adapters.paces import Pace
from tests.fakes.http_server import (
    FakeHttp,
    Reply,
    challenge,
    dripping,
    failing,
    gzipped,
    not_found,
    ok_json,
    ok_text,
    rate_limited,
    reset,
    truncated,
)

NOW = datetime(2026, 7, 17, 12, 0, tzinfo=UTC)
SOURCE = Source(name="src", base_url="http://example.invalid", pace=Pace(0))


@pytest.fixture
def clock() -> SteppingClock:
    """A clock that stands still."""
    return SteppingClock(NOW)


@pytest.fixture
async def http(clock: SteppingClock, http_server: FakeHttp) -> AsyncIterator[HttpClient]:
    """The client, with its only source pointed at the scripted server."""
    async with HttpClient(clock, base_urls={"src": http_server.base_url}) as client:
        yield client


async def failure(http: HttpClient, kind: str = "json", source: Source = SOURCE) -> HttpFailure:
    """What asking for ``/x`` raises."""
    with pytest.raises(HttpFailure) as caught:
        await (http.get_json(source, "/x") if kind == "json" else http.get_text(source, "/x"))
    return caught.value


async def test_a_good_answer_is_parsed(http: HttpClient, http_server: FakeHttp) -> None:
    """A JSON answer comes back as its document, asked once, with the query and a User-Agent that names the product."""
    http_server.route("/x", ok_json({"a": [1, None]}))
    assert await http.get_json(SOURCE, "/x", {"range": "1d"}) == {"a": [1, None]}
    (request,) = http_server.requests
    assert request.query == {"range": "1d"}
    assert request.headers["user-agent"].startswith("tapewatch/")


@pytest.mark.parametrize(
    ("reply", "kind", "fault", "requests"),
    [
        (challenge(), "text", Fault.BLOCKED, 1),
        (challenge(200), "text", Fault.BLOCKED, 1),  # the page comes with 200 too
        (challenge(200), "json", Fault.BLOCKED, 1),
        (challenge(503), "json", Fault.BLOCKED, 1),  # not a failing server: repeating won't help
        (Reply(403, b"Forbidden"), "json", Fault.BLOCKED, 1),
        (Reply(401, b"{}"), "json", Fault.UNAUTHORIZED, 1),
        (not_found(), "json", Fault.CHANGED, 1),
        (failing(500), "json", Fault.UNREACHABLE, 3),  # tried again, then told
        (failing(503), "text", Fault.UNREACHABLE, 3),
        (reset(), "json", Fault.UNREACHABLE, 3),
        (truncated(ok_json({"a": "b" * 100})), "json", Fault.UNREACHABLE, 3),
        (gzipped(ok_json({"a": "b" * 100}), keep=0.6), "json", Fault.UNREACHABLE, 3),
        (Reply(200, b"not gzip", {"Content-Encoding": "gzip"}), "text", Fault.UNREACHABLE, 3),
        (Reply(200, b'{"a": [1, 2'), "json", Fault.UNREACHABLE, 3),  # framed correctly, but cut off inside
        (ok_text("<html><body>Maintenance</body></html>"), "json", Fault.CHANGED, 1),
        (Reply(200, b"ok, thanks"), "json", Fault.CHANGED, 1),
        (Reply(200, b"x", {"Content-Encoding": "zstd"}), "text", Fault.CHANGED, 1),
        (Reply(302, b"", {"Location": "/x"}), "text", Fault.CHANGED, 4),  # round in circles
        (rate_limited(), "json", Fault.RATE_LIMITED, 1),  # never hammered
    ],
)
async def test_each_failure_has_its_type(
    http: HttpClient, http_server: FakeHttp, reply: Reply, kind: str, fault: Fault, requests: int
) -> None:
    """What the world does to an answer becomes one typed fault; only what may pass is tried again."""
    http_server.route("/x", reply)
    caught = await failure(http, kind)
    assert (fault, requests) == (caught.fault, len(http_server.requests))


@pytest.mark.parametrize(
    ("header", "retry_at"),
    [
        ("120", NOW + timedelta(seconds=120)),
        ("Fri, 17 Jul 2026 12:30:00 GMT", NOW + timedelta(minutes=30)),
        ("Fri, 17 Jul 2026 11:00:00 GMT", NOW),  # already over
        ("99999999999999", NOW + timedelta(days=1)),  # capped
        ("soon", NOW + timedelta(seconds=60)),  # unreadable: the source's own pause
        (None, NOW + timedelta(seconds=60)),
    ],
)
async def test_a_429_says_until_when(
    http: HttpClient, http_server: FakeHttp, header: str | None, retry_at: datetime
) -> None:
    """A 429 carries the time of its Retry-After, in seconds or as a date, or the source's usual pause."""
    http_server.route("/x", rate_limited(header))
    assert retry_at == (await failure(http)).retry_at


def test_a_retry_after_of_another_form_is_no_time() -> None:
    """A header that is neither seconds nor a date names no time."""
    assert [retry_time(value, NOW) for value in ("", "-5", "²", "1.5")] == [None] * 4


async def test_a_passing_failure_is_survived(http: HttpClient, http_server: FakeHttp, clock: SteppingClock) -> None:
    """One reset and one 502 before the answer cost two pauses, no error."""
    http_server.route("/x", reset(), failing(502), ok_json(7))
    assert await http.get_json(SOURCE, "/x") == 7
    assert timedelta(seconds=2.5) == clock.now() - NOW


async def test_a_source_that_names_a_time_is_left_alone(http: HttpClient, http_server: FakeHttp) -> None:
    """A 503 with Retry-After is not tried again before that time."""
    http_server.route("/x", Reply(503, b"", {"Retry-After": "90"}))
    caught = await failure(http)
    assert (caught.retry_at, len(http_server.requests)) == (NOW + timedelta(seconds=90), 1)


async def test_a_slow_drip_ends(http: HttpClient, http_server: FakeHttp) -> None:
    """An answer that trickles for ever ends at the source's time-out and is not tried again."""
    http_server.route("/x", dripping(ok_json(1)))
    caught = await failure(http, source=Source(name="src", base_url="", timeout_s=0.1))
    assert (caught.fault, len(http_server.requests)) == (Fault.UNREACHABLE, 1)


async def test_an_answer_is_bounded(http: HttpClient, http_server: FakeHttp) -> None:
    """A small compressed body that unpacks to more than the source may send is refused."""
    http_server.route("/x", gzipped(Reply(200, b"0" * 5_000_000)))
    caught = await failure(http, source=Source(name="src", base_url="", max_bytes=100_000))
    assert "more than 100000 bytes" in str(caught)


async def test_nothing_listens() -> None:
    """A refused connection is an unreachable source."""
    async with HttpClient(SteppingClock(NOW)) as client:
        caught = await failure(client, source=Source(name="src", base_url="http://127.0.0.1:9"))
    assert Fault.UNREACHABLE is caught.fault


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        ("恒生科技".encode(), "text/html; charset=iso-8859-1"),  # wrong header
        ("恒生科技".encode("gbk"), "text/html; charset=gbk"),
        ("恒生科技".encode("gb18030"), "text/html"),  # undeclared
        ("恒生科技".encode("gbk"), "text/html; charset=utf-8"),  # wrong the other way round
        ("恆生科技".encode("big5"), "text/html; charset=big5"),
        (b'<meta charset="big5">' + "恆生科技".encode("big5"), "text/html"),
        (b"\xef\xbb\xbf" + "恒生科技".encode(), "text/csv; charset=utf-8"),
        (b"\xff\xfe" + "恒生科技".encode("utf-16-le"), ""),
        ("恒生科技".encode("utf-16-be"), "text/plain; charset=utf-16-be"),
        ("恒生科技".encode(), "text/html; charset=no-such-charset"),
    ],
)
def test_text_is_read_in_its_real_charset(body: bytes, content_type: str) -> None:
    """Text is decoded by what its bytes are, whatever the header says or leaves out."""
    assert decoded_text(body, content_type).endswith(("恒生科技", "恆生科技"))


async def test_gzip_and_charset_together(http: HttpClient, http_server: FakeHttp) -> None:
    """A compressed GB18030 page reads as text."""
    http_server.route("/x", gzipped(ok_text("恒生科技指数", content_type="text/plain; charset=GBK", charset="gbk")))
    assert await http.get_text(SOURCE, "/x") == "恒生科技指数"


def test_prose_is_no_challenge() -> None:
    """The words of a challenge in JSON or plain text don't make it one."""
    assert [is_challenge('{"title": "Just a moment"}'), is_challenge("Just a moment, please")] == [False, False]


async def test_secrets_stay_inside(http: HttpClient, http_server: FakeHttp, caplog: pytest.LogCaptureFixture) -> None:
    """A key reaches its source and nothing else: no error, representation or log record holds it."""
    caplog.set_level(logging.DEBUG)
    http_server.route("/x", Reply(401, b"bad key"))
    source = Source(name="src", base_url="", secret_headers={"x-key": SecretStr("hunter2")})
    with pytest.raises(HttpFailure) as caught:
        await http.get_json(source, "/x", secret_params={"apikey": SecretStr("swordfish")})
    (request,) = http_server.requests
    assert (request.headers["x-key"], request.query["apikey"]) == ("hunter2", "swordfish")
    told = f"{caught.value!r} {caught.value.problem()} {source!r} {caplog.text}"
    assert [word in told for word in ("hunter2", "swordfish")] == [False, False]


async def test_a_key_does_not_follow_a_redirect(http: HttpClient, http_server: FakeHttp) -> None:
    """A redirect is followed; a secret header stays with the host that it was meant for."""
    elsewhere = http_server.base_url.replace("127.0.0.1", "localhost")
    http_server.route("/x", Reply(308, b"", {"Location": f"{elsewhere}/y"}))
    http_server.route("/y", ok_json(1))
    source = Source(name="src", base_url="", secret_headers={"x-key": SecretStr("hunter2")})
    assert await http.get_json(source, "/x") == 1
    assert ["x-key" in request.headers for request in http_server.requests] == [True, False]


async def test_requests_keep_their_distance(http: HttpClient, http_server: FakeHttp, clock: SteppingClock) -> None:
    """Requests to a paced source are spread over time."""
    http_server.route("/x", ok_json(1))
    for _ in range(4):
        await http.get_json(Source(name="src", base_url="", pace=Pace(1 / 6)), "/x")
    assert timedelta(seconds=18) == clock.now() - NOW
