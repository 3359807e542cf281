"""The renderer of models' markdown, in a real browser."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Route

STATIC = files("flask_aiagents.surfaces.admin") / "static"
ORIGIN = "http://panel.test"
PAGE = """<!doctype html><html lang="en"><title>t</title><div id="root"></div>
<script type="module" nonce="n">
  import { Markdown, show } from "./markdown.js";
  Object.assign(window, { Markdown, show });
</script></html>"""
CSP = "default-src 'none'; script-src 'nonce-n'"

Show = Callable[[str], str]


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[Page]:
    """An empty page that has the renderer, under a CSP as strict as the panel's."""
    page = browser.new_page()
    page.route("**/*", _serve)
    page.goto(f"{ORIGIN}/")
    page.wait_for_function("() => Boolean(window.show)")
    yield page
    page.close()


def _serve(route: Route) -> None:
    name = route.request.url.removeprefix(ORIGIN).strip("/")
    headers = {"Content-Security-Policy": CSP}
    if not name:
        route.fulfill(body=PAGE, content_type="text/html", headers=headers)
    elif name.endswith(".js"):
        route.fulfill(body=(STATIC / name).read_text(), content_type="text/javascript")
    else:
        route.abort()


@pytest.fixture
def show(page: Page) -> Show:
    """Renders a text into an empty element and returns its HTML."""
    return lambda text: page.evaluate(
        "text => { const root = document.createElement('div'); show(root, text); return root.innerHTML; }", text
    )


LINK = 'target="_blank" rel="noopener noreferrer nofollow"'


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("plain", "<p>plain</p>"),
        ("one\n\ntwo", "<p>one</p><p>two</p>"),
        ("one\r\ntwo", "<p>one<br>two</p>"),
        ("a **b** c", "<p>a <strong>b</strong> c</p>"),
        ("*a* and _b_ and ~~c~~", "<p><em>a</em> and <em>b</em> and <del>c</del></p>"),
        ("***both***", "<p><strong><em>both</em></strong></p>"),
        ("**a *b* c**", "<p><strong>a <em>b</em> c</strong></p>"),
        ("2 * 3 * 4 and snake_case_name", "<p>2 * 3 * 4 and snake_case_name</p>"),
        (r"\*not\* \<b\>", "<p>*not* &lt;b&gt;</p>"),
        ("`a < b`", "<p><code>a &lt; b</code></p>"),
        ("``a ` b``", "<p><code>a ` b</code></p>"),
        ("# One", "<h3>One</h3>"),
        ("#### Deep", "<h3>Deep</h3>"),
        ("# One\n## Two\ntext", "<h3>One</h3><h4>Two</h4><p>text</p>"),
        ("#no heading", "<p>#no heading</p>"),
        ("---", "<hr>"),
        ("> a\n> b", "<blockquote>a<br>b</blockquote>"),
        ("- a\n- b", "<ul><li>a</li><li>b</li></ul>"),
        ("3. a\n4. b", '<ol start="3"><li>a</li><li>b</li></ol>'),
        ("- a\n  - b\n- c", "<ul><li>a<ul><li>b</li></ul></li><li>c</li></ul>"),
        ("1. a\n\n   more\n\n2. b", '<ol start="1"><li><p>a</p><p>more</p></li><li>b</li></ol>'),
        ("- a\n\nafter", "<ul><li>a</li></ul><p>after</p>"),
        ("- `x`\n  ```\n  y\n  ```", '<ul><li><code>x</code><pre tabindex="0"><code>y</code></pre></li></ul>'),
        (
            "```py\n<b>\n\n# x\n```\nz",
            '<pre tabindex="0" data-language="py"><code>&lt;b&gt;\n\n# x</code></pre><p>z</p>',
        ),
        (
            "| a | b |\n|---|:-:|\n| 1 | *2* |",
            '<div class="aia-md-table" tabindex="0"><table><thead><tr><th>a</th><th>b</th></tr></thead>'
            "<tbody><tr><td>1</td><td><em>2</em></td></tr></tbody></table></div>",
        ),
        ("a | b\nc", "<p>a | b<br>c</p>"),
        ("[x **y**](https://e.org/?a=1)", f'<p><a href="https://e.org/?a=1" {LINK}>x <strong>y</strong></a></p>'),
        ("see https://e.org/a.", f'<p>see <a href="https://e.org/a" {LINK}>https://e.org/a</a>.</p>'),
        ("[1] http://e.org", f'<p>[1] <a href="http://e.org" {LINK}>http://e.org</a></p>'),
    ],
)  # fmt: skip
def test_markdown_is_shown(show: Show, text: str, html: str) -> None:
    """What models commonly write looks as it is meant."""
    assert show(text) == html


HOSTILE = [
    "<script>window.hit = 1</script>",
    "<img src=x onerror=window.hit=1>",
    "<svg/onload=window.hit=1>",
    "[x](javascript:window.hit=1)",
    "[x](JaVaScRiPt:window.hit=1)",
    "[x](data:text/html,<script>window.hit=1</script>)",
    "[x](\tjavascript:window.hit=1)",
    "[x](//e.org/x)",
    "[x](/admin/delete)",
    "![x](https://e.org/pixel.png)",
    "![x](javascript:window.hit=1)",
    '[x](https://e.org/"onmouseover="window.hit=1)',
    "[x](vbscript:x) <javascript:window.hit=1>",
    '```"><script>window.hit=1</script>\ncode\n```',
    "| <img src=x onerror=window.hit=1> |\n|---|\n| <b> |",
    "**<b onmouseover=window.hit=1>**",
    "{{7+7}} ${7+7} %(x)s",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_r23_markup_is_inert(page: Page, text: str) -> None:
    """HTML stays text, nothing runs or loads, and links lead to http and https alone."""
    requested: list[str] = []
    page.on("request", lambda request: requested.append(request.url))
    found: dict[str, Any] = page.evaluate(
        """text => {
            const root = document.querySelector("#root");
            root.replaceChildren();
            show(root, text);
            const all = [...root.querySelectorAll("*")];
            return {
                tags: all.map(one => one.tagName.toLowerCase()),
                attributes: all.flatMap(one => one.getAttributeNames()),
                links: all.filter(one => one.href).map(one => one.protocol),
                hit: window.hit ?? null,
            };
        }""",
        text,
    )
    known = {"p", "a", "strong", "pre", "code", "div", "table", "thead", "tbody", "tr", "th", "td"}
    assert set(found["tags"]) <= known
    assert set(found["attributes"]) <= {"href", "target", "rel", "tabindex", "data-language", "class"}
    assert set(found["links"]) <= {"https:", "http:"}
    assert found["hit"] is None
    assert requested == []


LONG = 200_000
BOMBS = {
    "stars": "*" * LONG,
    "spaced stars": "*a " * (LONG // 3),
    "mixed marks": "**a *b __c _d ~~e " * (LONG // 18),
    "brackets": "[" * LONG,
    "bracket pairs": "[](" * (LONG // 3),
    "links": "[a](http://" * (LONG // 11) + ")",
    "many closings": ("[](http://" * 200 + ")") * (LONG // 2001),
    "urls": "http://" * (LONG // 7),
    "backticks": "".join("`" * n + " " for n in range(1, 630)),
    "odd backticks": "` `` " * (LONG // 5),
    "quotes": ">" * LONG,
    "quotes of lists": "> - " * (LONG // 4),
    "lines": "a\n" * (LONG // 2),
    "blank lines": "\n" * LONG,
    "lists": "".join("  " * (n % 90) + "- a\n" for n in range(2000)),
    "broken lists": "- a\n\n\n1. b\n\n\n" * (LONG // 14),
    "pipes": "|" * LONG + "\n" + "-|" * (LONG // 2),
    "tables": "|a|b|\n|-|-|\n" * (LONG // 12),
    "fences": "```\n" * (LONG // 4),
    "spaces": "a" + " " * LONG + "b",
    "rule": "- " * (LONG // 2) + "x",
    "hashes": "# " + " #" * (LONG // 2) + "x",
    "escapes": "\\*" * (LONG // 2),
    "one word": "x" * LONG,
}


@pytest.mark.parametrize("name", BOMBS)
def test_no_text_is_slow(page: Page, name: str) -> None:
    """200 KB of anything is shown within a second or so."""
    milliseconds = page.evaluate(
        """text => {
            const [root, started] = [document.createElement("div"), performance.now()];
            show(root, text);
            return performance.now() - started;
        }""",
        BOMBS[name],
    )
    assert milliseconds < 1500


def test_a_giant_text_is_plain_at_its_end(page: Page) -> None:
    """What is beyond 256 KB is there as plain text."""
    html = page.evaluate(
        """() => { const root = document.createElement("div"); show(root, "**a** ".repeat(100000) + "END");
                   return [root.querySelectorAll("strong").length, root.textContent.endsWith("END")]; }"""
    )
    assert 40_000 < html[0] < 50_000
    assert html[1]


DOCUMENT = """# Title

Some **bold** and `code` and [a link](https://e.org).

1. one
   - inner
     more

2. two

> quoted
> - list

| a | b |
|---|---|
| 1 | 2 |

```python
x = "**no**"

y
```
---
# Next
### Deeper
last *words*
"""


@pytest.mark.parametrize("size", [1, 2, 7, 50])
def test_a_text_that_grows_ends_the_same(page: Page, show: Show, size: int) -> None:
    """However a text is cut into pieces, in the end it looks as if it had come at once."""
    grown = page.evaluate(
        """([text, size]) => {
            const [root, begun] = [document.createElement("div"), []];
            const markdown = new Markdown(root);
            for (let at = 0; at < text.length; at += size) {
                markdown.append(text.slice(at, at + size));
                markdown.render();
                begun.push(root.firstElementChild);
            }
            return [root.innerHTML, begun.at(-1) === begun[Math.floor(begun.length / 2)]];
        }""",
        [DOCUMENT, size],
    )
    assert grown == [show(DOCUMENT), True]
