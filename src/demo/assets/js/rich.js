// Cards and chips of an RCS message, as the server describes them. Texts go in as text; pictures are this page's own.
import { draw, field, fresh, say } from "./fill.js";

function chip(c) {
  const item = fresh("chip-template", "li");
  const button = item.querySelector("button");
  button.value = c.postback;
  if (c.does) button.title = c.does;
  draw(button, `k-${c.kind}`);
  say(item, "label", c.label);
  return item;
}

function card(c) {
  const item = fresh("card-template", "li");
  item.dataset.place = c.place;
  item.dataset.height = c.height;
  for (const name of ["title", "text", "file"]) say(item, name, c[name]);
  if (c.picture) {
    const picture = field(item, "picture");
    picture.src = c.picture;
    picture.hidden = false;
  }
  field(item, "chips").append(...c.chips.map(chip));
  return item;
}

/** What a bubble has to show and to tap; null where it is a text and nothing else. */
export function rich(b) {
  if (b.cards.length + b.chips.length === 0) return null;
  const form = fresh("rich-template", "form");
  form.elements.from.value = b.phone;
  const cards = field(form, "cards");
  cards.append(...b.cards.map(card));
  if (b.cards.length > 1) {
    cards.tabIndex = 0;
    cards.setAttribute("aria-label", "Cards side by side");
  }
  field(form, "under").append(...b.chips.map(chip));
  return form;
}
