"""Lists whose rows are made and changed in a form, in the modal or on a page of its own."""

from __future__ import annotations

from typing import Any

from flask import request
from flask_admin import expose
from werkzeug.datastructures import MultiDict

from ...errors import BadRequest, ConfigurationError, Conflict, Forbidden, Invalid, NotFound
from ...llm.text import scrub
from .forms import PanelForm
from .lists import ListView
from .view import Answer

REFUSALS = (BadRequest, ConfigurationError, Conflict, Forbidden, Invalid, NotFound)
"""What the form tells, with all that was typed still in it."""


def sent() -> MultiDict[str, str] | None:
    """The form that was sent, without what no database takes; None when none was."""
    return MultiDict([(name, scrub(value)) for name, value in request.form.items(multi=True)]) or None


class FormPages(ListView):
    """Says :meth:`new_form` and :meth:`save`; :attr:`form_body` is the template of the fields."""

    form_body = ""
    form_class: type[PanelForm] = PanelForm

    def new_form(self) -> Any:
        """The form as it was sent, else as it begins."""
        return self.form_class(sent())

    def save(self, form: Any) -> Answer:
        """Call the service and say where to go; what it raises is shown in the form."""
        raise NotImplementedError

    @expose("/new/", methods=("GET", "POST"))
    def create_view(self) -> Answer:
        """The form that makes one."""
        return self.answer_form(self.new_form(), self.create_text, self.save)

    def answer_form(self, form: Any, title: str, save: Any, **context: Any) -> Answer:
        """Show a form, or do what it asks; what was wrong is said in the form, with status 422."""
        if request.method != "POST":
            return self.show_form(form, title, **context)
        try:
            return save(form)
        except REFUSALS as error:
            form.show(error)
            return self.show_form(form, title, **context), 422

    def show_form(self, form: Any, title: str, **context: Any) -> str:
        """The form as a page, or as the modal's content."""
        template = "aiagents/modal_form.html" if self.in_modal() else "aiagents/form.html"
        return self.render(template, form=form, form_title=title, form_body=self.form_body, **context)

    def in_modal(self) -> bool:
        """Whether the form stands in the modal of an open page."""
        return "modal" in request.args
