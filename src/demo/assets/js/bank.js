// The bank: webhooks as it hears them, newest first, and whether it is up.
import { field, say, tone, when, fresh } from "./fill.js";

/** Webhooks kept on the page. */
const MOST = 60;
/** How often a screen reader is told how it goes. */
const TELL_EVERY_MS = 5000;

export function startBank() {
  const panel = document.getElementById("bank");
  const list = document.getElementById("webhooks");
  const empty = document.getElementById("webhooks-empty");
  const live = document.getElementById("bank-live");
  const button = panel.querySelector("button[name=down]");
  const items = new Map([...list.children].map((item) => [item.dataset.id, item]));
  let news = 0;

  setInterval(() => {
    if (news === 0) return;
    live.textContent = `${news} new ${news === 1 ? "webhook" : "webhooks"} verified`;
    news = 0;
  }, TELL_EVERY_MS);

  function write(item, w) {
    item.dataset.id = w.id;
    item.dataset.about = w.about;
    item.dataset.verified = String(w.verified);
    item.dataset.taken = String(w.taken);
    tone(field(item, "state-box"), w.tone, w.state);
    tone(field(item, "seal-box"), w.seal_tone, w.seal);
    say(item, "kind", w.kind);
    say(item, "about", w.about_short);
    say(item, "answer", w.answer);
    when(field(item, "at"), w.at);
    const link = field(item, "link");
    if (link.getAttribute("href") !== w.href) {
      link.setAttribute("href", w.href);
      link.setAttribute("hx-get", w.href);
      link.title = w.about;
    }
  }

  function put(w, isNew) {
    let item = items.get(w.id);
    const known = Boolean(item);
    if (!known) {
      item = fresh("webhook-template", "li");
      items.set(w.id, item);
    }
    write(item, w);
    // One that has the focus stays where it is.
    if (!known || !item.contains(document.activeElement)) list.prepend(item);
    if (!known) {
      window.htmx?.process(item);
      if (isNew) item.classList.add("webhook--new");
    }
    empty.hidden = true;
    while (items.size > MOST) {
      const last = list.lastElementChild;
      items.delete(last.dataset.id);
      last.remove();
    }
  }

  function bank(b) {
    panel.dataset.down = String(b.down);
    say(panel, "verified", String(b.verified));
    say(panel, "pending", String(b.pending));
    say(panel, "doubted", String(b.doubted));
    field(panel, "doubted-box").hidden = b.doubted === 0;
    button.setAttribute("aria-pressed", String(b.down));
    button.value = String(!b.down);
  }

  return {
    bank,
    webhook(w) {
      put(w, true);
      if (w.taken) news += 1;
      document.dispatchEvent(new CustomEvent("araldo:message", { detail: { id: w.about } }));
    },
    snapshot({ webhooks, bank: state }) {
      for (const w of webhooks.toReversed()) put(w, false);
      bank(state);
    },
  };
}
