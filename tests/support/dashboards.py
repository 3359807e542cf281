"""Reading a dashboard's parts as who looks at them does."""

from __future__ import annotations

import re
from html import unescape

from .panel import PanelClient


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
