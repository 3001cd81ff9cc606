"""Who may ask: only a page of ours, at a name of ours."""

from __future__ import annotations

import pytest

from kubedom_bridge.origin import refusal

OURS = frozenset({"http://127.0.0.1:8384", "http://localhost:8384", "http://[::1]:8384"})
HOST = "127.0.0.1:8384"
OWN = "http://127.0.0.1:8384"


def allowed(
    method: str = "GET",
    host: str = HOST,
    origin: str | None = None,
    site: str | None = None,
    *,
    upgrade: bool = False,
) -> bool:
    return not refusal(method=method, upgrade=upgrade, host=host, origin=origin, fetch_site=site, allowed=OURS)


UNSAFE = [("POST", False), ("PUT", False), ("DELETE", False), ("PATCH", False), ("GET", True)]
SAFE = [("GET", False), ("HEAD", False), ("OPTIONS", False)]


@pytest.mark.parametrize(("method", "upgrade"), SAFE + UNSAFE)
@pytest.mark.parametrize("host", [HOST, "localhost:8384", "LOCALHOST:8384", "[::1]:8384"])
def test_our_own_page_may_ask_anything(method: str, upgrade: bool, host: str) -> None:
    assert allowed(method, host, f"http://{host}", "same-origin", upgrade=upgrade)


@pytest.mark.parametrize(("method", "upgrade"), SAFE + UNSAFE)
@pytest.mark.parametrize(
    "host",
    ["", "evil.example", "evil.example:8384", "127.0.0.1", "127.0.0.1:80", "127.0.0.1:8384.evil.example", "localhost"],
)
def test_a_name_that_is_not_ours_is_refused_even_to_look(method: str, upgrade: bool, host: str) -> None:
    assert not allowed(method, host, upgrade=upgrade)
    assert not allowed(method, host, OWN, "same-origin", upgrade=upgrade)


@pytest.mark.parametrize(("method", "upgrade"), UNSAFE)
@pytest.mark.parametrize(
    "origin",
    [
        "null",
        "",
        "http://evil.example",
        "https://127.0.0.1:8384",
        "http://127.0.0.1",
        "http://127.0.0.1:8385",
        "http://127.0.0.1:83840",
        "http://127.0.0.1:8384/",
        "http://127.0.0.1:8384.evil.example",
        "http://evil.example#http://127.0.0.1:8384",
    ],
)
def test_a_foreign_origin_may_change_nothing_and_open_no_socket(method: str, upgrade: bool, origin: str) -> None:
    assert not allowed(method, origin=origin, upgrade=upgrade)
    assert not allowed(method, origin=origin, site="same-origin", upgrade=upgrade)


@pytest.mark.parametrize(("method", "upgrade"), UNSAFE)
@pytest.mark.parametrize("site", ["cross-site", "same-site", "", "something"])
def test_a_foreign_site_is_refused_even_with_our_origin_or_none(method: str, upgrade: bool, site: str) -> None:
    assert not allowed(method, origin=OWN, site=site, upgrade=upgrade)
    assert not allowed(method, site=site, upgrade=upgrade)


@pytest.mark.parametrize(("method", "upgrade"), UNSAFE)
@pytest.mark.parametrize("site", [None, "none", "same-origin"])
def test_what_is_no_browser_sends_no_origin_and_has_no_cookie_to_lend(method: str, upgrade: bool, site: str) -> None:
    assert allowed(method, site=site, upgrade=upgrade)


@pytest.mark.parametrize(("method", "upgrade"), SAFE)
def test_a_link_from_another_site_may_be_followed(method: str, upgrade: bool) -> None:
    assert allowed(method, site="cross-site", upgrade=upgrade)


def test_the_refusal_says_what_to_open_and_quotes_no_more_than_a_little() -> None:
    sentence = refusal(
        method="POST", upgrade=False, host=HOST, origin="http://" + "e" * 900, fetch_site=None, allowed=OURS
    )
    assert "Open the page from one of: http://127.0.0.1:8384" in sentence
    assert len(sentence) < 300
