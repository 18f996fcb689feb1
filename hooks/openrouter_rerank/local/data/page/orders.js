// The orders as they are shown: the one that was given, and one for each model.

import { make, quote } from "./elements.js";
import {
  count,
  describeCost,
  describeMove,
  findPlaces,
  findShares,
  formatScore,
  formatTime,
  readText,
} from "./ranking.js";

const SHOWN = 50;
const LONG = 600;

export function showOrders(place, documents, answers) {
  const places = answers.map(({ ranked }) => findPlaces(ranked));
  const given = showGiven(documents, answers, places);
  const orders = answers.map((answer, at) => {
    const others = answers
      .map(({ model }, other) => ({ model, places: places[other] }))
      .filter((_, other) => other !== at);
    return showAnswer(documents, answer, others);
  });
  place.replaceChildren(given, ...orders);
}

function showGiven(documents, answers, places) {
  const items = documents.map((document, owner) => () => {
    const facts = answers.map(({ model }, at) => {
      const to = places[at].get(owner);
      const where = to === undefined ? "left out" : `to ${to}`;
      return make("span", {}, answers.length > 1 ? quote(`${where} by ${model}`) : where);
    });
    return showItem(owner + 1, make("p", { class: "facts" }, ...facts), showText(readText(document)));
  });
  // On a phone the order before would stand above the one that was asked for.
  const isOpen = !matchMedia("(max-width: 40rem)").matches;
  return make(
    "details",
    { class: "order first", open: isOpen },
    make("summary", {}, make("h3", {}, "Before")),
    make("p", { class: "note" }, count(documents.length, "document"), ", as given"),
    showList(items, "Before"),
  );
}

function showAnswer(documents, answer, others) {
  const { model, ranked, reply } = answer;
  const shares = findShares(ranked);
  const items = ranked.map(({ owner, score, part }, at) => () => {
    const move = describeMove(owner + 1, at + 1);
    const facts = make(
      "p",
      { class: "facts" },
      make("span", { class: move.kind }, move.text),
      make("span", { class: "score" }, formatScore(score)),
    );
    const elsewhere = others.map(({ model: other, places }) =>
      make("p", { class: "facts" }, quote(`${places.get(owner) ?? "left out"} by ${other}`)),
    );
    const text = showScored(readText(documents[owner]), part);
    return showItem(at + 1, facts, showBar(shares[at]), ...elsewhere, text);
  });
  const answered = reply.model && reply.model !== model ? `answered by ${reply.model}` : null;
  const read = reply.usage?.total_tokens;
  const notes = [
    formatTime(answer.milliseconds) + (answer.isFirst ? " with loading the model" : ""),
    describeCost(reply.usage, answer.isPaid),
    typeof read === "number" ? count(read, "token") : null,
    answered,
  ].filter(Boolean);
  const cut = reply.truncated_documents;
  return make(
    "div",
    { class: "order" },
    make("h3", {}, make("span", { class: "swatch", "aria-hidden": "true" }), quote(model)),
    make("p", { class: "note" }, quote(notes.join(", "))),
    cut ? make("p", { class: "note error" }, `Only the beginning was read of ${count(cut, "text")}.`) : null,
    showList(items, model),
  );
}

function showItem(place, ...parts) {
  const number = make("span", { class: "place" }, String(place));
  return make("li", {}, number, make("div", {}, ...parts));
}

function showBar(share) {
  const fill = make("div", { class: "fill" });
  // The policy forbids style attributes; a script may set the property.
  fill.style.width = `${(100 * share).toFixed(1)}%`;
  return make("div", { class: "bar", "aria-hidden": "true" }, fill);
}

// The text that scored: a passage of the document, else its whole text.
function showScored(text, part) {
  if (part.text === null) return showText(text);
  const start = findPassage(text, part);
  const whole = make(
    "p",
    {},
    text.slice(0, start),
    make("mark", {}, part.text),
    text.slice(start + part.text.length),
  );
  return make(
    "div",
    {},
    make("p", { class: "text" }, quote(part.text)),
    make(
      "details",
      {},
      make("summary", {}, `Best passage, ${part.at + 1} of ${part.count}: show it in the whole document`),
      whole,
    ),
  );
}

function findPassage(text, part) {
  // A passage that comes twice is looked for from about where it should stand.
  const about = Math.floor((text.length * part.at) / part.count);
  const before = text.lastIndexOf(part.text, about);
  const after = text.indexOf(part.text, about);
  if (before < 0) return Math.max(after, 0);
  return after >= 0 && after - about < about - before ? after : before;
}

function showText(text) {
  if (text.length <= LONG) return make("p", { class: "text" }, quote(text));
  return make(
    "div",
    {},
    make("p", { class: "text" }, quote(`${text.slice(0, LONG)}…`)),
    make("details", {}, make("summary", {}, "Show all of it"), make("p", {}, text)),
  );
}

// Thousands of documents would take the browser seconds, so the rest waits until it is asked for.
function showList(items, name) {
  const list = make("ol", { "aria-label": name });
  const more = make("button", { type: "button", class: "more" });
  const showMore = () => {
    const from = list.children.length;
    list.append(...items.slice(from, from + SHOWN).map((show) => show()));
    const left = items.length - list.children.length;
    more.hidden = left === 0;
    more.textContent = `Show ${Math.min(SHOWN, left)} more of ${left}`;
    return list.children[from];
  };
  more.addEventListener("click", () => {
    const next = showMore();
    // The button may be gone, and the keyboard's place with it.
    next.tabIndex = -1;
    next.focus();
  });
  showMore();
  return make("div", {}, list, more);
}
