// The drawer: a message's timeline and PDUs. htmx brings its content; this opens it, keeps it fresh and closes it.

/** The receipt's answer is on the wire just after the state has changed. */
const LAST_LOOK_MS = 400;

export function startDrawer() {
  const drawer = document.getElementById("drawer");
  const body = document.getElementById("drawer-body");
  let timer = 0;

  const refresh = () => {
    const detail = body.querySelector(".detail");
    if (!drawer.open || !detail) return;
    const open = [...body.querySelectorAll("details")].map((pdu) => pdu.open);
    fetch(`/demo/messages/${detail.dataset.id}`, { headers: { "HX-Request": "true" } })
      .then((answer) => (answer.ok ? answer.text() : Promise.reject(new Error(answer.statusText))))
      .then((html) => {
        if (body.querySelector(".detail")?.dataset.id !== detail.dataset.id) return;
        const focused = document.activeElement?.closest("summary");
        const at = [...body.querySelectorAll("summary")].indexOf(focused);
        window.htmx.swap(body, html, { swapStyle: "innerHTML" });
        body.querySelectorAll("details").forEach((pdu, i) => { pdu.open = open[i] ?? false; });
        if (at >= 0) body.querySelectorAll("summary")[at]?.focus();
      })
      .catch(() => {});
  };

  body.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail?.requestConfig && !drawer.open) {
      drawer.showModal();
      drawer.scrollTop = 0;
    }
    if (event.detail?.requestConfig) body.querySelector("#detail-title")?.focus();
  });
  document.addEventListener("araldo:message", (event) => {
    if (!drawer.open || body.querySelector(".detail")?.dataset.id !== event.detail.id) return;
    refresh();
    clearTimeout(timer);
    timer = setTimeout(refresh, LAST_LOOK_MS);
  });
  drawer.addEventListener("click", (event) => {
    if (event.target === drawer || event.target.closest("[data-close]")) drawer.close();
  });
}
