// The feed: a row a message, newest first, changed in place as its state does.
import { field, say, tone, when, draw, fresh } from "./fill.js";

/** Rows kept on the page. */
const MOST = 120;
/** How often a screen reader is told how it goes. */
const TELL_EVERY_MS = 5000;

export function startFeed() {
  const body = document.getElementById("feed");
  const empty = document.getElementById("feed-empty");
  const live = document.getElementById("feed-live");
  const rows = new Map([...body.rows].map((row) => [row.dataset.id, row]));
  let news = { accepted: 0, delivered: 0, failed: 0 };

  setInterval(() => {
    const { accepted, delivered, failed } = news;
    if (accepted + delivered + failed === 0) return;
    news = { accepted: 0, delivered: 0, failed: 0 };
    live.textContent = `${accepted} new, ${delivered} delivered${failed ? `, ${failed} failed` : ""}`;
  }, TELL_EVERY_MS);

  function write(row, m) {
    row.dataset.id = m.id;
    row.toggleAttribute("data-by-hand", m.by_hand);
    row.dataset.tone = m.tone;
    when(field(row, "at"), m.at);
    tone(field(row, "state-box"), m.tone, m.state);
    field(row, "class").dataset.class = m.class;
    say(row, "class", m.class);
    say(row, "from", m.from);
    say(row, "to", m.to);
    say(row, "event", m.event);
    say(row, "note", m.note);
    say(row, "latency", m.latency);
    const box = field(row, "carrier-box");
    box.dataset.carrier = m.carrier;
    draw(box, `c-${m.carrier}`);
    say(row, "carrier", m.carrier);
    const link = field(row, "link");
    if (link.getAttribute("href") !== m.href) {
      link.setAttribute("href", m.href);
      link.setAttribute("hx-get", m.href);
    }
  }

  function add(m, isNew) {
    const row = fresh("row-template", "tr");
    write(row, m);
    const after = [...body.rows].find((other) => field(other, "at").dateTime <= m.at);
    body.insertBefore(row, after ?? null);
    window.htmx?.process(row);
    rows.set(m.id, row);
    if (isNew) row.classList.add("row--new");
    empty.hidden = true;
    while (rows.size > MOST) {
      const last = body.rows[body.rows.length - 1];
      rows.delete(last.dataset.id);
      last.remove();
    }
  }

  function message(m) {
    const row = rows.get(m.id);
    if (row) {
      const was = row.dataset.tone;
      write(row, m);
      if (was !== m.tone && m.tone === "good") news.delivered += 1;
      if (was !== m.tone && m.tone === "bad") news.failed += 1;
    } else {
      add(m, true);
      news.accepted += 1;
    }
    document.dispatchEvent(new CustomEvent("araldo:message", { detail: m }));
  }

  return {
    message,
    snapshot({ messages }) {
      for (const m of messages) {
        const row = rows.get(m.id);
        if (row) write(row, m);
        else add(m, false);
      }
    },
  };
}
