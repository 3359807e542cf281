// One agent's side of the playground: who it is, with which parameters it runs, and what was said.

import { Answer } from "./playground_answer.js";
import { copyOf, data, getJson, one, post, say } from "./playground_page.js";
import { Parameters } from "./playground_parameters.js";
import { Picker } from "./playground_picker.js";
import { events } from "./sse.js";

export class Lane {
  constructor(place, number, agent, page) {
    this.page = page;
    this.root = copyOf("lane");
    this.talk = one(".aia-talk", this.root);
    this.empty = one(".aia-talk-empty", this.root);
    this.said = []; // what the agent is told was said before
    this.abort = null;
    this.first = number === 0;
    place.append(this.root);
    this.parameters = new Parameters(this.root, number);
    this.picker = new Picker(one("[data-picker]", this.root), number, agent, (chosen) => this.choose(chosen));
    if (agent && !agent.refused) this.meet(agent);
  }

  get running() {
    return this.abort !== null;
  }

  /** Talk to somebody else, who has not heard what was said. */
  choose(agent) {
    this.clear();
    this.meet(agent);
    this.page.chosen();
  }

  meet(agent) {
    this.agent = agent;
    one("[data-title]", this.root).textContent = say("lane", { name: agent.name });
    this.parameters.of(agent);
  }

  clear() {
    this.said = [];
    this.talk.replaceChildren(this.empty);
  }

  remove() {
    this.stop();
    this.root.remove();
  }

  stop() {
    this.abort?.abort();
  }

  async run(words) {
    const overrides = this.parameters.overrides;
    const answer = this.ask(words, overrides !== null);
    this.abort = new AbortController();
    this.picker.field.disabled = true;
    this.page.state();
    try {
      await this.hear(answer, { agent: this.agent.id, input: [...this.said, asUser(words)], overrides });
      this.remember(words, answer);
    } catch (error) {
      this.wrong(error, words, answer);
    }
    this.abort = null;
    this.picker.field.disabled = false;
    this.page.state();
  }

  ask(words, tried) {
    this.empty.remove();
    const question = copyOf("question");
    one("[data-text]", question).textContent = words;
    this.talk.append(question);
    const again = () => {
      if (this.running) return;
      question.remove();
      answer.root.remove();
      this.page.takeBack(words);
      this.run(words);
    };
    const answer = new Answer(this.talk, { tried, again });
    if (this.first) answer.root.scrollIntoView({ block: "nearest" });
    return answer;
  }

  /** Read the stream to its end. Throws what ended it badly. */
  async hear(answer, body) {
    const response = await post(data.urls.run, body, this.abort.signal);
    for await (const [name, told] of events(response)) {
      if (name === "error") throw told;
      answer.take(name, told);
      if (name === "done") return;
    }
    throw new TypeError("cut off");
  }

  remember(words, answer) {
    if (answer.text) this.said.push(asUser(words), { role: "assistant", content: answer.text });
  }

  /** Show what a run took that was stopped or failed: its log knows, once the server has noticed. */
  async account(answer) {
    for (const pause of answer.log ? LOOKS : []) {
      await new Promise((resolve) => setTimeout(resolve, pause * 1000));
      const log = await getJson(data.urls.figures, { log: answer.log }).catch(() => null);
      if (log === null) return;
      if (log.status === "running") continue;
      return answer.figures({ ...log, usage: log.input_tokens === null ? null : log });
    }
  }

  wrong(error, words, answer) {
    if (this.abort.signal.aborted) {
      answer.stopped();
      this.remember(words, answer);
      return this.account(answer);
    }
    // An error of the network has no words of its own that would help.
    const told = error instanceof Error ? { message: say("offline"), hint: say("offline_hint") } : error;
    if (error instanceof Error && !(error instanceof TypeError)) console.error(error);
    answer.fail(told);
    this.account(answer);
    this.parameters.refuse(told.details?.overrides);
    this.page.giveBack(words);
  }
}

/** Until the log of a run that the page saw no end of has its figures, in seconds. */
const LOOKS = [0.3, 0.7, 2, 4, 8];

function asUser(content) {
  return { role: "user", content };
}
