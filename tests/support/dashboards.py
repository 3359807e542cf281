"""Reading a dashboard's parts as who looks at them does."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal
from html import unescape

from flask import Flask

from flask_aiagents.core.clock import utcnow

from .cast import ALICE, CHARLIE, Clients, make_agent
from .logs import execution
from .panel import PanelClient

NOW = utcnow()


def ran(host: Flask, clients: Clients) -> dict[str, str]:
    """Two agents of acme's and one of globex's that ran, long ago too; their ids."""
    made = {
        "desk": make_agent(clients.alice, "Desk")["id"],
        "writer": make_agent(clients.alice, "Writer")["id"],
        "globex": make_agent(clients.charlie, "Globex's")["id"],
    }
    for days in range(4):
        execution(host, made["desk"], at=NOW - timedelta(days=days, minutes=1), cost_usd=Decimal("0.25"))
    execution(host, made["desk"], principal=ALICE, status="error", error="upstream", duration_ms=90_000)
    execution(host, made["writer"], principal=ALICE, model="other", cost_usd=Decimal("1.5"), tokens_used=1_234)
    execution(host, made["writer"], at=NOW - timedelta(days=60), tokens_used=10**9)
    execution(host, made["globex"], principal=CHARLIE, status="timeout", error="timeout", cost_usd=None)
    return made


def part(panel: PanelClient, name: str, query: str = "") -> str:
    """One part, as the page's script gets it."""
    response = panel.get(f"/dashboard/part/{name}/?{query}", headers={"HX-Request": "true"})
    assert response.status_code == 200, response.text
    assert "<html" not in response.text
    return response.text


def parts(page: str) -> list[str]:
    """The parts that a page asks for, in its order."""
    return re.findall(r'id="part-([\w-]+)" data-part', page)


def tiles(html: str) -> list[str]:
    """The key figures in words."""
    return [unescape(text) for text in re.findall(r"<strong>([^<]*)</strong>", html)]


def rows(html: str) -> dict[str, list[str]]:
    """The figures of each row of a table."""
    found = {}
    for row in re.findall(r"<tr>(.*?)</tr>", html.partition("<tbody>")[2], re.DOTALL):
        head, _, rest = row.partition("</th>")
        cells = re.findall(r"<td[^>]*>(.*?)</td>", rest, re.DOTALL)
        found[_text(head)] = [_text(cell) for cell in cells]
    return found


def links(html: str) -> dict[str, str]:
    """Where the page's words lead, by the words; of the same words the last."""
    return {
        _text(words): unescape(url)
        for url, words in re.findall(r'<a[^>]*?href="([^"]+)"[^>]*>(.*?)</a>', html, re.DOTALL)
    }


def _text(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())
