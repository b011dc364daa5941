// The carriers: bind state, window, rate, the switch that breaks and mends, and a pulse for each message taken.
import { field, say, tone } from "./fill.js";

/** Pulses under way on one carrier at once; more would be a smear. */
const MOST_PULSES = 4;

export function startCarriers() {
  const still = matchMedia("(prefers-reduced-motion: reduce)");

  function pulse(card, times) {
    if (still.matches || document.hidden) return;
    const free = MOST_PULSES - card.querySelectorAll(".pulse").length;
    for (let i = 0; i < Math.min(times, free); i += 1) {
      const dot = document.createElement("span");
      dot.className = "pulse";
      dot.setAttribute("aria-hidden", "true");
      dot.addEventListener("animationend", () => dot.remove());
      card.append(dot);
    }
  }

  function write(c) {
    const card = document.getElementById(`carrier-${c.id}`);
    if (!card) return;
    card.dataset.tone = c.tone;
    card.dataset.habit = c.habit;
    tone(field(card, "state-box"), c.bind_tone, c.state);
    say(card, "window-text", `${c.in_flight}/${c.window}`);
    const meter = field(card, "meter");
    if (meter.max !== c.window) meter.max = c.window;
    if (meter.value !== c.in_flight) meter.value = c.in_flight;
    say(card, "rate", c.rate);
    const before = Number(field(card, "taken").textContent);
    say(card, "taken", String(c.taken));
    if (c.taken > before) pulse(card, c.taken - before);
    say(card, "why", c.why);
    field(card, "why").title = c.why;
    for (const button of card.querySelectorAll("button[name=habit]")) {
      button.setAttribute("aria-pressed", String(button.value === c.habit));
    }
  }

  return {
    carriers: (all) => all.forEach(write),
    snapshot: ({ carriers }) => carriers.forEach(write),
  };
}
