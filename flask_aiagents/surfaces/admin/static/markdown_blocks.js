// Markdown, from lines to blocks: {kind, lines, length, depth}, where length counts the characters it stands for.
// A block depends on what follows it, never on what came before: so a growing text is read on from its last one.

// Lists and quotes inside of each other; deeper ones are text.
const DEEPEST = 8;

export const FENCE = /^ {0,3}(`{3,}|~{3,})(.*)$/;
export const HEADING = /^ {0,3}(#{1,6})[ \t]+(.*)$/;
const QUOTE = /^ {0,3}>/;
export const ITEM = /^( *)([-*+]|\d{1,9}[.)])(?:[ \t]+(.*))?$/;

export function blocks(lines, depth) {
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

export function isItem(line) {
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

export function indent(line) {
  return line.length - line.trimStart().length;
}

function tableColumns(lines, at) {
  if (!lines[at].includes("|") || at + 1 >= lines.length || !lines[at + 1].includes("-")) return 0;
  const [head, marks] = [cells(lines[at]), cells(lines[at + 1])];
  return head.length === marks.length && marks.every((mark) => /^:?-+:?$/.test(mark)) ? head.length : 0;
}

export function cells(line) {
  const parts = line.trim().split("|");
  if (!parts[0]) parts.shift();
  if (parts.length && !parts.at(-1)) parts.pop();
  return parts.map((part) => part.trim());
}
