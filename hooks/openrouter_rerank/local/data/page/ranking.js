// A ranking: the request that is sent for what the page has, and what its reply means. No DOM here.

// Documents that were split are sent as their passages, as Passages() of the Python client does.
export function planRequest(model, query, read) {
  const documents = [];
  const owners = [];
  const parts = [];
  read.documents.forEach((document, owner) => {
    const passages = read.passages[owner] ?? [document];
    passages.forEach((passage, at) => {
      const isWhole = typeof document === "string";
      documents.push(passages.length === 1 || isWhole ? passage : { text: passage });
      owners.push(owner);
      parts.push({ at, count: passages.length, text: passages.length > 1 ? passage : null });
    });
  });
  return { body: { model, query, documents }, owners, parts, count: read.documents.length };
}

// Each document once, by its best passage: results come best first.
export function readResults(plan, reply) {
  const seen = new Set();
  const ranked = [];
  for (const result of reply.results) {
    const owner = plan.owners[result.index];
    if (owner === undefined || seen.has(owner)) continue;
    seen.add(owner);
    ranked.push({ owner, score: result.relevance_score, part: plan.parts[result.index] });
  }
  return ranked;
}

export function findPlaces(ranked) {
  return new Map(ranked.map((each, at) => [each.owner, at + 1]));
}

export function describeMove(before, after) {
  if (before === after) return { kind: "same", text: "as before" };
  const kind = after < before ? "up" : "down";
  return { kind, text: `${kind === "up" ? "▲" : "▼"} ${kind} from ${before}` };
}

// How far each bar is filled. Most models score from 0 to 1, but none has to.
export function findShares(ranked) {
  const scores = ranked.map((each) => each.score);
  const low = scores.reduce((a, b) => Math.min(a, b), 0);
  const high = scores.reduce((a, b) => Math.max(a, b), 1);
  return scores.map((score) => (score - low) / (high - low));
}

export function describeCost(usage, isPaid) {
  const cost = usage?.cost;
  if (typeof cost !== "number") return isPaid ? "cost unknown" : "no cost";
  return cost === 0 ? "no cost" : `${formatCredits(cost)} credits`;
}

export function formatScore(score) {
  const isTiny = score !== 0 && Math.abs(score) < 0.001;
  return isTiny ? score.toPrecision(2) : score.toFixed(4);
}

export const formatCredits = (cost) => String(Number(cost.toPrecision(4)));

export function formatTime(milliseconds) {
  if (milliseconds < 1000) return `${Math.max(1, Math.round(milliseconds))} ms`;
  return `${(milliseconds / 1000).toFixed(1)} s`;
}

export const count = (number, noun) => `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;

export const readText = (document) => (typeof document === "string" ? document : (document.text ?? document.image));
