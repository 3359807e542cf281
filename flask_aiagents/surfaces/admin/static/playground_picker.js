// A field that finds an agent by its name: a combobox with a list below, as ARIA describes one.

import { data, getJson, one, say } from "./playground_page.js";

const PAUSE_MS = 150;

export class Picker {
  constructor(root, number, agent, chosen) {
    this.root = root;
    this.field = one("input", root);
    this.list = one("ul", root);
    this.chosen = chosen;
    this.found = [];
    this.active = -1;
    this.asked = 0;
    this.field.id = `playground-agent-${number}`;
    this.list.id = `playground-agents-${number}`;
    one("label", root).htmlFor = this.field.id;
    this.field.setAttribute("aria-controls", this.list.id);
    this.show(agent);
    this.listen();
  }

  listen() {
    this.field.addEventListener("input", () => this.search(this.field.value, PAUSE_MS));
    this.field.addEventListener("click", () => this.list.hidden && this.search("", 0));
    this.field.addEventListener("keydown", (event) => this.key(event));
    this.field.addEventListener("focus", () => this.field.select());
    this.field.addEventListener("blur", () => this.close());
    // Not click: the field would lose its focus before, and the list would close.
    this.list.addEventListener("mousedown", (event) => {
      event.preventDefault();
      const option = event.target.closest("[role=option]");
      if (option) this.choose([...this.list.children].indexOf(option));
    });
  }

  show(agent) {
    this.agent = agent;
    this.field.value = agent?.name ?? "";
    one("[data-about]", this.root).textContent = [agent?.about, agent?.refused].filter(Boolean).join(" · ");
  }

  focus() {
    this.field.focus();
  }

  /** Say that an agent is wanted. */
  ask() {
    if (!this.agent) one("[data-about]", this.root).textContent = say("choose");
    this.focus();
    this.search("", 0);
  }

  async search(words, pause) {
    const asked = (this.asked += 1);
    await new Promise((resolve) => setTimeout(resolve, pause));
    if (asked !== this.asked) return;
    const answer = await getJson(data.urls.agents, { q: words.trim() }).catch(() => null);
    if (asked !== this.asked || document.activeElement !== this.field) return;
    if (answer === null) this.offer([], say("offline"));
    else this.offer(answer.items, answer.more ? say("more") : answer.items.length ? "" : say("none"));
  }

  offer(items, remark) {
    this.found = items;
    this.list.replaceChildren(...items.map((item, index) => this.option(item, index)));
    if (remark) this.list.append(this.remark(remark));
    this.list.hidden = false;
    this.field.setAttribute("aria-expanded", "true");
    this.activate(-1);
  }

  option(item, index) {
    const option = document.createElement("li");
    option.id = `${this.list.id}-${index}`;
    option.setAttribute("role", "option");
    option.setAttribute("aria-selected", "false");
    if (item.refused) option.setAttribute("aria-disabled", "true");
    const about = document.createElement("small");
    about.textContent = item.refused ?? item.about;
    option.append(item.name, about);
    return option;
  }

  remark(words) {
    const remark = document.createElement("li");
    remark.setAttribute("role", "option");
    remark.setAttribute("aria-disabled", "true");
    remark.setAttribute("aria-selected", "false");
    remark.textContent = words;
    return remark;
  }

  key(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && this.list.hidden) this.search("", 0);
    else if (step) this.activate(this.stepped(step));
    else if (event.key === "Enter" && !this.list.hidden) this.choose(Math.max(0, this.active));
    else if (event.key === "Escape" && !this.list.hidden) this.close();
    else return;
    event.preventDefault();
  }

  stepped(step) {
    return this.found.length ? (this.active + step + this.found.length) % this.found.length : -1;
  }

  activate(index) {
    this.active = index;
    [...this.list.children].forEach((option, at) => option.setAttribute("aria-selected", String(at === index)));
    if (index < 0) return this.field.removeAttribute("aria-activedescendant");
    this.field.setAttribute("aria-activedescendant", this.list.children[index].id);
    this.list.children[index].scrollIntoView({ block: "nearest" });
  }

  choose(index) {
    const agent = this.found[index];
    if (!agent || agent.refused) return;
    this.show(agent);
    this.close();
    this.chosen(agent);
  }

  close() {
    this.asked += 1;
    this.list.hidden = true;
    this.field.setAttribute("aria-expanded", "false");
    this.field.removeAttribute("aria-activedescendant");
    if (this.agent) this.field.value = this.agent.name;
  }
}
