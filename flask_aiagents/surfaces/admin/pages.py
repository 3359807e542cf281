"""Templates of the panel, in a Jinja environment of its own."""

from __future__ import annotations

from functools import cache
from typing import Any

from flask import Response, flash, get_flashed_messages, make_response, redirect, request, url_for
from jinja2 import Environment, PackageLoader, pass_context
from jinja2.runtime import Context
from markupsafe import Markup
from werkzeug.urls import iri_to_uri
from werkzeug.wrappers import Response as WerkzeugResponse

from ...errors import AIAgentsError
from ...features.access.policy import Permission
from ...version import __version__
from ...web.urls import current_path
from . import agent_words, formats, security, texts

ASSETS = "aiagents_panel_assets"
"""The endpoint prefix of our static files."""


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("flask_aiagents.surfaces.admin"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.do"],
    )
    environment.filters.update(formats.FILTERS, spoken=agent_words.spoken)
    environment.globals.update(
        _=texts.gettext,
        ngettext=texts.ngettext,
        language=texts.language,
        url_for=url_for,
        asset=_asset,
        current_path=current_path,
        home=_home,
        csrf_field=_csrf_field,
        csrf_token=security.csrf_token,
        nonce=security.nonce,
        get_flashed_messages=get_flashed_messages,
        Permission=Permission,
        cell=_cell,
        spoken=agent_words.spoken,
    )
    return environment


def render(view: Any, template: str, context: dict[str, Any]) -> str:
    """A template with what every page knows."""
    return (
        _environment()
        .get_template(template)
        .render(
            view=view,
            admin_view=view,
            admin=view.admin,
            request=request,
            principal=request.environ.get("aiagents.panel_principal"),
            may=view.may,
            label=view.names.label,
            **context,
        )
    )


def error(view: Any, known: AIAgentsError) -> str:
    """What went wrong and what to do: a page, or a notice for a script."""
    template = "aiagents/error_notice.html" if is_script() else "aiagents/error.html"
    return render(view, template, {"error": known})


def is_script() -> bool:
    """Whether a script of ours asks, that puts the answer into an open page."""
    return "HX-Request" in request.headers


def toast(message: str, kind: str = "success") -> None:
    """A notice on the page that comes next: ``success``, ``danger`` or ``info``."""
    flash(message, f"aia-{kind}")


def go(url: str) -> Response | WerkzeugResponse:
    """Redirect to another page; characters that no header may hold are percent-encoded."""
    url = iri_to_uri(url)
    if is_script():
        return make_response("", 204, {"HX-Redirect": url})
    return redirect(url)


def _home(admin: Any) -> str:
    """The first page of the Flask-Admin that the panel is in."""
    index = admin.index_view
    return url_for(f"{index.endpoint}.{index._default_view}")


def _asset(name: str) -> str:
    return url_for(f"{ASSETS}.static", filename=name, v=__version__)


def _csrf_field() -> Markup:
    return Markup('<input type="hidden" name="{}" value="{}">').format(security.TOKEN_FIELD, security.csrf_token())


@pass_context
def _cell(context: Context, cells: Any, row: Any, column: str) -> Any:
    """A cell as the view's ``cell_<column>`` macro shows it, else the value's text."""
    macro = getattr(cells, f"cell_{column}", None)
    if macro is not None:
        return macro(row)
    value = context["view"]._get_field_value(row, column)
    return formats.NOTHING if value is None or value == "" else value
