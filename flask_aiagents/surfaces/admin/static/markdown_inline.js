// Markdown inside of a line: code, bold, italics, strike-through, links. Returns nodes; one pass for tokens,
// one for nesting, with at most one open mark of each kind, so that no text makes it slow.

const LONGEST_URL = 2048;
const ESCAPABLE = /[!-/:-@[-`{-~]/;
const BARE_URL = /https?:\/\/[^\s<>"'`*|\\()[\]]{1,2048}/y;
// An address, and perhaps a title after it, which is left out.
const TARGET = /^\s{0,3}<?(https?:\/\/[^\s<>()[\]]+)>?(?:\s[^]*)?$/i;
const WORD = /[\p{L}\p{N}]/u;

export function inline(text) {
  return nested(tokens(text));
}

// Tokens: nodes, strings, and marks {mark, run, opens, closes}.

function tokens(text) {
  const ticks = backticks(text);
  const found = [];
  let plain = "";
  let bracket = -1; // the token after the last "["
  let closing = -2; // the next ")", as far as it was looked for
  const flush = () => {
    if (plain) found.push(plain);
    plain = "";
  };
  for (let at = 0; at < text.length; ) {
    const char = text[at];
    if (char === "\\" && ESCAPABLE.test(text[at + 1] ?? "")) {
      plain += text[at + 1];
      at += 2;
    } else if (char === "\n") {
      flush();
      found.push(document.createElement("br"));
      at += 1;
    } else if (char === "`") {
      const run = runLength(text, at);
      const end = ticks.closing(run, at);
      flush();
      found.push(end < 0 ? "`".repeat(run) : codeOf(text.slice(at + run, end)));
      at = end < 0 ? at + run : end + run;
    } else if (char === "[") {
      flush();
      bracket = found.push("[");
      at += 1;
    } else if (char === "]" && bracket >= 0) {
      if (closing < at && closing !== -1) closing = text.indexOf(")", at);
      const within = text[at + 1] === "(" && closing >= 0 && closing - at <= LONGEST_URL;
      const url = within ? safe(text.slice(at + 2, closing)) : null;
      flush();
      if (url) {
        const label = found.splice(bracket - 1).slice(1);
        found.push(linkTo(url, label.length ? nested(label) : [url]));
      } else plain += "]";
      at = url ? closing + 1 : at + 1;
      bracket = -1;
    } else if (char === "*" || char === "_" || char === "~") {
      const run = runLength(text, at);
      flush();
      found.push(markOf(text, at, char, run));
      at += run;
    } else if (char === "h" && !isWord(text[at - 1]) && text.startsWith("http", at)) {
      const url = bare(text, at);
      if (url && bracket < 0) {
        flush();
        found.push(linkTo(url, [url]));
      } else plain += url || char;
      at += url ? url.length : 1;
    } else {
      plain += char;
      at += 1;
    }
  }
  flush();
  return found;
}

/** Where runs of backticks are, by their length; looked up from left to right only. */
function backticks(text) {
  const places = new Map();
  for (let at = text.indexOf("`"); at >= 0; ) {
    const run = runLength(text, at);
    if (!places.has(run)) places.set(run, { list: [], next: 0 });
    places.get(run).list.push(at);
    at = text.indexOf("`", at + run);
  }
  return {
    closing(run, at) {
      const place = places.get(run);
      if (!place) return -1;
      while (place.next < place.list.length && place.list[place.next] <= at) place.next += 1;
      return place.list[place.next] ?? -1;
    },
  };
}

function runLength(text, at) {
  let end = at + 1;
  while (text[end] === text[at]) end += 1;
  return end - at;
}

function codeOf(text) {
  const code = document.createElement("code");
  code.textContent = text.replaceAll("\n", " ").trim();
  return code;
}

/** The URL, when it is one that a reader may be sent to. */
function safe(words) {
  const url = TARGET.exec(words)?.[1];
  return url && URL.canParse(url) ? url : null;
}

function bare(text, at) {
  BARE_URL.lastIndex = at;
  const url = BARE_URL.exec(text)?.[0] ?? "";
  let end = url.length;
  while (end && ".,;:!?_~".includes(url[end - 1])) end -= 1;
  return safe(url.slice(0, end)) ?? "";
}

function linkTo(url, children) {
  const link = document.createElement("a");
  link.href = url;
  link.target = "_blank";
  link.rel = "noopener noreferrer nofollow";
  for (const child of children) link.append(child);
  return link;
}

function markOf(text, at, char, run) {
  const [before, after] = [text[at - 1], text[at + run]];
  const known = char === "~" ? run === 2 : run <= 3;
  const opens = known && after !== undefined && !/\s/.test(after) && !(char === "_" && isWord(before));
  const closes = known && before !== undefined && !/\s/.test(before) && !(char === "_" && isWord(after));
  return { mark: char, run, opens, closes };
}

function isWord(char) {
  return char !== undefined && WORD.test(char);
}

// Nesting.

const TAGS = { 1: ["em"], 2: ["strong"], 3: ["strong", "em"] };

function nested(found) {
  const frames = [{ nodes: [] }];
  for (const token of found) {
    if (token.mark === undefined) frames.at(-1).nodes.push(token);
    else if (token.closes && isOpen(frames, token)) close(frames, token);
    else if (token.opens && !isOpen(frames, token)) frames.push({ token, nodes: [] });
    else frames.at(-1).nodes.push(token.mark.repeat(token.run));
  }
  while (frames.length > 1) giveUp(frames);
  return frames[0].nodes;
}

function isOpen(frames, token) {
  return frames.some((frame) => frame.token?.mark === token.mark && frame.token.run === token.run);
}

function close(frames, { mark, run }) {
  while (frames.at(-1).token.mark !== mark || frames.at(-1).token.run !== run) giveUp(frames);
  const { nodes } = frames.pop();
  const tags = mark === "~" ? ["del"] : TAGS[run];
  frames.at(-1).nodes.push(tags.reduceRight((children, tag) => [elementOf(tag, children)], nodes)[0]);
}

/** A mark that was never closed is text. */
function giveUp(frames) {
  const { token, nodes } = frames.pop();
  const parent = frames.at(-1).nodes;
  parent.push(token.mark.repeat(token.run));
  for (const node of nodes) parent.push(node);
}

function elementOf(tag, children) {
  const made = document.createElement(tag);
  for (const child of children) made.append(child);
  return made;
}
