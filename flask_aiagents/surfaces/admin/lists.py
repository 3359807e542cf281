"""The base of every list: Flask-Admin's model view over one of our services, instead of over tables.

Reading goes through the service's ``list`` and ``get``, so a list shows what the API shows. A page is asked
for without counting all rows; page and page size are clamped; ids that are none are absent. What Flask-Admin
would do itself behind the services (inline editing, lookups, its export) has no route here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar
from uuid import UUID

from flask import request
from flask_admin import expose
from flask_admin.model import BaseModelView

from ...errors import AIAgentsError, NotFound
from ...features.access.policy import Permission
from ...web.columns import Columns
from ...web.filtering import MAX_OFFSET, Query, Term
from ...web.pagination import Page
from .filters import ListFilter, search_terms
from .forms import PanelForm
from .names import HostNames, Kind
from .pages import go, toast
from .texts import _, _l, ngettext
from .view import Answer, PanelView

MAX_ROWS = 100
"""Rows that one bulk action takes: a page's."""


class ListView(PanelView, BaseModelView):
    """A list over a service. Says :attr:`columns`, :meth:`find_page` and :meth:`find_one`."""

    columns: ClassVar[Columns]
    filters: ClassVar[Sequence[ListFilter]] = ()
    search_columns: ClassVar[Sequence[str]] = ()
    cells_template: ClassVar[str] = "aiagents/cells.html"
    empty_template: ClassVar[str] = "aiagents/empty.html"
    """What a list shows that has no rows at all: what to do first."""

    action_order: ClassVar[Sequence[str]] = ()
    """All actions by name, as they are to be shown."""

    create_text: ClassVar[str] = _l("Create")
    live: ClassVar[bool] = True
    """Whether an open page keeps its rows up to date."""

    write_permission: ClassVar[Permission | None] = None
    """What it takes to see the buttons that change something."""

    list_template = "aiagents/list.html"
    can_create = can_edit = can_delete = False
    can_set_page_size = True
    page_size = 20
    page_size_options = (20, 50, 100)
    column_display_actions = True
    named_filter_urls = True

    # Routes of Flask-Admin's that would go past the services, or that only some lists have.
    ajax_lookup = ajax_update = export = None
    create_view = edit_view = details_view = None

    def __init__(self, names: HostNames | None = None, **options: Any) -> None:
        PanelView.__init__(self, names, model=self.columns.model, **options)

    def find_page(self, query: Query) -> Page:
        """A page of the rows, from the service."""
        raise NotImplementedError

    def find_one(self, id_: UUID) -> Any:
        """One row, from the service.

        :raises NotFound: when the principal sees none.
        """
        raise NotImplementedError

    def enrich(self, rows: list[Any]) -> list[Any]:
        """The rows with what else the list shows of them, asked for at once."""
        return rows

    def get_list(
        self,
        page: int | None,
        sort_field: Any,
        sort_desc: Any,
        search: str | None,
        filters: Any,
        page_size: int | None = None,
    ) -> tuple[Any, list[Any]]:
        """Flask-Admin's question for a page; rows are not counted."""
        size = page_size or self.page_size
        place = _clamped(page, size)
        found = self.find_page(
            Query(
                terms=self._terms(search),
                order=self._order(sort_field, sort_desc),
                limit=size,
                offset=place * size,
            )
        )
        more = found.next_cursor is not None and _clamped(place + 1, size) > place
        context: dict[str, Any] = self._template_args  # pyright: ignore[reportAssignmentType]
        context.update(has_next=more, first_row=found.first + 1)
        self._fetch_names(found.items)
        return None, self.enrich(found.items)

    def get_one(self, id: Any) -> Any:
        """The row of this id.

        :raises NotFound: when the principal sees none, and for what is no id at all.
        """
        try:
            wanted = UUID(str(id))
        except ValueError:
            raise NotFound(_("There is no such entry."), hint=_("Go back to the list.")) from None
        return self.find_one(wanted)

    def write_allowed(self) -> bool:
        """Whether the principal sees the buttons that change something."""
        return self.write_permission is None or self.may(self.write_permission)

    def create_allowed(self) -> bool:
        """Whether the principal sees the button that makes one."""
        return self.write_allowed()

    def selectable(self, row: Any) -> bool:
        """Return True when bulk actions may take this row."""
        return True

    def any_selectable(self, rows: Iterable[Any]) -> bool:
        """Return True when bulk actions may take one of these rows; else the list has no checkboxes."""
        return any(map(self.selectable, rows))

    def is_filtered(self) -> bool:
        """Whether the list shows a part of what there is."""
        return any(request.args.get(name) for name in self._filter_names())

    def row_name(self, row: Any) -> str:
        """What a row is called, for who cannot see it."""
        return str(self._get_field_value(row, "name") or self.get_pk_value(row))

    def _filter_names(self) -> set[str]:
        return {"search", "from", "to", *(one.name for one in self.filters)}

    def get_actions_list(self) -> tuple[list[Any], dict[Any, Any]]:
        """The actions in the order of :attr:`action_order`; Flask-Admin's is the alphabet's."""
        actions, confirmations = super().get_actions_list()
        return sorted(actions, key=lambda one: self.action_order.index(one[0])), confirmations

    def is_action_allowed(self, name: str) -> bool:
        return self.write_allowed()

    def visible_filters(self) -> list[Any]:
        """The filters that mean something to the principal."""
        wide = self.principal.is_super_admin and not self.principal.acting
        return [one for one in self.filters if wide or not getattr(one, "super_admin_only", False)]

    @expose("/")
    def index_view(self) -> Any:
        """The list; to the script that keeps it up to date only its table."""
        return super().index_view()

    @expose("/delete/", methods=("POST",))
    def delete_view(self) -> Answer:
        """Delete one row, after the question was answered."""
        if "ask" in request.form:
            return self.ask(_("This cannot be undone."))
        self.delete_model(self.get_one(request.form.get("id", "")))
        toast(_("Deleted."))
        return go(self.back())

    @expose("/action/", methods=("POST",))
    def action_view(self) -> Answer:
        """Do something to all rows that were ticked."""
        handler = self._actions_data.get(request.form.get("action", ""))
        ids = request.form.getlist("rowid")[:MAX_ROWS]
        if handler is None or not ids:
            toast(_("Nothing was done: tick some rows and choose an action."), "info")
            return go(self.back())
        if handler[2] and "ask" in request.form:
            return self.ask(str(handler[2]))
        return handler[0](ids) or go(self.back())

    def ask(self, question: str) -> str:
        """The question as a page, for a browser whose script did not ask it: Yes sends the same form again."""
        sent = [(name, value) for name, value in request.form.items(multi=True) if name != "ask"]
        return self.render("aiagents/ask.html", question=question, sent=sent)

    def each(self, ids: Sequence[str], change: Any, one: str, many: str) -> None:
        """Change each row by itself and tell how many were and which were not.

        :param one: what to say of one changed row, ``%(num)s`` being their number; ``many`` of several.
        """
        done, refused = 0, []
        for id_ in ids:
            try:
                change(UUID(id_))
                done += 1
            except (AIAgentsError, ValueError) as error:
                refused.append(str(getattr(error, "message", error)))
        if done:
            toast(ngettext(one, many, done))
        for reason in dict.fromkeys(refused):
            toast(reason, "danger")

    def back(self) -> str:
        """The list as it was, when the form said where that is; else the list's beginning."""
        here = self.get_url(".index_view")
        url = request.form.get("url") or request.args.get("url") or ""
        return url if url.split("?")[0] == here else here

    def get_pk_value(self, model: Any) -> str:
        return str(self._get_field_value(model, "id"))

    def _get_field_value(self, model: Any, name: Any) -> Any:
        return model.get(name) if isinstance(model, dict) else getattr(model, name, None)

    def render(self, template: str, **context: Any) -> str:
        if template == self.list_template and request.headers.get("X-AIAgents-Live"):
            template = "aiagents/list_table.html"
        return super().render(template, **context)

    def _terms(self, search: str | None) -> tuple[Term, ...]:
        found = [term for one in self.visible_filters() for term in one.terms(request.args)]
        return (*found, *search_terms(search, self.search_columns))

    def _order(self, sort_field: Any, descending: Any) -> tuple[tuple[str, bool], ...]:
        if sort_field in self._sortable_columns:
            return ((str(sort_field), bool(descending)),)
        default = self._get_default_order()
        return tuple((str(name), bool(desc)) for name, desc in default) if default else (self.columns.order,)

    def _fetch_names(self, rows: list[Any]) -> None:
        for kind, columns in _NAMED.items():
            self.names.fetch(kind, [self._get_field_value(row, name) for name in columns for row in rows])

    def _get_list_extra_args(self) -> Any:
        args = super()._get_list_extra_args()
        args.page = _clamped(args.page, self.get_safe_page_size(args.page_size))
        return args

    def init_search(self) -> bool:
        return bool(self.search_columns)

    def scaffold_list_columns(self) -> list[str]:
        return list(self.columns.names)

    def scaffold_sortable_columns(self) -> dict[Any, Any]:
        return {}

    def scaffold_form(self) -> Any:
        return PanelForm

    def _create_ajax_loader(self, name: str, options: Any) -> Any:
        raise NotImplementedError


_NAMED: dict[Kind, tuple[str, ...]] = {"user": ("user_id", "created_by"), "tenant": ("tenant_id",)}
"""The columns whose ids the host has names for."""


def _clamped(page: int | None, size: int) -> int:
    return max(0, min(page or 0, MAX_OFFSET // size))
