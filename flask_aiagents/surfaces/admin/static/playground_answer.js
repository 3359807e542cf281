// One answer as it comes in: text, steps of tools, and what it took.

import { Markdown } from "./markdown.js";
import { copyOf, duration, money, one, say } from "./playground_page.js";

export class Answer {
  constructor(talk, { tried, again }) {
    this.talk = talk;
    this.root = copyOf("answer");
    this.text = "";
    this.writing = null; // the text at the end, while no step follows it
    this.steps = new Map();
    this.cost = 0; // of the last rendering, in milliseconds
    this.part("[data-tried]").hidden = !tried;
    this.part("[data-again]").addEventListener("click", again);
    this.part("[data-copy-answer]").addEventListener("click", () => this.copy());
    talk.append(this.root);
    this.follow(true);
  }

  part(selector) {
    return one(selector, this.root);
  }

  /** Take one event of the stream. */
  take(name, data) {
    if (name === "log") this.link(data);
    else if (name === "delta") this.write(data.text);
    else if (name === "tool_call") this.step(data);
    else if (name === "tool_result") this.stepped(data);
    else if (name === "usage") this.figures({ usage: data, cost_usd: data.cost_usd });
    else if (name === "done") this.done(data);
    else if (name === "error") this.fail(data);
  }

  link({ log_id, url }) {
    this.log = log_id;
    this.part("[data-log]").href = url;
    this.part("[data-log]").hidden = false;
  }

  write(text) {
    this.text += text;
    if (!this.writing) this.writing = new Markdown(this.block("aia-markdown"));
    this.writing.append(text);
    // The longer it takes, the less often: the page stays usable whatever comes.
    this.timer ??= setTimeout(() => this.render(), Math.max(30, this.cost * 10));
  }

  render() {
    clearTimeout(this.timer);
    this.timer = undefined;
    if (!this.writing) return;
    const [started, atEnd] = [performance.now(), this.atEnd()];
    this.writing.render();
    this.cost = performance.now() - started;
    this.follow(atEnd);
  }

  block(name) {
    const block = document.createElement("div");
    block.className = name;
    this.part("[data-parts]").append(block);
    this.part("[data-waiting]").hidden = true;
    return block;
  }

  step({ id, name, arguments: given }) {
    this.render();
    this.writing = null;
    const atEnd = this.atEnd();
    const step = copyOf("step");
    one("[data-name]", step).textContent = name;
    one("[data-arguments]", step).textContent = pretty(given);
    this.steps.set(id, step);
    this.block("aia-steps").append(step);
    this.part("[data-waiting]").hidden = false;
    this.follow(atEnd);
  }

  stepped({ id, result, error, duration_ms }) {
    const step = this.steps.get(id);
    if (!step) return;
    const took = duration(duration_ms);
    one("[data-state]", step).textContent = error ? `${say("failed")} · ${took}` : took;
    step.classList.toggle("aia-step-failed", Boolean(error));
    one("[data-result-label]", step).hidden = one("[data-result]", step).hidden = false;
    one("[data-result]", step).textContent = error ?? pretty(result);
  }

  figures({ usage, cost_usd, duration_ms, provider, model }) {
    const told = [];
    if (usage) {
      const [input, output] = [usage.input_tokens, usage.output_tokens].map((count) => count.toLocaleString());
      told.push(say("tokens", { input, output }));
      told.push(cost_usd === null ? say("unpriced") : money(cost_usd));
    }
    if (duration_ms !== undefined) told.push(duration(duration_ms));
    if (model) told.push(`${provider} / ${model}`);
    this.part("[data-figures]").textContent = told.join(" · ");
  }

  done(execution) {
    if (typeof execution.output !== "string") this.showValue(execution.output);
    this.text = typeof execution.output === "string" ? execution.output : JSON.stringify(execution.output);
    this.figures(execution);
    if (execution.finish_reason === "length") this.note(say("cut"));
    this.end();
  }

  /** JSON, as the agent's output_schema asked for it, in place of its text. */
  showValue(value) {
    this.render();
    this.writing?.root.replaceChildren();
    const pre = document.createElement("pre");
    pre.tabIndex = 0;
    pre.textContent = pretty(value);
    (this.writing?.root ?? this.block("aia-markdown")).append(pre);
    this.writing = null;
  }

  fail({ message, hint }) {
    this.part("[data-message]").textContent = message;
    this.part("[data-hint]").textContent = hint ?? "";
    this.part("[data-error]").hidden = false;
    this.end();
  }

  stopped() {
    this.note(say("stopped"));
    this.end();
  }

  note(words) {
    this.part("[data-note]").textContent = words;
    this.part("[data-note]").hidden = false;
  }

  end() {
    this.render();
    const atEnd = this.atEnd();
    this.part("[data-waiting]").hidden = true;
    this.part("[data-copy-answer]").hidden = !this.text;
    this.root.setAttribute("aria-busy", "false");
    this.follow(atEnd);
  }

  async copy() {
    await navigator.clipboard?.writeText(this.text);
    const button = this.part("[data-copy-answer]");
    const words = button.textContent;
    button.textContent = say("copied");
    setTimeout(() => (button.textContent = words), 1500);
  }

  // Who scrolled up to read is left there.

  atEnd() {
    return this.talk.scrollHeight - this.talk.scrollTop - this.talk.clientHeight < 60;
  }

  follow(atEnd) {
    if (atEnd) this.talk.scrollTop = this.talk.scrollHeight;
  }
}

function pretty(value) {
  return typeof value === "string" ? value : JSON.stringify(value, null, 2);
}
