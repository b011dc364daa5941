// Small helps around the forms: sample texts, quick words, a clean field after a text has gone.

export function startForms() {
  const text = document.getElementById("send-text");
  const word = document.getElementById("text-body");
  for (const chips of document.querySelectorAll(".chips, .compose-chips")) chips.hidden = false;

  document.addEventListener("click", (event) => {
    const fill = event.target.closest("[data-fill]");
    if (fill) {
      text.value = fill.dataset.fill;
      text.dispatchEvent(new CustomEvent("araldo:filled"));
      text.focus();
    }
    const type = event.target.closest("[data-type]");
    if (type) {
      word.value = type.dataset.type;
      word.focus();
    }
    const quick = event.target.closest("[data-word]");
    if (quick) {
      word.value = quick.dataset.word;
      word.form.requestSubmit();
    }
  });
  document.getElementById("text").addEventListener("htmx:afterRequest", (event) => {
    if (event.detail.successful) word.value = "";
  });
  // The event is longer than its panel.
  document.getElementById("publish-result").addEventListener("htmx:afterSwap", (event) => {
    event.currentTarget.scrollIntoView({ block: "nearest" });
  });
  document.getElementById("send-to").dispatchEvent(new Event("change"));
}
