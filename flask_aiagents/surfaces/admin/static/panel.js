// What every page of the panel does: modals, confirmation, notices, ticked rows, filters, theme.
// Nothing here is needed to use a page; without it forms are posted as forms are.
import { keepLive } from "./live.js";

const $ = window.jQuery; // Bootstrap 4 opens its modals through it
const one = (selector, root = document) => root.querySelector(selector);
const all = (selector, root = document) => [...root.querySelectorAll(selector)];

export const csrf = () => one('meta[name="csrf-token"]').content;
export const headers = () => ({ "X-CSRF-Token": csrf(), "HX-Request": "true" });

export function toast(html) {
  one("#toasts").insertAdjacentHTML("beforeend", html); // the server's own, escaped there
}

document.body.addEventListener("htmx:configRequest", (event) => {
  if (event.detail.verb !== "get") event.detail.headers["X-CSRF-Token"] = csrf();
});

// Modals: what htmx put into #modal-body is shown; whoever opened one has the focus again when it closes.
let opener = null;
document.body.addEventListener("htmx:afterSwap", (event) => {
  if (event.detail.target.id !== "modal-body") return;
  if (!one("#modal").matches(".show")) opener = document.activeElement;
  $("#modal").modal("show");
  one(".is-invalid, [autofocus]", event.detail.target)?.focus();
});
$("#modal").on("shown.bs.modal", (event) => {
  const first = one(".is-invalid, [autofocus], input:not([type=hidden]), select, textarea", event.target);
  first?.focus();
});
$("#modal").on("hidden.bs.modal", () => {
  one("#modal-body").replaceChildren();
  opener?.focus();
});

// What went wrong with a request of htmx: the server's notice, or that there was no answer.
document.body.addEventListener("htmx:responseError", (event) => {
  const answer = event.detail.xhr;
  const ours = (answer.getResponseHeader("Content-Type") || "").startsWith("text/html") && answer.responseText.includes("aia-toast");
  toast(ours ? answer.responseText : one("#toast-failed").innerHTML);
});
for (const name of ["htmx:sendError", "htmx:timeout"]) {
  document.body.addEventListener(name, () => toast(one("#toast-failed").innerHTML));
}

// Disabled while submitting, with a word that says so.
function busy(form, on) {
  for (const button of all("button[data-busy]", form)) {
    button.disabled = on;
    if (on) button.dataset.idle = button.textContent;
    button.textContent = on ? button.dataset.busy : (button.dataset.idle ?? button.textContent);
  }
  form.setAttribute("aria-busy", on);
}
document.body.addEventListener("htmx:beforeRequest", (event) => event.target.matches("form") && busy(event.target, true));
document.body.addEventListener("htmx:afterRequest", (event) => event.target.matches("form") && event.target.isConnected && busy(event.target, false));

// Questions before what cannot be undone.
let answered = null;
let asked = null;
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-confirm]");
  if (!button || answered === button) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  asked = button;
  one("#confirm [data-confirm-text]").textContent = button.dataset.confirm;
  one("#confirm [data-confirm-yes]").onclick = () => {
    $("#confirm").modal("hide");
    const ask = button.form?.elements.ask; // the server need not ask again
    if (ask) ask.disabled = true;
    answered = button;
    button.click();
    answered = null;
    if (ask) setTimeout(() => (ask.disabled = false));
  };
  $("#confirm").modal("show");
}, true);
$("#confirm").on("shown.bs.modal", () => one("#confirm [data-dismiss]").focus());
$("#confirm").on("hidden.bs.modal", () => asked?.focus());

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-close]")) event.target.closest(".aia-toast").remove();
  if (event.target.closest("[data-theme-toggle]")) {
    const dark = document.documentElement.dataset.theme !== "dark";
    document.documentElement.dataset.theme = dark ? "dark" : "light";
    localStorage.setItem("aiagents-theme", document.documentElement.dataset.theme);
    document.dispatchEvent(new CustomEvent("aiagents:theme"));
  }
  const copy = event.target.closest("[data-copy]");
  if (copy) navigator.clipboard?.writeText(one(copy.dataset.copy).textContent).then(() => copy.classList.add("aia-done"));
});

// Ticked rows.
function count() {
  for (const list of all("[data-list]")) {
    const ticks = all('input[name="rowid"]', list);
    const ticked = ticks.filter((tick) => tick.checked).length;
    for (const button of all("[data-bulk] button", list)) button.disabled = !ticked;
    const every = one("[data-tick-all]", list);
    if (every) {
      every.checked = ticked > 0 && ticked === ticks.length;
      every.indeterminate = ticked > 0 && ticked < ticks.length;
    }
  }
}
document.addEventListener("change", (event) => {
  if (event.target.matches("[data-tick-all]")) {
    for (const tick of all('input[name="rowid"]', event.target.closest("[data-list]"))) tick.checked = event.target.checked;
  }
  if (event.target.matches("[data-autosubmit]")) submitFilters(event.target.form);
  count();
});
count();

// Filters: blank ones stay out of the address.
function submitFilters(form) {
  for (const field of form.elements) if (field.name && !field.value) field.disabled = true;
  form.submit();
}
for (const form of all("[data-filters]")) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    submitFilters(form);
  });
}

// Times in the reader's own zone.
export function localTimes(root = document) {
  for (const time of all("time[datetime]", root)) time.title = new Date(time.dateTime).toLocaleString();
}
localTimes();
for (const table of all("[data-live]")) {
  keepLive(table, () => {
    localTimes(table);
    count();
  });
}
setTimeout(() => all(".aia-toast-success, .aia-toast-info").forEach((element) => element.remove()), 8000);

// On a phone the menu is a row: the page that is open is in sight.
const current = one(".aia-nav [aria-current]");
if (current) one(".aia-nav").scrollLeft = current.offsetLeft - 16;
