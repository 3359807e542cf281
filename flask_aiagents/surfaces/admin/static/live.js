// Keeps the rows of an open list up to date: asks for the table again, and changes only what differs, so that
// ticks, focus, text selection and scroll stay where the reader left them. It asks when a stream says that
// something happened, where the list has one, else every few seconds.

async function fetched(url) {
  const answer = await fetch(url, {
    headers: { "HX-Request": "true", "X-AIAgents-Live": "1" },
    signal: AbortSignal.timeout(10_000),
  });
  if (!answer.ok) throw new Error(answer.status);
  const part = document.createElement("template");
  part.innerHTML = await answer.text();
  return part.content;
}

// Not innerHTML: what runs in the page adds to it.
const links = (cell) => [...cell.querySelectorAll("[href], .aia-badge")].map((part) => part.getAttribute("href") ?? part.className).join(" ");

function changeRow(now, then) {
  for (const [index, cell] of [...then.cells].entries()) {
    const old = now.cells[index];
    if (cell.classList.contains("aia-tick") || old.contains(document.activeElement)) continue;
    if (old.textContent.trim() !== cell.textContent.trim() || links(old) !== links(cell)) {
      old.replaceChildren(...cell.cloneNode(true).childNodes);
      window.htmx.process(old);
    }
  }
}

function changeRows(now, then) {
  const rows = new Map([...now.rows].map((row) => [row.dataset.id, row]));
  const wanted = new Set([...then.rows].map((row) => row.dataset.id));
  for (const [id, row] of rows) if (!wanted.has(id)) row.remove();
  let before = null;
  for (const row of then.rows) {
    let kept = rows.get(row.dataset.id);
    if (kept) {
      changeRow(kept, row);
    } else {
      kept = row.cloneNode(true);
      kept.classList.add("aia-new");
      window.htmx.process(kept);
    }
    const place = before ? before.nextElementSibling : now.firstElementChild;
    if (place !== kept) now.insertBefore(kept, place);
    before = kept;
  }
}

const LEAST_MS = 1_000; // between two refreshes, however much happens
const SELDOM_MS = 30_000; // between two while a stream tells of changes: a proxy may hold it back
const AGAIN_MS = 60_000; // until a stream that was refused is tried again

// Follows what happens while the page is in sight: a browser has few connections for all of its pages.
function follow(url, told) {
  let stream = null;
  function open() {
    if (document.visibilityState !== "visible" || (stream && stream.readyState !== EventSource.CLOSED)) return;
    stream = new EventSource(url);
    for (const name of ["open", "log", "reload"]) stream.addEventListener(name, told);
    stream.addEventListener("error", () => {
      if (stream.readyState === EventSource.CLOSED) setTimeout(open, AGAIN_MS);
    });
  }
  document.addEventListener("visibilitychange", () => (document.visibilityState === "visible" ? open() : stream?.close()));
  setTimeout(open, LEAST_MS); // not for a page that is passed by
  return () => stream?.readyState === EventSource.OPEN;
}

function changePager(now, then) {
  if (!now || !then || now.contains(document.activeElement) || now.innerHTML === then.innerHTML) return;
  now.replaceChildren(...then.childNodes);
}

export function keepLive(place, changed) {
  const every = Number(place.dataset.live);
  let [waiting, timer, busy, told] = [every, 0, false, false];
  function refreshIn(wait) {
    clearTimeout(timer);
    timer = setTimeout(refresh, wait);
  }
  async function refresh() {
    [busy, told] = [true, false];
    if (document.visibilityState === "visible") {
      try {
        const part = await fetched(location.href);
        const [now, then] = [place.querySelector("tbody"), part.querySelector("tbody")];
        if (now && then) {
          changeRows(now, then);
          changePager(place.querySelector(".aia-pager"), part.querySelector(".aia-pager"));
        } else if (Boolean(now) !== Boolean(then)) {
          place.replaceChildren(part);
          window.htmx.process(place);
        }
        changed();
        waiting = every;
      } catch {
        waiting = Math.min(waiting * 2, 60_000); // the server is away or busy: ask less often
        told = false;
      }
    }
    busy = false;
    refreshIn(told ? LEAST_MS : following() ? Math.max(SELDOM_MS, waiting) : waiting);
  }
  const tell = () => {
    if (!busy && !told) refreshIn(LEAST_MS);
    told = true;
  };
  const following = place.dataset.stream ? follow(place.dataset.stream, tell) : () => false;
  refreshIn(waiting);
}
