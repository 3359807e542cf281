// The playground's page: one text for one agent, or for two side by side.

import { Lane } from "./playground_lane.js";
import { data, one } from "./playground_page.js";

const form = one("[data-composer]");
const text = one("textarea", form);
const [send, stop] = [one("[data-send]", form), one("[data-stop]", form)];
const compare = one("[data-compare]");
const lanes = [];

function addLane(agent) {
  const lane = new Lane(one("[data-lanes]"), lanes.length, agent, { chosen: address, state, giveBack, takeBack });
  lanes.push(lane);
}

/** The page's address says who is talked to, so that it can be kept and shared. */
function address() {
  const wanted = new URLSearchParams();
  ["agent", "compare"].forEach((name, index) => lanes[index] && wanted.set(name, lanes[index].agent?.id ?? ""));
  history.replaceState(null, "", `${data.urls.page}?${wanted}`);
}

function state() {
  const running = lanes.some((lane) => lane.running);
  const hadFocus = document.activeElement === stop;
  send.disabled = running;
  compare.disabled = running;
  one("[data-fresh]").disabled = running;
  stop.hidden = !running;
  if (hadFocus && !running) text.focus();
}

/** A text that got no answer is put back, unless something else was written meanwhile. */
function giveBack(words) {
  if (!text.value) text.value = words;
}

/** It is tried again from where it stands in the conversation. */
function takeBack(words) {
  if (text.value === words) text.value = "";
}

function submit() {
  const words = text.value.trim();
  if (!words || lanes.some((lane) => lane.running)) return;
  const unchosen = lanes.find((lane) => !lane.agent);
  if (unchosen) return unchosen.picker.ask();
  text.value = "";
  lanes.forEach((lane) => lane.run(words));
}

function stopAll() {
  lanes.forEach((lane) => lane.stop());
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  submit();
});
text.addEventListener("keydown", (event) => {
  // While a word is being composed, as in Japanese, Enter belongs to that.
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  submit();
});
stop.addEventListener("click", stopAll);
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !event.defaultPrevented) stopAll();
});
one("[data-fresh]").addEventListener("click", () => {
  lanes.forEach((lane) => lane.clear());
  text.focus();
});
compare.addEventListener("click", () => {
  if (lanes.length > 1) lanes.pop().remove();
  else addLane(null);
  showCompare();
  address();
  if (lanes.length > 1) lanes[1].picker.focus();
});

function showCompare() {
  compare.setAttribute("aria-pressed", String(lanes.length > 1));
  one("[data-lanes]").classList.toggle("aia-lanes-two", lanes.length > 1);
}

data.agents.forEach(addLane);
showCompare();
state(); // until here the form would have been sent as forms are, and the text lost
if (data.agents[0]) text.focus();
