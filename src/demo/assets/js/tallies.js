// The figures, and whether the trickle runs.
import { draw, say } from "./fill.js";

export function startTallies() {
  const outbox = document.getElementById("outbox");
  const trickle = document.getElementById("trickle");

  function tallies(t) {
    for (const element of document.querySelectorAll("[data-tally]")) {
      const text = String(t[element.dataset.tally]);
      if (element.textContent !== text) element.textContent = text;
    }
    outbox.dataset.tone = t.queue_tone;
  }

  function running({ running: is }) {
    const button = trickle.querySelector("button");
    trickle.dataset.running = String(is);
    button.value = String(!is);
    draw(button, is ? "i-pause" : "i-play");
    say(button, "word", is ? "Pause the trickle" : "Start the trickle");
  }

  return {
    tallies,
    trickle: running,
    snapshot(all) {
      tallies(all.tallies);
      running(all);
    },
  };
}
