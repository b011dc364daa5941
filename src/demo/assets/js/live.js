// What happens, as it happens: one stream of events, handed to the parts that asked for them.

/** How long after the last try of the browser the demo is taken for ended. */
const ENDED_AFTER_MS = 4000;

/** Connects. Each part is an object from an event's name to what it does with its data. */
export function startLive(parts) {
  const state = document.getElementById("link-state");
  const word = state.querySelector('[data-f="word"]');
  const ended = document.getElementById("ended");
  const show = (tone, text) => {
    state.dataset.tone = tone;
    if (word.textContent !== text) word.textContent = text;
  };
  let timer = 0;
  const connect = () => {
    const source = new EventSource("/demo/events");
    source.addEventListener("open", () => {
      clearTimeout(timer);
      timer = 0;
      ended.hidden = true;
      show("good", "live");
    });
    source.addEventListener("error", () => {
      show("bad", "reconnecting");
      timer ||= setTimeout(() => { ended.hidden = false; }, ENDED_AFTER_MS);
      if (source.readyState === EventSource.CLOSED) setTimeout(connect, 1500);
    });
    // Another process than the one that drew the page: its templates and key may be others.
    source.addEventListener("hello", (event) => {
      const { run } = JSON.parse(event.data);
      const known = document.body.dataset.run;
      if (known && known !== run) location.reload();
      document.body.dataset.run = run;
    });
    for (const part of parts) {
      for (const [name, handle] of Object.entries(part)) {
        source.addEventListener(name, (event) => handle(JSON.parse(event.data)));
      }
    }
    addEventListener("pagehide", () => source.close(), { once: true });
  };
  connect();
}
