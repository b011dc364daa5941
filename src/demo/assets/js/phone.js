// The virtual phone: bubbles of the number chosen, or of all.
import { field, say, when, fresh } from "./fill.js";
import { rich } from "./rich.js";

/** Bubbles kept on the page. */
const MOST = 150;
/** How near to the end the reader must be to be taken along. */
const NEAR_PX = 80;

export function startPhone() {
  const screen = document.getElementById("screen");
  const list = document.getElementById("bubbles");
  const empty = document.getElementById("phone-empty");
  const tabs = document.getElementById("phones");
  const number = document.getElementById("phone-number");
  const from = document.getElementById("text-from");
  const targets = [document.getElementById("send-to"), document.getElementById("publish-to")];
  const phone = screen.closest(".phone");
  const offer = document.getElementById("text-code");
  const reach = document.getElementById("reach");
  const reachSay = document.getElementById("reach-say");
  const live = document.getElementById("phone-live");
  // The server draws one phone's bubbles; the stream brings all, so that tabs switch without asking.
  const all = new Map();
  /** How each phone is reached, by its number. */
  const reached = new Map();
  let shown = tabs.querySelector("[aria-current]").dataset.phone;
  phone.dataset.shown = shown;

  function isShown(bubble) {
    return shown === "all" || bubble.dataset.phone === shown;
  }

  function write(bubble, b) {
    bubble.dataset.id = b.id;
    bubble.dataset.at = b.at;
    bubble.dataset.phone = b.phone;
    bubble.dataset.side = b.side;
    bubble.toggleAttribute("data-failed", b.failed);
    say(bubble, "from", b.from);
    say(bubble, "phone", b.phone_short);
    say(bubble, "text", b.text);
    say(bubble, "badge", b.badge);
    say(bubble, "carrier", b.carrier);
    field(bubble, "tick-box").dataset.tick = b.tick;
    say(bubble, "tick", b.tick);
    when(field(bubble, "at"), b.at);
  }

  function put(b, isNew) {
    const known = all.get(b.id);
    if (known) {
      write(known, b);
      return;
    }
    const near = screen.scrollHeight - screen.scrollTop - screen.clientHeight < NEAR_PX;
    const bubble = fresh("bubble-template", "li");
    write(bubble, b);
    const shows = rich(b);
    if (shows) {
      field(bubble, "text").after(shows);
      bubble.toggleAttribute("data-wide", b.cards.length > 1);
      window.htmx?.process(shows);
    }
    if (isNew) bubble.classList.add("bubble--new");
    bubble.hidden = !isShown(bubble);
    all.set(b.id, bubble);
    // An answer may be told before its question is.
    const before = [...list.children].findLast((other) => !(other.dataset.at > b.at));
    if (before) before.after(bubble);
    else list.prepend(bubble);
    while (all.size > MOST) {
      const [oldest, element] = all.entries().next().value;
      all.delete(oldest);
      element.remove();
    }
    settle(near || b.side !== "theirs");
    if (isNew && shown !== "all" && isShown(bubble) && b.side !== "mine") tell(b);
  }

  /** Says what came to whoever hears the page. */
  function tell(b) {
    const words = [b.text, ...b.cards.map((card) => card.title || card.text || card.file)].filter(Boolean).join(". ");
    const chips = [...b.cards.flatMap((card) => card.chips), ...b.chips].length;
    live.textContent = `${b.from ? `${b.from}: ` : ""}${words}${chips ? `. ${chips} to choose from` : ""}`;
  }

  /** How the phone that is shown is reached. */
  function drawReach() {
    reach.hidden = shown === "all";
    const now = reached.get(shown);
    const words = now?.say ?? "Choose a phone to switch it between RCS and SMS";
    if (reachSay.textContent !== words) reachSay.textContent = words;
    if (!now) return;
    reach.elements.phone.value = shown;
    for (const button of reach.querySelectorAll("button")) {
      button.setAttribute("aria-pressed", String(button.value === now.reach));
    }
  }

  function phones(every) {
    for (const one of every) reached.set(one.number, one);
    drawReach();
  }

  // As phones do: the code of the last text is one touch away.
  function offerCode() {
    const last = [...all.values()].filter((bubble) => !bubble.hidden).at(-1);
    const code = shown !== "all" && last?.dataset.side === "theirs" && field(last, "text").textContent.match(/\b\d{6}\b/);
    offer.hidden = !code;
    if (code) offer.dataset.type = offer.lastElementChild.textContent = code[0];
  }

  function settle(toEnd) {
    empty.hidden = [...all.values()].some((bubble) => !bubble.hidden);
    offerCode();
    if (toEnd) screen.scrollTop = screen.scrollHeight;
  }

  function show(tab) {
    shown = tab.dataset.phone;
    phone.dataset.shown = shown;
    for (const other of tabs.children) {
      if (other === tab) other.setAttribute("aria-current", "true");
      else other.removeAttribute("aria-current");
    }
    number.textContent = tab.dataset.pretty ?? "every phone";
    if (shown !== "all") {
      from.value = shown;
      for (const to of targets) to.value = shown;
    }
    drawReach();
    for (const bubble of all.values()) bubble.hidden = !isShown(bubble);
    settle(true);
  }

  tabs.addEventListener("click", (event) => {
    const tab = event.target.closest("a");
    if (!tab || event.metaKey || event.ctrlKey) return;
    event.preventDefault();
    show(tab);
  });
  // Whoever sends to a phone wants to see it arrive there.
  for (const to of targets) {
    to.addEventListener("change", () => {
      const tab = [...tabs.children].find((other) => other.dataset.phone === to.value);
      if (tab && shown !== "all") show(tab);
    });
  }

  return {
    bubble: (b) => put(b, true),
    phones,
    snapshot({ bubbles, phones: every }) {
      phones(every);
      if (all.size === 0) list.replaceChildren();
      for (const b of bubbles) put(b, false);
      settle(true);
    },
  };
}
