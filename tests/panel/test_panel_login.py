"""R25: whoever comes without a login is led to the host's and back to the panel, never off the origin."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urljoin, urlsplit

import pytest
from support.browser import PageFor
from support.live import Live, live
from support.panel import SAME_ORIGIN, csrf_of

ELSEWHERE = "https://evil.example"


@pytest.fixture(scope="module", params=["Flask-Login", "AIAGENTS_LOGIN_URL"])
def live_host(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """A host with either way to its login."""
    config = {"AIAGENTS_LOGIN_URL": "/login"} if request.param == "AIAGENTS_LOGIN_URL" else {}
    folder: Path = tmp_path_factory.mktemp("login")
    with live(f"sqlite:///{folder}/live.db", **config) as host:
        yield host


def test_the_hosts_login_leads_back(live_host: Live, page_for: PageFor) -> None:
    """Nobody asks for a filtered list, logs in on the host's own form, and is where they wanted to be."""
    page = page_for(None, "/agents/?status=active&search=a%26b")
    assert urlsplit(page.url).path == "/login"
    page.get_by_label("User").fill("alice")
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("heading", name="Agents", exact=True).wait_for()
    assert page.url == f"{live_host.url}{live_host.panel}/agents/?status=active&search=a%26b"


HOSTILE_TARGETS = (
    "{panel}/agents/?next=//evil.example",
    "{panel}/agents/?next=https://evil.example/&url=https://evil.example/",
    "{panel}/agents/?next=%5C%5Cevil.example",
    "//evil.example{panel}/agents/",
    "{panel}//evil.example/agents/",
    "{panel}/agents//evil.example",
    "{panel}/agents/%5Cevil.example",
    "{panel}/agents/..//..//evil.example",
    "{panel}/agents/@evil.example/",
    "{panel}/agents",
    "https://evil.example{panel}/agents/",
    "/%2f%2fevil.example{panel}/agents/",
)


@pytest.mark.parametrize("target", HOSTILE_TARGETS)
@pytest.mark.parametrize("host_header", ["", "evil.example"])
def test_r25_nobody_is_led_off_the_origin(live_host: Live, target: str, host_header: str) -> None:
    """Who is not logged in goes to the host's login with a path of this origin; whatever was asked for."""
    target = target.format(panel=live_host.panel)
    location = asked_raw(live_host, target, host_header)
    if location is None:
        return
    # What a browser makes of it, which takes a backslash for a slash.
    there = urlsplit(urljoin(f"{live_host.url}/x/", location.replace("\\", "/")))
    assert host_header or there.netloc == urlsplit(live_host.url).netloc, location
    for following in parse_qs(urlsplit(location).query).get("next", []):
        path = urlsplit(following).path
        assert path.startswith(f"{live_host.panel}/"), following
        assert "\\" not in path


def asked_raw(host: Live, target: str, host_header: str) -> str | None:
    """Where this very request line leads; a client library would tidy it first."""
    connection = http.client.HTTPConnection(*host.address, timeout=10)
    connection.putrequest("GET", target, skip_host=True)
    connection.putheader("Host", host_header or "{}:{}".format(*host.address))
    connection.endheaders()
    try:
        response = connection.getresponse()
        response.read()
        return response.getheader("Location")
    finally:
        connection.close()


@pytest.mark.parametrize(
    "url", [ELSEWHERE, "//evil.example", "/\\evil.example", "\\\\evil.example", "/\t/evil.example", "javascript:x"]
)
@pytest.mark.parametrize("script", [False, True])
def test_r25_a_form_leads_back_to_the_panel_only(live_host: Live, url: str, script: bool) -> None:
    """Where to go after a form is believed only when it is the list itself."""
    alice = live_host.session("alice")
    token = csrf_of(alice.get(f"{live_host.panel}/agents/").text)
    form = {"csrf_token": token, "url": url, "next": url, "action": "activate"}
    headers = SAME_ORIGIN | ({"HX-Request": "true"} if script else {})
    response = alice.post(f"{live_host.panel}/agents/action/", data=form, headers=headers)
    assert response.headers["HX-Redirect" if script else "Location"] == f"{live_host.panel}/agents/"
