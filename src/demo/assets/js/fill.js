// Fills parts that the server has drawn. Texts go in as text, never as markup.

/** The element inside `part` that `data-f` names. */
export function field(part, name) {
  return part.querySelector(`[data-f="${name}"]`);
}

/** Sets the text of a field, if it is another one. */
export function say(part, name, text) {
  const element = field(part, name);
  if (element && element.textContent !== text) element.textContent = text;
}

/** Draws the shape with this id in the first `use` of `element`. */
export function draw(element, id) {
  const use = element.querySelector("use");
  if (use.getAttribute("href") !== `#${id}`) use.setAttribute("href", `#${id}`);
}

/** Gives a state its word, shape and colour. */
export function tone(box, kind, word) {
  box.dataset.tone = kind;
  draw(box, `g-${kind}`);
  say(box, "state", word);
}

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false });

/** Shows a time in the viewer's zone, with UTC on hover. */
export function when(element, at) {
  element.dateTime = at;
  element.title = `${at.replace("T", " ").replace(/\.\d+Z|Z/, "")} UTC`;
  element.textContent = clock.format(new Date(at));
}

/** The same for every time that the server has drawn. */
export function localise(root) {
  for (const element of root.querySelectorAll("time[data-local][datetime]")) {
    if (element.dateTime) when(element, element.dateTime);
  }
}

/** A new part from the template with this id. */
export function fresh(id, selector) {
  return document.getElementById(id).content.querySelector(selector).cloneNode(true);
}
