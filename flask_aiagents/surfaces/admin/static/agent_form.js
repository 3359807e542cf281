// The form of one agent, wherever it appears: models to choose from, rows of fallbacks, folded sections on small
// screens, the test of a key. Without it the form works as a plain form.
import { combobox, optionsOf } from "./agent_combobox.js";

const all = (selector, root) => [...root.querySelectorAll(selector)];

function models(form) {
  const list = form.querySelector("#agent-models");
  if (!list) return;
  const provider = form.querySelector("#provider");
  const model = form.querySelector("#model");
  combobox(model, list, () => provider.value);
  const known = (value, owner) => optionsOf(list).find((one) => one.value === value && one.provider === owner);

  function tell() {
    const found = known(model.value.trim(), provider.value);
    const hint = form.querySelector("#model-help");
    hint.textContent = found ? found.words : hint.dataset.unknown;
    const limit = form.querySelector("[data-limit-hint]");
    limit.textContent = found?.limit ? limit.dataset.text.replace("{limit}", Number(found.limit).toLocaleString()) : limit.dataset.unknown;
  }

  let before = provider.value;
  provider.addEventListener("change", () => {
    const theirs = optionsOf(list).filter((one) => one.provider === provider.value);
    // A model of the provider that was chosen before is none of this one's; what was typed freely stays.
    if (!model.value || (known(model.value, before) && !known(model.value, provider.value))) {
      model.value = theirs.length === 1 ? theirs[0].value : "";
    }
    before = provider.value;
    tell();
  });
  model.addEventListener("input", tell);
  model.addEventListener("change", tell);
}

function fallbacks(form) {
  const place = form.querySelector("[data-rows]");
  if (!place) return;
  const list = form.querySelector("#agent-models");
  const add = place.querySelector("[data-add-row]");
  const blank = all("[data-row]", place).at(-1).cloneNode(true);
  for (const field of all("input, select", blank)) {
    field.value = "";
    field.classList.remove("is-invalid");
    for (const name of ["aria-invalid", "aria-describedby"]) field.removeAttribute(name);
  }
  all(".invalid-feedback", blank).forEach((message) => message.remove());

  const ready = (row) => {
    row.querySelector("[data-remove-row]").hidden = false;
    combobox(row.querySelector("[data-model]"), list, () => row.querySelector("[data-provider]").value);
  };
  const count = () => (add.hidden = all("[data-row]", place).length >= Number(place.dataset.most));

  let made = 100;
  add.addEventListener("click", () => {
    const row = blank.cloneNode(true);
    made += 1;
    for (const name of ["provider", "model"]) {
      const field = row.querySelector(`[data-${name}]`);
      row.querySelector(`label[for="${field.id}"]`).htmlFor = `fallback-${made}-${name}`;
      field.id = `fallback-${made}-${name}`;
    }
    add.before(row);
    ready(row);
    count();
    row.querySelector("select").focus();
  });
  place.addEventListener("click", (event) => {
    if (!event.target.closest("[data-remove-row]")) return;
    event.target.closest("[data-row]").remove();
    count();
    add.focus();
  });
  for (const row of all("[data-row]", place)) {
    if (row.querySelector("[data-model]").value || row.querySelector("[data-provider]").value) ready(row);
    else row.remove(); // the row for those without scripts
  }
  count();
}

function explain(form) {
  for (const select of all("[data-explained]", form)) {
    const line = form.querySelector(`#${select.id}-help`);
    select.addEventListener("change", () => (line.textContent = select.selectedOptions[0].dataset.line));
  }
}

function fold(form) {
  if (!matchMedia("(max-width: 575px)").matches) return;
  const sections = all("[data-section]", form);
  const wrong = sections.filter((section) => section.matches(".aia-section-wrong"));
  for (const section of sections) section.open = wrong.length ? wrong.includes(section) : section === sections[0];
}

function begin(form) {
  if (form.dataset.begun) return;
  form.dataset.begun = "yes";
  const here = form.querySelector("[data-here]");
  if (here && !here.value) here.value = location.pathname + location.search;
  models(form);
  fallbacks(form);
  explain(form);
  fold(form);
}

// A key that was typed is never sent back by the server: it is carried over here when the form comes back.
let typedKey = "";
document.body.addEventListener("htmx:beforeRequest", (event) => {
  const form = event.target.closest("[data-agent-form]");
  typedKey = form?.querySelector("#api_key")?.value ?? "";
  const test = event.target.closest("[data-test]");
  if (!test) return;
  test.disabled = true;
  const said = document.createElement("p");
  said.textContent = test.dataset.testing;
  document.querySelector("#agent-test").replaceChildren(said);
});
document.body.addEventListener("htmx:afterRequest", (event) => {
  const test = event.target.closest("[data-test]");
  if (!test) return;
  test.disabled = false;
  if (!event.detail.successful && event.detail.xhr.status !== 422) document.querySelector("#agent-test").replaceChildren();
});
document.body.addEventListener("htmx:afterSettle", () => {
  for (const form of all("[data-agent-form]", document)) {
    const fresh = !form.dataset.begun;
    begin(form);
    const key = form.querySelector("#api_key");
    if (fresh && key && typedKey) key.value = typedKey;
    if (fresh) form.querySelector(".is-invalid")?.focus();
  }
});
for (const form of all("[data-agent-form]", document)) begin(form);
