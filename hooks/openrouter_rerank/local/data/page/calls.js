// The call that was made, as Python, curl and a command line to copy. No DOM here.
//
// Documents may be anybody's, and what is copied goes into a terminal: whatever does not print, or
// changes how text around it is shown, is escaped. Keys are never written out.

const INLINE_CHARACTERS = 8000;
const UNPRINTABLE = /[\u0000-\u001f\u007f-\u00a0\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202f\u2060-\u206f\ufeff\ufff9-\ufffb]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

export function needsFiles(documents) {
  const isPlain = documents.every((each) => typeof each === "string" && !each.includes("\0"));
  return !isPlain || JSON.stringify(documents).length > INLINE_CHARACTERS;
}

export function writeCalls(call) {
  return [
    { title: "Python", text: writePython(call) },
    { title: "curl", text: writeCurl(call) },
    { title: "Command line", text: writeCommand(call) },
  ];
}

export function writePython({ url, needsKey, query, model, documents, isSplit, inFiles }) {
  const lines = ["from openrouter_rerank import OpenRouter" + (isSplit ? ", Passages" : ""), ""];
  if (inFiles) {
    lines.unshift("import json", "from pathlib import Path", "");
    lines.push('documents = json.loads(Path("documents.json").read_text(encoding="utf-8"))');
  } else {
    lines.push("documents = [", ...documents.map((each) => `    ${quoteJson(each)},`), "]");
  }
  if (needsKey) lines.push("# The key is that of OPENROUTER_API_KEY.");
  lines.push(
    `with OpenRouter(server_url=${quoteJson(url)}) as client:`,
    "    ranking = client.rerank.rank(",
    "        documents,",
    `        query=${quoteJson(query)},`,
    `        model=${quoteJson(model)},`,
    ...(isSplit ? ["        passages=Passages(),"] : []),
    "    )",
    "for ranked in ranking:",
    '    print(f"{ranked.score:.4f} {ranked.item}")',
  );
  return lines.join("\n") + "\n";
}

export function writeCurl({ url, needsKey, body, inFiles }) {
  const lines = [`curl ${quoteShell(url + "/rerank")}`, "--header 'Content-Type: application/json'"];
  if (needsKey) lines.push('--header "Authorization: Bearer $OPENROUTER_API_KEY"');
  // The line breaks between its parts are the only ones in this JSON.
  const data = quoteJson(body, 2).split("\n").map((line) => quoteShell(line).slice(1, -1));
  lines.push(inFiles ? "--data @request.json" : `--data '${data.join("\n")}'`);
  return lines.join(" \\\n  ") + "\n";
}

export function writeCommand({ url, query, model, documents, isSplit, inFiles }) {
  const lines = [`OPENROUTER_BASE_URL=${quoteShell(url)} openrouter-rerank rank`];
  lines.push(`--model ${quoteShell(model)}`);
  if (isSplit) lines.push("--passages 128");
  if (inFiles) return [...lines, `-- ${quoteShell(query)} documents.json`].join(" \\\n  ") + "\n";
  lines.push(...documents.map((each) => `--document ${quoteShell(each)}`), `-- ${quoteShell(query)}`);
  return lines.join(" \\\n  ") + "\n";
}

// JSON, and a literal of Python's, whose escapes are the same.
export function quoteJson(value, indent = 0) {
  const lines = JSON.stringify(value, null, indent).split("\n");
  return lines.map((line) => line.replace(UNPRINTABLE, escape)).join("\n");
}

// What prints stands in single quotes. For the rest there is $'...' (POSIX.1-2024, 2.2.4).
export function quoteShell(text) {
  if (text.search(UNPRINTABLE) < 0) return `'${text.replaceAll("'", `'\\''`)}'`;
  const escaped = text.replace(/[\\']/g, "\\$&").replace(UNPRINTABLE, escapeBytes);
  return `$'${escaped}'`;
}

function escape(character) {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

// Octal, since the digits of \x may go on into the text.
function escapeBytes(character) {
  const bytes = new TextEncoder().encode(character);
  return Array.from(bytes, (byte) => `\\${byte.toString(8).padStart(3, "0")}`).join("");
}
