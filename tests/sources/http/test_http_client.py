"""The HTTP client against a server that answers as told: what arrives, what is tried again."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from support import http_service as web
from support.clocks import NOW, Clock

from hashcanary.errors import UsageError
from hashcanary.sources.errors import (
    AnswerTooLarge,
    CutBody,
    RateLimited,
    Redirected,
    Refused,
    Unreachable,
    WrongSchema,
)
from hashcanary.sources.http.client import Answer, Http
from hashcanary.sources.http.line import Limits

SHORT = Limits(read=0.3, total=0.6, tries=3, body=100_000)


@pytest.fixture
def served() -> Iterator[Any]:
    """A service that answers every question with what was asked."""

    def answer(asking: Any) -> Any:
        return web.as_json({"path": asking.path, "query": asking.query, "method": asking.method})

    with web.Service(answer) as service:
        yield service


@pytest.fixture
def ask(served: Any) -> Iterator[Callable[..., Http]]:
    """Makes clients of the service, with short time-outs and a clock that does not wait."""
    made: list[Http] = []

    def make(limits: Limits = SHORT, **more: Any) -> Http:
        made.append(Http(served.url, "the service", Clock(), limits, **more))
        return made[-1]

    yield make
    for http in made:
        http.close()


def test_an_answer_has_its_status_body_time_and_type(served: Any, ask: Callable[..., Http]) -> None:
    answer = ask().get("/blocks/7", {"b": "2", "a": "x y"})
    assert answer.json() == {
        "path": "/api/blocks/7",
        "query": {"a": "x y", "b": "2"},
        "method": "GET",
    }
    assert (answer.status, answer.at) == (200, NOW)
    assert answer.content_type == "application/json; charset=utf-8"
    assert answer.url == f"{served.url}/blocks/7?a=x+y&b=2"


def test_a_post_sends_its_body_and_type(served: Any, ask: Callable[..., Http]) -> None:
    assert ask().post("", b"[1]", safe=True).json()["method"] == "POST"  # type: ignore[index]
    assert served.asked[0].body == b"[1]"
    assert served.asked[0].headers["content-type"] == "application/json"


def test_a_zipped_answer_is_unfolded(served: Any, ask: Callable[..., Http]) -> None:
    body = gzip.compress(b'{"a": 1}')
    served.faults.append(web.Reply(body, headers={"Content-Encoding": "gzip"}))
    assert ask().get("x").json() == {"a": 1}


@pytest.mark.parametrize("status", [408, 500, 502, 503, 504])
def test_a_passing_failure_is_tried_again(
    served: Any, ask: Callable[..., Http], status: int
) -> None:
    served.faults.extend([web.Reply(status=status), web.Reply(status=status)])
    http = ask()
    assert http.get("x").status == 200
    first, second = http.clock.slept  # type: ignore[attr-defined]
    # the wait doubles, less up to a half of each
    assert 0.5 < first <= 1.0
    assert 1.0 < second <= 2.0


def test_waits_are_the_same_each_time_and_differ_by_question(
    served: Any, ask: Callable[..., Http]
) -> None:
    waits = []
    for path in ("x", "x", "y"):
        served.faults.append(web.Reply(status=503))
        http = ask()
        http.get(path)
        waits += http.clock.slept  # type: ignore[attr-defined]
    assert waits[0] == waits[1]
    assert waits[0] != waits[2]


def test_what_never_passes_tells_every_try(served: Any, ask: Callable[..., Http]) -> None:
    served.faults.extend([web.Reply(b"warming up", status=503), *[web.Reply(status=502)] * 2])
    with pytest.raises(Unreachable, match=r"3 tries.*try 1: status 503: warming up; try 2") as told:
        ask().get("x")
    assert told.value.fields["tries"] == 3
    assert told.value.exit_code == 4


def test_retry_after_in_seconds_is_honoured(served: Any, ask: Callable[..., Http]) -> None:
    served.faults.append(web.Reply(status=429, headers={"Retry-After": "17"}))
    http = ask()
    assert http.get("x").status == 200
    assert http.clock.slept == [17.0]  # type: ignore[attr-defined]


def test_retry_after_as_a_date_is_honoured(served: Any, ask: Callable[..., Http]) -> None:
    # NOW is 2023-11-14T22:13:20Z
    when = "Tue, 14 Nov 2023 22:14:00 GMT"
    served.faults.append(web.Reply(status=503, headers={"Retry-After": when}))
    http = ask()
    assert http.get("x").status == 200
    assert http.clock.slept == [40.0]  # type: ignore[attr-defined]


@pytest.mark.parametrize("nonsense", ["soon", "-3", "1e3", "", "Tue, 99 Nov 2023"])
def test_a_retry_after_without_sense_is_passed_over(
    served: Any, ask: Callable[..., Http], nonsense: str
) -> None:
    served.faults.append(web.Reply(status=429, headers={"Retry-After": nonsense}))
    http = ask()
    assert http.get("x").status == 200
    assert 0.5 < http.clock.slept[0] <= 1.0  # type: ignore[attr-defined]


def test_a_server_that_asks_for_too_long_a_wait_is_left(
    served: Any, ask: Callable[..., Http]
) -> None:
    served.faults.append(web.Reply(status=429, headers={"Retry-After": "86400"}))
    http = ask()
    with pytest.raises(RateLimited, match=r"asking for 86,400 s"):
        http.get("x")
    assert http.clock.slept == []  # type: ignore[attr-defined]


def test_endless_rate_limits_are_their_own_error(served: Any, ask: Callable[..., Http]) -> None:
    served.faults.extend([web.Reply(status=429)] * 3)
    with pytest.raises(RateLimited, match="3 tries"):
        ask().get("x")


@pytest.mark.parametrize("status", [400, 401, 403, 404, 418])
def test_a_refusal_is_final_and_says_why(
    served: Any, ask: Callable[..., Http], status: int
) -> None:
    served.faults.append(web.Reply(b"no \x1b[31msuch\x00 block", status=status))
    with pytest.raises(Refused, match=rf"status {status}, no \[31msuch block"):
        ask().get("x")
    assert len(served.asked) == 1


def test_an_accepted_status_is_given_back(served: Any, ask: Callable[..., Http]) -> None:
    served.faults.extend([web.Reply(b"a", status=500), web.Reply(b"b", status=404)])
    http = ask()
    assert http.get("x", accept={500}).body == b"a"
    assert http.get("x", accept={404}).status == 404


def test_a_cut_body_is_tried_again_and_named_when_it_stays_cut(
    served: Any, ask: Callable[..., Http]
) -> None:
    cut = web.Reply(b"0123456789", how="cut")
    served.faults.append(cut)
    assert ask().get("x").status == 200
    served.faults.extend([cut] * 3)
    with pytest.raises(CutBody, match=r"received 5 bytes, expected 10"):
        ask().get("x")


def test_a_broken_zip_is_a_cut_body(served: Any, ask: Callable[..., Http]) -> None:
    broken = web.Reply(b"\x1f\x8b\x08nonsense", headers={"Content-Encoding": "gzip"})
    served.faults.extend([broken] * 3)
    with pytest.raises(CutBody):
        ask().get("x")


@pytest.mark.parametrize("how", ["silent", "hang"])
def test_silence_ends_by_the_read_time_out(served: Any, ask: Callable[..., Http], how: str) -> None:
    served.faults.append(web.Reply(b"0123456789", how=how))
    assert ask().get("x").status == 200
    served.faults.append(web.Reply(b"0123456789", how=how))
    with pytest.raises(Unreachable, match=r"silence for 0\.3 s"):
        ask(Limits(read=0.3, total=5, tries=1)).get("x")


@pytest.mark.parametrize("how", ["drip", "endless"])
def test_what_never_ends_is_cut_off_by_the_total_time_out(
    served: Any, ask: Callable[..., Http], how: str
) -> None:
    served.faults.append(web.Reply(how=how))
    with pytest.raises(Unreachable, match=r"no whole answer within 0\.4 s"):
        ask(Limits(read=5, total=0.4, tries=1, body=1 << 60)).get("x")


def test_an_endless_body_is_cut_off_by_its_size(served: Any, ask: Callable[..., Http]) -> None:
    served.faults.append(web.Reply(how="endless"))
    with pytest.raises(AnswerTooLarge, match=r"at most 100,000 bytes.*found more"):
        ask(Limits(read=5, total=5, body=100_000)).get("x")


def test_a_body_declared_too_large_is_not_read(served: Any, ask: Callable[..., Http]) -> None:
    served.faults.append(web.Reply(headers={"Content-Length": "99999999999"}))
    with pytest.raises(AnswerTooLarge, match=r"found 99,999,999,999"):
        ask().get("x")


def test_a_small_body_that_unfolds_to_a_large_one_is_too_large(
    served: Any, ask: Callable[..., Http]
) -> None:
    bomb = gzip.compress(bytes(50_000_000))
    served.faults.append(web.Reply(bomb, headers={"Content-Encoding": "gzip"}))
    with pytest.raises(AnswerTooLarge):
        ask().get("x")


def test_a_server_that_is_not_there_is_unreachable() -> None:
    with web.Service(lambda _: web.Reply()) as gone:
        url = gone.url
    clock = Clock()
    with Http(url, "the service", clock, SHORT) as http, pytest.raises(Unreachable, match="try 3"):
        http.get("x")
    assert len(clock.slept) == 2


def test_what_may_have_been_done_is_not_asked_twice(served: Any, ask: Callable[..., Http]) -> None:
    served.faults.append(web.Reply(b"0123456789", how="cut"))
    with pytest.raises(CutBody, match="1 tries"):
        ask().post("x", b"{}", safe=False)
    assert len(served.asked) == 1


def test_a_redirect_within_the_server_is_followed(served: Any, ask: Callable[..., Http]) -> None:
    served.faults.append(web.Reply(status=308, headers={"Location": "/api/v2/x?y=1"}))
    assert ask().get("x").json()["query"] == {"y": "1"}  # type: ignore[index]


@pytest.mark.parametrize(
    "place",
    ["http://127.0.0.1:9/", "https://127.0.0.1/", "//example.org/x", "", "http://[", "ftp://x/y"],
)
def test_a_redirect_elsewhere_is_refused(served: Any, ask: Callable[..., Http], place: str) -> None:
    served.faults.append(web.Reply(status=302, headers={"Location": place}))
    with pytest.raises(Redirected):
        ask(auth=lambda: {"Authorization": "secret"}).get("x")
    assert len(served.asked) == 1


def test_a_redirect_in_circles_ends(served: Any, ask: Callable[..., Http]) -> None:
    served.faults.extend([web.Reply(status=302, headers={"Location": "/api/x"})] * 20)
    with pytest.raises(Redirected, match="more than 5 places"):
        ask().get("x")
    assert len(served.asked) == 6


def test_credentials_are_sent_and_never_told(served: Any, ask: Callable[..., Http]) -> None:
    served.faults.append(web.Reply(b"bad token: hunter2 of Basic hunter2", status=403))
    with pytest.raises(Refused) as told:
        ask(auth=lambda: {"Authorization": "Basic hunter2"}).get("x")
    assert served.asked[0].headers["authorization"] == "Basic hunter2"
    assert "hunter2" not in str(told.value)
    assert "***" in str(told.value)


def test_credentials_that_changed_meanwhile_are_taken_up_at_once(
    served: Any, ask: Callable[..., Http]
) -> None:
    cookies = iter(["old", "new"])
    served.faults.append(web.Reply(status=401))
    http = ask(auth=lambda: {"Authorization": next(cookies)})
    assert http.get("x").status == 200
    assert [one.headers["authorization"] for one in served.asked] == ["old", "new"]
    assert http.clock.slept == []  # type: ignore[attr-defined]


def test_requests_keep_the_pace(served: Any, ask: Callable[..., Http]) -> None:
    http = ask(Limits(per_minute=30))
    for _ in range(4):
        http.get("x")
    assert http.clock.slept == [2.0, 2.0, 2.0]  # type: ignore[attr-defined]


def test_a_clock_set_back_does_not_stop_the_pace(served: Any, ask: Callable[..., Http]) -> None:
    http = ask(Limits(per_minute=30))
    http.get("x")
    http.clock.time -= 86_400  # type: ignore[attr-defined]
    http.get("x")
    assert http.clock.slept == [2.0]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "url",
    [
        "",
        "mempool.space",
        "ftp://x/",
        "http://",
        "http://u:p@x/",
        "http://x/?a=b",
        "http://x:port/",
    ],
)
def test_a_url_that_is_none_or_holds_a_password_is_refused(url: str) -> None:
    with pytest.raises(UsageError) as told:
        Http(url, "the service", Clock())
    assert "u:p" not in str(told.value)


def test_a_proxy_is_used_only_where_one_is_set(
    served: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    proxy = served.url.removesuffix("/api")
    with Http("http://service.example/api", "s", Clock(), SHORT, proxy=proxy) as http:
        assert http.get("x").status == 200
    with Http(served.url, "s", Clock(), SHORT) as http:
        assert http.get("x").status == 200
    assert served.asked[0].headers["host"] == "service.example"


def test_certificates_are_verified(served: Any) -> None:
    url = served.url.replace("http:", "https:")
    with (
        Http(url, "s", Clock(), Limits(tries=1, read=1, total=2)) as http,
        pytest.raises(Unreachable, match="no connection"),
    ):
        http.get("x")


def test_certificates_that_are_not_there_are_named(tmp_path: Any) -> None:
    with (
        Http("https://127.0.0.1:9/", "s", Clock(), ca=tmp_path / "none.pem") as http,
        pytest.raises(UsageError, match=r"none\.pem"),
    ):
        http.get("x")


def test_a_proxy_that_cannot_be_is_named() -> None:
    with (
        Http("http://127.0.0.1:9/", "s", Clock(), proxy="nonsense://x") as http,
        pytest.raises(UsageError, match="the proxy of s"),
    ):
        http.get("x")


def _json(body: bytes, kind: str = "application/json") -> object:
    return Answer("http://x/y", 200, body, 0.0, kind).json()


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (b"<html>Sign in</html>", r"text/html: <html>Sign in"),
        (b'{"a": \xff}', r"at byte 6: expected UTF-8, found the byte 0xff"),
        (b'{"a": 1', "expected JSON"),
        (b"", "expected JSON"),
        (b"NaN", "expected JSON"),
        (b"[1, Infinity]", "expected JSON"),
        (b"9" * 5000, "expected JSON"),
        (b"[" * 100_000, "expected JSON"),
        (b"[" * 40 + b"]" * 40, "at most 32 levels"),
        (json.dumps("x").encode("utf-16"), "expected UTF-8"),
    ],
)
def test_what_is_no_json_is_schema_drift(body: bytes, found: str) -> None:
    with pytest.raises(WrongSchema, match=found) as told:
        _json(body, "text/html")
    assert told.value.fields["url"] == "http://x/y"


def test_a_body_of_no_declared_type_is_said_to_have_none(
    served: Any, ask: Callable[..., Http]
) -> None:
    served.faults.append(web.Reply(b"<html>"))
    with pytest.raises(WrongSchema, match="found a body of no declared type: <html>"):
        ask().get("x").json()
