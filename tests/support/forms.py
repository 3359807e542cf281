"""A form in a page, read as a browser reads it."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any


class FormReader(HTMLParser):
    """Collects the fields of the form whose action begins with a path, and the messages beside them."""

    def __init__(self, page: str, action: str) -> None:
        super().__init__()
        self.fields: dict[str, list[str]] = {}
        self.messages: dict[str, str] = {}
        self.found = False
        self._action = action
        self._inside = False
        self._select = self._textarea = self._message = ""
        self._fresh, self._depth = False, 0
        self.feed(page)
        assert self.found, f"no form to {action}"

    def __getitem__(self, name: str) -> str:
        return self.fields[name][0]

    def data(self, **changes: Any) -> dict[str, Any]:
        """What the browser would send, with these fields changed; None leaves one out."""
        data: dict[str, Any] = {**self.fields, **changes}
        return {name: value for name, value in data.items() if value is not None}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        name, value = found.get("name") or "", found.get("value") or ""
        if tag == "form" and (found.get("action") or "").startswith(self._action):
            self._inside = self.found = True
        if not self._inside:
            return
        if tag == "input" and name and (found.get("type") not in ("checkbox", "radio") or "checked" in found):
            self.fields.setdefault(name, []).append(value)
        elif tag == "select":
            self._select = name
            self.fields.setdefault(name, []).append("")
        elif tag == "option" and self._select and "selected" in found:
            self.fields[self._select][-1] = value
        elif tag == "textarea":
            self._textarea, self._fresh = name, True
            self.fields.setdefault(name, []).append("")
        self._depth += tag == "div" and bool(self._message)
        if (found.get("id") or "").endswith("-error"):
            self._message, self._depth = (found["id"] or "").removesuffix("-error"), 1
            self.messages[self._message] = ""

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._inside = False
        if tag in ("select", "textarea"):
            self._select = self._textarea = ""
        self._depth -= tag == "div" and bool(self._message)
        if not self._depth:
            self._message = ""

    def handle_data(self, data: str) -> None:
        if self._textarea:
            if self._fresh:  # a newline right after the tag is markup, not text
                data = data[2:] if data.startswith("\r\n") else data.removeprefix("\n")
            self._fresh = False
            self.fields[self._textarea][-1] += data
        elif self._message and data.strip():
            self.messages[self._message] += data.strip()
