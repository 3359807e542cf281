// Markdown of models, made inert: a DOM of known elements whose texts are text nodes. No HTML, no images;
// links to http and https alone. Every step is linear in the length of the text, however hostile it is.

import { inline } from "./markdown_inline.js";

// Beyond this many characters an answer is shown as plain text.
const MOST = 262144;
// Lists and quotes inside of each other; deeper ones are text.
const DEEPEST = 8;

const FENCE = /^ {0,3}(`{3,}|~{3,})(.*)$/;
const HEADING = /^ {0,3}(#{1,6})[ \t]+(.*)$/;
const QUOTE = /^ {0,3}>/;
const ITEM = /^( *)([-*+]|\d{1,9}[.)])(?:[ \t]+(.*))?$/;

/** Shows a text that grows. Blocks that are complete stay as they are, only the end is made anew. */
export class Markdown {
  constructor(root) {
    this.root = root;
    this.text = "";
    this.settled = 0; // where the first block begins that may still change
    this.level = 2; // of the last heading before it
    this.changing = [];
  }

  append(piece) {
    this.text += piece.replaceAll("\r", "");
  }

  /** Bring the DOM up to date. */
  render() {
    this.changing.forEach((node) => node.remove());
    this.changing = [];
    const found = blocks(this.text.slice(this.settled, MOST).split("\n"), 0);
    // The last block may grow; while it is half a line, it may turn out to go on with the one before.
    const sure = found.length - (found.at(-1).lines.length > 1 ? 1 : 2);
    const context = { level: this.level };
    found.forEach((block, index) => {
      const nodes = make(block, context);
      nodes.forEach((node) => this.root.append(node));
      if (index >= sure) this.changing.push(...nodes);
      else [this.settled, this.level] = [this.settled + block.length, context.level];
    });
    if (this.text.length > MOST) this.changing.push(this.root.appendChild(element("pre", [this.text.slice(MOST)])));
  }
}

/** Show a whole text. */
export function show(root, text) {
  const markdown = new Markdown(root);
  markdown.append(text);
  markdown.render();
}

// From lines to blocks: {kind, lines, length}, where length counts the characters that it stands for.

function blocks(lines, depth) {
  const found = [];
  for (let at = 0; at < lines.length; ) {
    const [kind, end, more] = next(lines, at, depth);
    const taken = lines.slice(at, end);
    const length = taken.reduce((sum, line) => sum + line.length + 1, 0);
    if (kind === "blank" && found.length) found.at(-1).length += length;
    else found.push({ kind, lines: taken, length, depth, ...more });
    at = end;
  }
  return found;
}

function next(lines, at, depth) {
  const line = lines[at];
  if (!line.trim()) return ["blank", at + 1];
  const fence = FENCE.exec(line);
  if (fence) return ["code", fenceEnd(lines, at, fence[1])];
  if (HEADING.test(line)) return ["heading", at + 1];
  if (isRule(line)) return ["rule", at + 1];
  if (depth < DEEPEST && QUOTE.test(line)) return ["quote", while_(lines, at, (one) => QUOTE.test(one))];
  if (depth < DEEPEST && isItem(line)) return ["list", listEnd(lines, at)];
  const columns = tableColumns(lines, at);
  if (columns) return ["table", while_(lines, at + 2, (one) => one.trim() && one.includes("|")), { columns }];
  return ["paragraph", paragraphEnd(lines, at, depth)];
}

function while_(lines, at, holds) {
  while (at < lines.length && holds(lines[at])) at += 1;
  return at;
}

function fenceEnd(lines, at, fence) {
  const end = while_(lines, at + 1, (line) => {
    const mark = line.trim();
    return mark.length < fence.length || mark !== fence[0].repeat(mark.length);
  });
  return Math.min(end + 1, lines.length);
}

function isRule(line) {
  const bare = line.trimStart();
  if (!"-*_".includes(bare[0])) return false;
  const marks = bare.replace(/\s+/g, "");
  return marks.length >= 3 && marks === marks[0].repeat(marks.length);
}

function isItem(line) {
  return ITEM.test(line) && !isRule(line);
}

function startsBlock(line, depth) {
  if (!line.trim() || FENCE.test(line) || HEADING.test(line) || isRule(line)) return true;
  return depth < DEEPEST && (QUOTE.test(line) || isItem(line));
}

function paragraphEnd(lines, at, depth) {
  for (at += 1; at < lines.length; at += 1) {
    if (startsBlock(lines[at], depth) || tableColumns(lines, at)) return at;
  }
  return at;
}

/** A list goes on through its items, what is indented below them, and blank lines between those. */
function listEnd(lines, at) {
  const ordered = isOrdered(lines[at]);
  let end = at + 1;
  for (at += 1; at < lines.length; at += 1) {
    const line = lines[at];
    const blank = !line.trim();
    const own = isItem(line) ? indent(line) > 0 || isOrdered(line) === ordered : indent(line) >= 2;
    if (blank) continue;
    if (!own && (end < at || startsBlock(line, 0))) break;
    end = at + 1;
  }
  return end;
}

function isOrdered(line) {
  return /\d/.test(ITEM.exec(line)[2]);
}

function indent(line) {
  return line.length - line.trimStart().length;
}

function tableColumns(lines, at) {
  if (!lines[at].includes("|") || at + 1 >= lines.length || !lines[at + 1].includes("-")) return 0;
  const [head, marks] = [cells(lines[at]), cells(lines[at + 1])];
  return head.length === marks.length && marks.every((mark) => /^:?-+:?$/.test(mark)) ? head.length : 0;
}

function cells(line) {
  const parts = line.trim().split("|");
  if (!parts[0]) parts.shift();
  if (parts.length && !parts.at(-1)) parts.pop();
  return parts.map((part) => part.trim());
}

// From blocks to nodes.

const MAKE = { blank: () => [], code, heading, rule: () => [element("hr", [])], quote, list, table, paragraph };

function make(block, context) {
  return MAKE[block.kind](block, context);
}

function code({ lines }) {
  const [, fence, words] = FENCE.exec(lines[0]);
  const last = lines.at(-1).trim();
  const closed = lines.length > 1 && last.length >= fence.length && last === fence[0].repeat(last.length);
  const pre = element("pre", [element("code", [lines.slice(1, closed ? -1 : undefined).join("\n")])]);
  pre.tabIndex = 0; // it may scroll
  const language = words.trim().split(/\s/)[0].slice(0, 40);
  if (language) pre.dataset.language = language;
  return [pre];
}

function heading({ lines }, context) {
  const [, marks, words] = HEADING.exec(lines[0]);
  // The page has the first two levels, and no level is left out on the way down.
  context.level = Math.min(marks.length + 2, context.level + 1, 6);
  return [element(`h${context.level}`, inline(words.replace(/[ \t]#+[ \t]*$/, "")))];
}

function quote({ lines, depth }, context) {
  const inner = lines.map((line) => line.replace(/^ {0,3}> ?/, ""));
  return [element("blockquote", inside(inner, depth, context))];
}

function list({ lines, depth }, context) {
  const [, , marker] = ITEM.exec(lines[0]);
  const root = element(/\d/.test(marker) ? "ol" : "ul", []);
  if (root.tagName === "OL") root.start = parseInt(marker, 10);
  const base = indent(lines[0]);
  const items = [];
  lines.forEach((line) => {
    const item = indent(line) <= base + 1 && isItem(line) ? ITEM.exec(line) : null;
    if (item) items.push({ width: base + item[2].length + 1, lines: [item[3] ?? ""] });
    else items.at(-1).lines.push(line.slice(Math.min(indent(line), items.at(-1).width)));
  });
  items.forEach((item) => root.append(element("li", inside(item.lines, depth, context))));
  return [root];
}

/** What is in a list item or a quote; a single paragraph needs no element of its own. */
function inside(lines, depth, context) {
  const found = blocks(lines, depth + 1).filter((block) => block.kind !== "blank");
  const texts = found.filter((block) => block.kind === "paragraph");
  return found.flatMap((block) =>
    block.kind === "paragraph" && texts.length === 1 ? inlineLines(block.lines) : make(block, context),
  );
}

function table({ lines, columns }) {
  const row = (line, tag) => {
    const texts = cells(line).slice(0, columns);
    return element("tr", texts.map((text) => element(tag, inline(text))));
  };
  const head = element("thead", [row(lines[0], "th")]);
  const body = element("tbody", lines.slice(2).map((line) => row(line, "td")));
  const frame = element("div", [element("table", [head, body])]);
  frame.className = "aia-md-table";
  frame.tabIndex = 0; // it may scroll
  return [frame];
}

function paragraph({ lines }) {
  return [element("p", inlineLines(lines))];
}

function inlineLines(lines) {
  return inline(lines.map((line) => line.trimStart()).join("\n"));
}

function element(tag, children) {
  const made = document.createElement(tag);
  // One by one: as arguments of one call they could be too many.
  for (const child of children) made.append(child);
  return made;
}
