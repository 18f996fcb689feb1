// The page: what a person does, and what follows from it.

import { showCalls } from "./copies.js";
import { find, make, quote } from "./elements.js";
import { showOrders } from "./orders.js";
import { count, formatCredits, formatTime, planRequest, readResults } from "./ranking.js";
import { describeServer, readDocuments, rerank, ServerError, setKey } from "./server.js";

const PASTED = "documents";
const UPSTREAM = "upstream";
const READ_DELAY_MS = 300;
const LARGEST_FILE_BYTES = 15 << 20;
const EXAMPLE = {
  query: "How do I get a refund for a train ticket?",
  documents: [
    "Tickets are checked on board; keep yours at hand until you leave the station.",
    "Children under six travel free of charge.",
    "A seat reservation costs five euros and is lost if you do not sit down within 15 minutes.",
    "If your train is cancelled, you can have the fare paid back at the counter or online within a year.",
    "Bicycles need a ticket of their own, except folded ones.",
    "Lost property is kept for a month at the station of arrival.",
  ],
};

const state = { source: PASTED, description: null, chosen: null, reading: null, ranking: null };

start();

function start() {
  find("key-form").addEventListener("submit", useKey);
  find("form").addEventListener("submit", (event) => {
    event.preventDefault();
    rank();
  });
  find("documents").addEventListener("input", () => {
    state.source = PASTED;
    readSoon();
  });
  find("format").addEventListener("change", () => readSoon());
  find("field-list").addEventListener("change", () => readSoon(listTicked()));
  find("open-file").addEventListener("click", () => find("file").click());
  find("file").addEventListener("change", () => openFile(find("file").files[0]));
  find("example").addEventListener("click", useExample);
  find("stop").addEventListener("click", () => {
    state.ranking?.abort();
    state.reading?.abort();
  });
  for (const number of [1, 2]) find(`model-${number}`).addEventListener("change", () => showSlug(number));
  listenForDrops();
  connect();
}

// --- The server: its models, its key

async function connect() {
  try {
    state.description = await describeServer();
  } catch (error) {
    if (error.asksForKey) askForKey("");
    else showErrors([{ error }]);
    return;
  }
  const { models, passages, upstream } = state.description;
  const ready = models.filter((each) => each.lacks === null);
  const options = ready.map(({ slug, about }) => make("option", { value: slug }, `${slug} (${about})`));
  if (upstream) {
    options.push(make("option", { value: UPSTREAM }, "a model of OpenRouter's…"));
    for (const number of [1, 2]) find(`slug-${number}`).value ||= upstream.example;
  }
  find("model-1").replaceChildren(...options);
  const none = make("option", { value: "" }, "no other model");
  find("model-2").replaceChildren(none, ...options.map((each) => each.cloneNode(true)));
  const lacking = models.filter((each) => each.lacks !== null);
  find("lacking").textContent = lacking.map(({ slug, lacks }) => `${slug}: ${lacks}.`).join(" ");
  find("lacking").hidden = lacking.length === 0;
  find("passages").checked = passages;
  find("passages").disabled = !passages;
  if (!passages) {
    find("passages-hint").textContent =
      'It needs the extra "passages": pip install "openrouter-rerank[passages]". Without it, a model may read only the beginning of a long document, which is then said.';
  }
  showPlace();
  for (const number of [1, 2]) showSlug(number);
  find("form").hidden = false;
  find("results").hidden = false;
  if (find("documents").value) readSoon();
}

function showPlace() {
  const { upstream } = state.description;
  if (!upstream) {
    find("place").textContent = "The models here run on the server's own machine, and nothing leaves it.";
    return;
  }
  const limit = upstream.max_cost === null ? "" : ` of ${formatCredits(upstream.max_cost)}`;
  const spent = formatCredits(upstream.spent) + limit;
  find("place").textContent =
    `Models called local/… run on the server's own machine. With one of OpenRouter's, query and documents go there, and its key pays: ${spent} credits so far.`;
}

async function updateSpending() {
  try {
    state.description = await describeServer();
    showPlace();
  } catch {
    // The ranking is there all the same, and the next one says what is wrong.
  }
}

function askForKey(message) {
  find("key-form").hidden = false;
  find("key-error").textContent = message;
  find("key").focus();
}

async function useKey(event) {
  event.preventDefault();
  setKey(find("key").value.trim());
  find("key").value = "";
  find("key-form").hidden = true;
  find("errors").replaceChildren();
  await connect();
  if (find("key-form").hidden) find("query").focus();
  else find("key-error").textContent = "That is not the key of this server.";
}

function showSlug(number) {
  find(`slug-${number}`).hidden = find(`model-${number}`).value !== UPSTREAM;
}

function readModel(number) {
  const chosen = find(`model-${number}`).value;
  return chosen === UPSTREAM ? find(`slug-${number}`).value.trim() : chosen;
}

// --- Documents

function listenForDrops() {
  // A file that is dropped beside the field would open in place of this page.
  for (const name of ["dragover", "drop", "dragleave"]) {
    document.addEventListener(name, (event) => {
      const hasFile = event.dataTransfer?.types.includes("Files");
      document.body.classList.toggle("dropping", hasFile && name === "dragover");
      if (!hasFile) return;
      event.preventDefault();
      if (name === "drop") openFile(event.dataTransfer.files[0]);
    });
  }
}

async function openFile(file) {
  find("file").value = "";
  if (!file) return;
  if (file.size > LARGEST_FILE_BYTES) {
    return sayFound(`${file.name} has more than ${LARGEST_FILE_BYTES >> 20} MiB.`, true);
  }
  if (file.name.toLowerCase().endsWith(".tsv")) {
    return sayFound(`${file.name} is a table with tabs. Save it as CSV.`, true);
  }
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(await file.arrayBuffer());
    setDocuments(text, file.name);
  } catch {
    sayFound(`${file.name} is not text in UTF-8. Convert it.`, true);
  }
}

function setDocuments(text, source) {
  state.source = source;
  find("documents").value = text;
  find("format").value = source.toLowerCase().endsWith(".csv") ? "csv" : "auto";
  readSoon();
}

function useExample() {
  find("query").value = EXAMPLE.query;
  setDocuments(EXAMPLE.documents.join("\n"), PASTED);
}

let timer;

function readSoon(chosen = null) {
  state.chosen = chosen;
  clearTimeout(timer);
  timer = setTimeout(() => read(false), READ_DELAY_MS);
}

// Returns what was read; null if there is nothing that can be ranked, which is said.
async function read(withPassages) {
  clearTimeout(timer);
  state.reading?.abort();
  const text = find("documents").value;
  if (!text.trim()) {
    find("fields").hidden = true;
    sayFound(withPassages ? "There are no documents yet." : "", withPassages);
    return null;
  }
  const reading = new AbortController();
  state.reading = reading;
  try {
    const asked = { text, name: state.source, format: find("format").value };
    const found = await readDocuments({ ...asked, fields: state.chosen, passages: withPassages }, reading.signal);
    showFields(found);
    const origin = state.source === PASTED ? "" : ` from ${state.source}`;
    sayFound(`${count(found.documents.length, "document")}${origin}.`);
    return found;
  } catch (error) {
    if (error.name === "AbortError") return null;
    if (error.asksForKey) askForKey(error.message);
    else sayFound(error.message, true);
    return null;
  }
}

function sayFound(text, isError = false) {
  find("documents-found").replaceChildren(quote(text));
  find("documents-found").classList.toggle("error", isError);
  find("documents").setAttribute("aria-invalid", String(isError));
}

function showFields({ fields, chosen }) {
  find("fields").hidden = fields.length === 0;
  const names = Array.from(find("field-list").querySelectorAll("input"), (box) => box.value);
  // The boxes stay while their names do, so that the keyboard's place does, too.
  if (names.join("\0") !== fields.join("\0")) {
    const boxes = fields.map((name) =>
      make("label", {}, make("input", { type: "checkbox", value: name }), " ", quote(name)),
    );
    find("field-list").replaceChildren(...boxes);
  }
  for (const box of find("field-list").querySelectorAll("input")) box.checked = chosen.includes(box.value);
}

function listTicked() {
  return Array.from(find("field-list").querySelectorAll("input:checked"), (box) => box.value);
}

// --- Ranking

// Says what is missing, and takes the keyboard there.
function findLack() {
  const needed = [["query", "Write a query first."]];
  for (const number of [1, 2]) {
    if (!find(`slug-${number}`).hidden) needed.push([`slug-${number}`, "Write the model's slug first."]);
  }
  let lack = null;
  for (const [id, message] of needed) {
    const isMissing = !find(id).value.trim();
    find(id).setAttribute("aria-invalid", String(isMissing));
    if (isMissing) lack ??= { id, message };
  }
  return lack;
}

async function rank() {
  const lack = findLack();
  if (lack !== null) {
    showErrors([{ error: new ServerError(lack.message, null) }]);
    find(lack.id).focus();
    return;
  }
  state.ranking?.abort();
  const ranking = new AbortController();
  state.ranking = ranking;
  setBusy(true, "Reading the documents…");
  find("errors").replaceChildren();
  try {
    const found = await read(find("passages").checked);
    ranking.signal.throwIfAborted();
    if (found === null) {
      find("documents").focus();
      say("");
      return;
    }
    const models = [1, 2].map(readModel).filter(Boolean);
    await rankBy(models, find("query").value, found, ranking.signal);
  } catch (error) {
    if (error.name !== "AbortError") throw error;
    if (state.ranking === ranking) say("Stopped.");
  } finally {
    if (state.ranking === ranking) setBusy(false);
  }
}

// One model after the other: side by side they would slow each other down, and times mean nothing.
async function rankBy(models, query, found, signal) {
  const answers = [];
  const failures = [];
  const calls = [];
  for (const model of models) {
    say(`Ranking ${count(found.documents.length, "document")} by ${model}…`);
    const plan = planRequest(model, query, found);
    calls.push({ model, query, documents: found.documents, body: plan.body });
    const began = performance.now();
    try {
      const reply = await rerank(plan.body, signal);
      const milliseconds = performance.now() - began;
      const ranked = readResults(plan, reply);
      answers.push({ model, reply, milliseconds, ranked, isPaid: isPaid(model), isFirst: noteLoaded(model) });
    } catch (error) {
      if (error.name === "AbortError") throw error;
      if (error.asksForKey) askForKey(error.message);
      failures.push({ model, error });
    }
  }
  showErrors(failures);
  showCalls(calls);
  find("results-empty").hidden = answers.length > 0;
  find("orders").replaceChildren();
  if (answers.length > 0) showOrders(find("orders"), found.documents, answers);
  const done = answers.map(({ model, milliseconds }) => `${model} in ${formatTime(milliseconds)}`);
  say(done.length > 0 ? `Ranked by ${done.join(", by ")}.` : "");
  if (models.some(isPaid)) await updateSpending();
}

const findModel = (slug) => state.description.models.find((each) => each.slug === slug);

const isPaid = (slug) => findModel(slug) === undefined;

// Whether a ranking had to wait until its model was loaded; the next one need not.
function noteLoaded(slug) {
  const model = findModel(slug);
  const isFirst = model !== undefined && !model.loaded;
  if (isFirst) model.loaded = true;
  return isFirst;
}

function setBusy(isBusy, text) {
  if (!isBusy && document.activeElement === find("stop")) find("rank").focus();
  find("stop").hidden = !isBusy;
  find("results").setAttribute("aria-busy", String(isBusy));
  if (text !== undefined) say(text);
}

function say(text) {
  find("status").replaceChildren(quote(text));
}

function showErrors(failures) {
  const shown = failures.map(({ model, error }) => {
    const heading = [error.status == null ? null : `Error ${error.status}`, model ? `of ${model}` : null];
    const title = heading.filter(Boolean).join(" ");
    return make(
      "div",
      {},
      title ? make("p", {}, make("strong", {}, quote(title))) : null,
      make("p", {}, quote(error.message)),
    );
  });
  find("errors").replaceChildren(...shown);
}
