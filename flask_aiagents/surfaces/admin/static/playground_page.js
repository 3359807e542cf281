// What the parts of the playground share: the page's data, its texts, its templates, its requests.

export const one = (selector, root = document) => root.querySelector(selector);

export const data = JSON.parse(one("#playground-data").textContent);

/** A text of the page, with %(name)s filled in. */
export function say(name, values = {}) {
  return data.texts[name].replace(/%\((\w+)\)s/g, (_, key) => values[key]);
}

/** A fresh copy of a template's element. */
export function copyOf(id) {
  return one(`#playground-${id}`).content.firstElementChild.cloneNode(true);
}

const asScript = { "HX-Request": "true" };

export async function getJson(url, values) {
  const answer = await fetch(`${url}?${new URLSearchParams(values)}`, { headers: asScript });
  if (!answer.ok) throw new Error(answer.status);
  return answer.json();
}

/** POST; an answer that is no stream is thrown as {message, hint, details}. */
export async function post(url, body, signal) {
  const token = one('meta[name="csrf-token"]').content;
  const headers = { ...asScript, "Content-Type": "application/json", "X-CSRF-Token": token };
  const answer = await fetch(url, { method: "POST", body: JSON.stringify(body), headers, signal, redirect: "manual" });
  if (answer.ok && answer.headers.get("Content-Type")?.startsWith("text/event-stream")) return answer;
  throw await refusal(answer);
}

async function refusal(answer) {
  try {
    const told = await answer.json();
    if (told.message) return told;
  } catch {
    // A page of the host's, such as its login.
  }
  return { message: say("unreadable", { status: answer.status }), hint: say("unreadable_hint") };
}

// The same as the panel's own pages write them.

export function money(text) {
  const amount = Number(text);
  if (!amount) return "$0";
  return `$${amount.toFixed(amount >= 1 ? 2 : Math.min(12, 1 - Math.floor(Math.log10(amount))))}`;
}

export function duration(milliseconds) {
  return milliseconds < 1000 ? `${milliseconds} ms` : `${(milliseconds / 1000).toFixed(1)} s`;
}
