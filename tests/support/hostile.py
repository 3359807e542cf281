"""What somebody writes who wants other people's browsers to run it."""

from __future__ import annotations

PAYLOADS = (
    "<script>window.pwned=1</script>",
    "</script><script>window.pwned=1</script>",
    "<img src=x onerror=window.pwned=1>",
    "<svg/onload=window.pwned=1>",
    "<iframe srcdoc='<script>parent.pwned=1</script>'></iframe>",
    '"><script>window.pwned=1</script>',
    "' autofocus onfocus=window.pwned=1 x='",
    '" onmouseover="window.pwned=1" x="',
    "javascript:window.pwned=1",
    "[link](javascript:window.pwned=1)",
    "![image](https://evil.example/x.png)",
    "{{7*7}}${7*7}#{7*7}<%= 7*7 %>",
    "`${window.pwned=1}`",
    "</textarea></title></template><script>window.pwned=1</script>",
    "<base href=https://evil.example/><meta http-equiv=refresh content=0;url=https://evil.example>",
    "<form action=https://evil.example><button>Log in</button></form>",
    "<a href=javascript:window.pwned=1>x</a><math><a xlink:href=javascript:window.pwned=1>y",
    "<style>@import url(https://evil.example/x.css)</style><link rel=stylesheet href=https://evil.example/y.css>",
    "<x hx-get=https://evil.example hx-trigger=load></x><p data-confirm=1 data-live=1 data-copy='<img>'>",
    "\u202e<b>\u2028window.pwned=1//\\u003cscript\\u003ewindow.pwned=1",
)

EVERYTHING = "\n".join(PAYLOADS)
"""All of it, for a field that takes a long text."""

NAME = "<img src=x onerror=window.pwned=1>\"'></script>{{7*7}}"
"""For a field that takes few words."""

USER = "<script>window.pwned=1</script>\"'"
"""For an id that the host gives."""

LIVE_ELEMENTS = """() => {
  const told = (found) => [...found].map((element) => element.outerHTML.slice(0, 200));
  const inert = "iframe, object, embed, base, img, meta[http-equiv], main :is(style, link, script:not([type]))";
  const handlers = [...document.querySelectorAll("*")].filter((element) =>
    [...element.attributes].some(({ name, value }) => name.startsWith("on") || /^\\s*javascript:/i.test(value)
      && ["href", "src", "action", "formaction", "xlink:href"].includes(name)));
  const away = [...document.querySelectorAll("a[href], form[action], [hx-get], [hx-post]")].filter((element) =>
    ["href", "action", "hx-get", "hx-post"].some((name) => element.hasAttribute(name)
      && new URL(element.getAttribute(name), location).origin !== location.origin));
  const ran = window.pwned === undefined ? [] : ["it ran"];
  return [...told(document.querySelectorAll(inert)), ...told(handlers), ...told(away), ...ran];
}"""
"""What of it came to life in a page: elements that load, run or lead away. To be evaluated there."""
