// Other parameters than the agent's own, for the runs of this page.

import { data, getJson, one } from "./playground_page.js";

export class Parameters {
  constructor(lane, number) {
    this.form = one("[data-parameters]", lane);
    this.toggle = one("[data-parameters-toggle]", lane);
    this.own = {};
    if (!this.form) return; // who may not try others has no form
    this.form.id = `playground-parameters-${number}`;
    this.toggle.setAttribute("aria-controls", this.form.id);
    this.toggle.addEventListener("click", () => this.open(this.form.hidden));
    this.form.addEventListener("input", () => this.mark());
    this.form.addEventListener("submit", (event) => event.preventDefault());
    this.form.addEventListener("reset", (event) => {
      event.preventDefault();
      this.fill();
    });
  }

  get fields() {
    return [...this.form.elements].filter((field) => field.name);
  }

  open(on) {
    this.form.hidden = !on;
    this.toggle.setAttribute("aria-expanded", String(on));
  }

  /** Fetch what this agent runs with. */
  async of(agent) {
    if (!this.form) return;
    this.agent = agent;
    this.toggle.disabled = true;
    this.own = {};
    this.fill();
    const own = await getJson(data.urls.parameters, { agent: agent.id }).catch(() => null);
    if (own === null || this.agent !== agent) return;
    this.own = own;
    this.fill();
    this.toggle.disabled = false;
  }

  fill() {
    this.fields.forEach((field) => (field.value = this.own[field.name] ?? ""));
    this.mark();
  }

  /** What differs from the agent's own; an emptied field takes its value away. */
  get overrides() {
    if (!this.form) return null;
    const changed = this.fields.filter((field) => field.value !== String(this.own[field.name] ?? ""));
    if (!changed.length) return null;
    return Object.fromEntries(changed.map((field) => [field.name, valueOf(field)]));
  }

  /** Show which fields differ; what was wrong with them is answered by changing them. */
  mark() {
    const changed = Object.keys(this.overrides ?? {});
    for (const field of this.fields) {
      field.classList.toggle("aia-changed", changed.includes(field.name));
      this.complain(field, []);
    }
    this.toggle.classList.toggle("aia-changed", changed.length > 0);
    one("[type=reset]", this.form).disabled = !changed.length;
  }

  /** Show the server's messages beside the fields that they are about. */
  refuse(messages) {
    const fields = this.form ? this.fields.filter((field) => messages?.[field.name]) : [];
    fields.forEach((field) => this.complain(field, messages[field.name]));
    if (fields.length) this.open(true);
  }

  complain(field, messages) {
    const place = field.closest(".form-group");
    one(".invalid-feedback", place)?.remove();
    field.classList.toggle("is-invalid", messages.length > 0);
    field.setAttribute("aria-invalid", String(messages.length > 0));
    field.removeAttribute("aria-describedby");
    if (!messages.length) return;
    const complaint = document.createElement("div");
    complaint.className = "invalid-feedback aia-shown";
    complaint.id = `${this.form.id}-${field.name}`;
    complaint.textContent = messages.join(" ");
    field.setAttribute("aria-describedby", complaint.id);
    place.append(complaint);
  }
}

function valueOf(field) {
  if (!field.value) return null;
  return field.type === "number" ? Number(field.value) : field.value;
}
