// Markdown of models, made inert: a DOM of known elements whose texts are text nodes. No HTML, no images;
// links to http and https alone. Every step is linear in the length of the text, however hostile it is.

import { blocks, cells, FENCE, HEADING, indent, isItem, ITEM } from "./markdown_blocks.js";
import { inline } from "./markdown_inline.js";

// Beyond this many characters an answer is shown as plain text.
const MOST = 262144;

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
