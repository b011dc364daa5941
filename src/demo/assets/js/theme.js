// Light, dark, or as the system has it. The server keeps the choice in a cookie and draws the page with it, so that
// nothing flashes; this spares the reload.

export function startTheme() {
  const form = document.getElementById("theme");
  form?.addEventListener("submit", (event) => {
    const chosen = event.submitter?.value;
    if (!chosen) return;
    event.preventDefault();
    if (chosen === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = chosen;
    for (const button of form.querySelectorAll("button")) {
      button.setAttribute("aria-pressed", String(button.value === chosen));
    }
    fetch(form.action, { method: "POST", body: new URLSearchParams({ theme: chosen }), headers: { "HX-Request": "true" } });
  });
}
