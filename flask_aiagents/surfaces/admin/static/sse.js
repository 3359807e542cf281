// Server-sent events of an answer to fetch(), which unlike EventSource can POST and be aborted.

/** Yields [name, data] of each event; comments, which fill silence, are passed over. */
export async function* events(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let waiting = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    // An event ends at a blank line, which may be cut in two.
    const seen = Math.max(0, waiting.length - 1);
    waiting += value;
    let from = 0;
    for (let end = waiting.indexOf("\n\n", seen); end >= 0; end = waiting.indexOf("\n\n", from)) {
      const event = parsed(waiting.slice(from, end));
      if (event) yield event;
      from = end + 2;
    }
    waiting = waiting.slice(from);
  }
}

function parsed(block) {
  let [name, data] = ["message", null];
  for (const line of block.split("\n")) {
    if (line.startsWith("event: ")) name = line.slice(7);
    if (line.startsWith("data: ")) data = line.slice(6);
  }
  return data === null ? null : [name, JSON.parse(data)];
}
