// The figures, and whether the trickle runs.
import { draw, say } from "./fill.js";

export function startTallies() {
  const outbox = document.getElementById("outbox");
  const bars = document.getElementById("bars");
  const trickle = document.getElementById("trickle");

  /** A bar for each of the last deliveries. */
  function drawBars(heights) {
    const missing = heights.length - bars.children.length;
    for (let i = 0; i < missing; i += 1) {
      const bar = document.createElementNS("http://www.w3.org/2000/svg", "rect");
      bar.setAttribute("x", String(bars.children.length * 6));
      bar.setAttribute("width", "4");
      bars.append(bar);
    }
    heights.forEach((height, i) => {
      bars.children[i].setAttribute("y", String(32 - height));
      bars.children[i].setAttribute("height", String(height));
    });
  }

  function tallies(t) {
    for (const element of document.querySelectorAll("[data-tally]")) {
      const text = String(t[element.dataset.tally]);
      if (element.textContent !== text) element.textContent = text;
    }
    outbox.dataset.tone = t.queue_tone;
    drawBars(t.bars);
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
