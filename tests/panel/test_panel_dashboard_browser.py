"""The dashboard in a real browser: what its scripts draw, and what its pickers do."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect
from support.browser import PageFor
from support.cast import ALICE, BOB, CHARLIE, make_agent
from support.live import Live
from support.logs import execution

from flask_aiagents.core.clock import utcnow

DRAWN = """() => [...document.querySelectorAll("[data-chart] canvas")].map((canvas) => {
  const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext("2d", { willReadFrequently: true });
  copy.drawImage(canvas, 0, 0);
  const { data } = copy.getImageData(0, 0, canvas.width, canvas.height);
  const colours = new Set();
  for (let at = 0; at < data.length; at += 4) {
    if (data[at + 3] === 255) colours.add([data[at], data[at + 1], data[at + 2]].join(","));
  }
  return [...colours].sort();
})"""
"""The opaque colours of every chart."""

SHOWN = """() => [...document.querySelectorAll("[data-chart] canvas")].map((canvas) => {
  const chart = window.Chart.getChart(canvas);
  return { labels: chart.data.labels, values: chart.data.datasets.map((set) => set.data) };
})"""
"""What every chart was told to draw."""

BAR = """([title, index]) => {
  const chart = window.Chart.getChart(document.querySelector("[data-chart] canvas"));
  const at = chart.data.datasets.findIndex((set) => set.label === title);
  const { x, y } = chart.getDatasetMeta(at).data[index].getCenterPoint();
  return { x, y };
}"""
"""The middle of a bar of the first chart."""

HOSTILE = '<img src=x onerror="alert(1)">'


@pytest.fixture
def desk(live_host: Live) -> str:
    """An agent of acme's that ran on three days and failed once, and one of globex's; the id of acme's."""
    agent_id = make_agent(live_host.clients.alice, HOSTILE)["id"]
    now = utcnow()
    for days in (0, 3, 20):
        execution(live_host.app, agent_id, at=now - timedelta(days=days, minutes=1))
    execution(live_host.app, agent_id, status="error", error="upstream", response_data=None)
    other = make_agent(live_host.clients.charlie, "Globex's desk")["id"]
    execution(live_host.app, other, principal=CHARLIE)
    return agent_id


def loaded(page: Page) -> None:
    """Every part has come."""
    expect(page.locator("[data-part]").first).to_be_attached()
    expect(page.locator('[data-part][aria-busy="true"]')).to_have_count(0)


def runs(page: Page) -> str:
    loaded(page)
    return page.locator(".aia-tile", has_text="Runs").locator("strong").inner_text()


@pytest.mark.usefixtures("desk")
def test_charts_are_drawn_and_their_tables_say_the_same(page_for: PageFor) -> None:
    """Four canvases with something on them; opened, each table has a row for each bar with its number."""
    page = page_for("alice", "/dashboard/?last=7d")
    loaded(page)
    assert all(len(colours) > 1 for colours in page.evaluate(DRAWN))
    shown: list[dict[str, Any]] = page.evaluate(SHOWN)
    assert len(shown) == 4
    for chart, figure in zip(shown, page.locator("[data-chart]").all(), strict=True):
        figure.get_by_text("Show as table").click()
        expect(figure.get_by_role("table")).to_be_visible()
        assert figure.locator("tbody th").all_inner_texts() == chart["labels"]
    cells = [
        row.split("\t")[1:] for row in page.locator("[data-chart]").first.locator("tbody tr").all_inner_texts()
    ]
    assert [[int(cell) for cell in row] for row in cells] == [
        [*row] for row in zip(*shown[0]["values"], strict=True)
    ]


@pytest.mark.usefixtures("desk")
def test_charts_follow_the_theme(page_for: PageFor) -> None:
    """After the switch they are drawn again, in other colours."""
    page = page_for("alice", "/dashboard/")
    loaded(page)
    light = page.evaluate(DRAWN)
    page.locator("[data-theme-toggle]").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    dark = page.evaluate(DRAWN)
    assert all(colours and colours != before for colours, before in zip(dark, light, strict=True))


@pytest.mark.usefixtures("desk")
def test_charts_follow_the_systems_theme(page_for: PageFor) -> None:
    """When the system turns dark while the page is open, so do its charts."""
    page = page_for("alice", "/dashboard/", color_scheme="light")
    loaded(page)
    light = page.evaluate(DRAWN)
    page.emulate_media(color_scheme="dark")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    dark = page.evaluate(DRAWN)
    assert all(colours and colours != before for colours, before in zip(dark, light, strict=True))


@pytest.mark.usefixtures("desk")
def test_a_bar_leads_to_its_logs(page_for: PageFor) -> None:
    """A click on today's failed run opens the log with it alone."""
    page = page_for("alice", "/dashboard/?last=7d")
    loaded(page)
    bar = page.evaluate(BAR, ["failed", 6])
    page.locator("[data-chart] canvas").first.click(position=bar)
    page.wait_for_url("**/activity/**")
    expect(page.locator("[data-id]")).to_have_count(1)
    expect(page.locator("[data-id]")).to_contain_text("upstream")


@pytest.mark.usefixtures("desk")
def test_trends_are_compared_when_asked(page_for: PageFor) -> None:
    """The box draws the period before, stays ticked and is in the address; unticked it is gone."""
    page = page_for("alice", "/dashboard/?last=7d")
    loaded(page)
    assert len(page.evaluate(SHOWN)[0]["values"]) == 2
    page.get_by_label("Compare with before").check()
    page.wait_for_url("**/dashboard/?last=7d&compare=previous")
    loaded(page)
    assert len(page.evaluate(SHOWN)[0]["values"]) == 3
    page.get_by_label("Compare with before").uncheck()
    page.wait_for_url("**/dashboard/?last=7d")


def test_one_agent_is_chosen_and_removed(page_for: PageFor, desk: str) -> None:
    """By its row; the period that is chosen then keeps it; the cross shows all again."""
    page = page_for("alice", "/dashboard/")
    loaded(page)
    page.locator("#part-agents").get_by_role("link", name=HOSTILE).click()
    page.get_by_label("Period").select_option("7d")
    page.wait_for_url(f"**/dashboard/?last=7d&agent_id={desk}")
    assert runs(page) == "3"
    page.get_by_role("link", name=f"Remove {HOSTILE}").click()
    page.wait_for_url("**/dashboard/?last=7d")


@pytest.mark.usefixtures("desk")
def test_a_table_is_downloaded(page_for: PageFor) -> None:
    """As a file of its name."""
    page = page_for("alice", "/dashboard/?last=7d")
    loaded(page)
    with page.expect_download() as download:
        page.get_by_role("link", name="Models as CSV").click()
    assert download.value.suggested_filename.startswith("models-")
    assert download.value.suggested_filename.endswith(".csv")


@pytest.mark.usefixtures("desk")
def test_the_period_is_in_the_address(page_for: PageFor) -> None:
    """A chosen one is asked for at once, stays when the page is loaded again, and going back goes back."""
    page = page_for("alice", "/dashboard/")
    assert runs(page) == "4"
    page.get_by_label("Period").select_option("24h")
    page.wait_for_url("**/dashboard/?last=24h")
    assert runs(page) == "2"
    page.reload()
    assert runs(page) == "2"
    page.go_back()
    assert runs(page) == "4"
    expect(page.get_by_label("Period")).to_have_value("30d")


@pytest.mark.usefixtures("desk")
def test_a_chosen_period_replaces_given_days(page_for: PageFor) -> None:
    """Days are given by hand; a period that is chosen then is meant instead of them."""
    day = utcnow() - timedelta(days=3, minutes=1)
    page = page_for("alice", "/dashboard/")
    loaded(page)
    for name in ("From", "To"):
        page.get_by_label(name, exact=True).fill(f"{day:%Y-%m-%d}")
    page.get_by_role("button", name="Show", exact=True).click()
    page.wait_for_url("**from=*")
    assert runs(page) == "1"
    page.get_by_label("Period").select_option("7d")
    page.wait_for_url("**/dashboard/?last=7d")
    assert runs(page) == "3"


@pytest.mark.usefixtures("desk")
def test_failures_lead_to_those_that_were_counted(page_for: PageFor) -> None:
    """The tile opens the log with exactly these."""
    page = page_for("alice", "/dashboard/?last=7d")
    loaded(page)
    page.locator(".aia-tile", has_text="Failed").click()
    page.wait_for_url("**/activity/**")
    expect(page.get_by_label("Status")).to_have_value("failed")
    expect(page.locator("[data-id]")).to_have_count(1)
    expect(page.locator("[data-id]")).to_contain_text("upstream")


@pytest.mark.usefixtures("desk")
def test_a_part_that_fails_can_be_had_again(page_for: PageFor) -> None:
    """It says so, the others stand, and another try brings it."""
    page = page_for("alice", "/agents/", tolerated=("status of 503", "Response Status Error Code 503"))
    failing = "**/dashboard/part/models/**"

    def fail(route: Route) -> None:
        route.fulfill(status=503, body="")

    page.route(failing, fail)
    page.get_by_role("navigation", name="AI agents").get_by_role("link", name="Dashboard").click()
    loaded(page)
    models = page.locator("#part-models")
    expect(models).to_contain_text("could not be loaded")
    assert runs(page) == "4"
    page.unroute(failing, fail)
    models.get_by_role("button", name="Try again").click()
    expect(models.get_by_role("rowheader")).to_contain_text("gpt-4o-mini")


@pytest.mark.requirement("R44")
@pytest.mark.usefixtures("desk")
def test_dashboards_opened_at_once_wait_their_turn(page_for: PageFor, live_host: Live) -> None:
    """While a tenant has all its expensive reads, parts go on loading without an error, and then they come."""
    reads = live_host.app.extensions["aiagents"].database.expensive_reads
    held = [reads.take(whose) for whose in (*[ALICE] * reads.limits.per_user, BOB, BOB)]
    pages = [page_for(name, "/dashboard/", tolerated=("status of 429",)) for name in ("alice", "bob")]
    for page in pages:
        expect(page.locator("[data-part][data-retries]").first).to_be_attached()
        expect(page.locator("[data-part]:not([data-retries])")).to_have_count(0)
        expect(page.locator(".aia-toast, [data-part] [data-retry]")).to_have_count(0)
    for slot in held:
        slot.release()
    assert [runs(page) for page in pages] == ["4", "4"]
    for page in pages:
        expect(page.locator(".aia-toast, [data-part] [data-retry]")).to_have_count(0)


@pytest.mark.usefixtures("desk")
def test_a_part_that_stays_refused_says_so(page_for: PageFor) -> None:
    """A part is not requested again when the server names a long time; it then offers another try."""
    page = page_for("alice", "/agents/", tolerated=("status of 429", "Response Status Error Code 429"))
    page.route(
        "**/dashboard/part/models/**",
        lambda route: route.fulfill(status=429, headers={"Retry-After": "3600"}, body=""),
    )
    page.goto(page.url.replace("/agents/", "/dashboard/"))
    loaded(page)
    expect(page.locator("#part-models").get_by_role("button", name="Try again")).to_be_visible()
    assert runs(page) == "4"


def test_hostile_names_are_text(page_for: PageFor, desk: str) -> None:
    """A name that is markup is read as it was written, and leads to its own figures, these to its runs."""
    page = page_for("alice", "/dashboard/")
    loaded(page)
    page.locator("#part-agents").get_by_role("link", name=HOSTILE).click()
    page.wait_for_url(f"**/dashboard/**{desk}**")
    expect(page.get_by_role("heading", level=1)).to_have_text(f"Dashboard of {HOSTILE}")
    assert runs(page) == "4"
    page.locator(".aia-tile", has_text="Runs").click()
    page.wait_for_url(f"**/activity/**{desk}**")
    expect(page.locator("[data-id]")).to_have_count(4)
    assert page.evaluate("document.images.length") == 0


@pytest.mark.usefixtures("desk")
def test_each_sees_its_own(page_for: PageFor) -> None:
    """Charlie his tenant's alone, bob his own and is told so, root all of them."""
    assert runs(page_for("charlie", "/dashboard/")) == "1"
    assert runs(page_for("root", "/dashboard/")) == "5"
    page = page_for("bob", "/dashboard/")
    assert runs(page) == "4"
    expect(page.get_by_text("Your own runs only.")).to_be_visible()


def test_without_runs_it_says_what_to_do(page_for: PageFor) -> None:
    """No empty chart; the way to the playground instead."""
    page = page_for("alice", "/dashboard/")
    loaded(page)
    expect(page.locator("canvas")).to_have_count(0)
    page.get_by_role("link", name="Open the playground").click()
    page.wait_for_url("**/playground/**")


@pytest.mark.parametrize("width", [360, 1280, 1920])
def test_headings_stay_whole(page_for: PageFor, live_host: Live, width: int) -> None:
    """However long a name is, a table's headings take one line, and the page is no wider than the screen."""
    agent_id = make_agent(live_host.clients.alice, "An agent whose name says at length what it is for")["id"]
    execution(live_host.app, agent_id)
    page = page_for("alice", "/dashboard/", viewport={"width": width, "height": 900})
    loaded(page)
    heights = page.locator(".aia-top thead tr").evaluate_all("rows => rows.map((row) => row.offsetHeight)")
    assert heights
    assert max(heights) < 40
    assert page.evaluate("document.documentElement.scrollWidth") <= width
