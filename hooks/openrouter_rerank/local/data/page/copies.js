// The call that was made, shown to be copied.

import { needsFiles, quoteJson, writeCalls } from "./calls.js";
import { find, make } from "./elements.js";
import { count } from "./ranking.js";
import { hasKey } from "./server.js";

let calls = [];

// Each call has the model, the query, the documents as they are and the body that was sent.
export function showCalls(made) {
  calls = made;
  find("calls").hidden = false;
  find("calls-model").hidden = calls.length < 2;
  const options = calls.map(({ model }, at) => make("option", { value: String(at) }, model));
  find("call-model").replaceChildren(...options);
  showChosen();
}

find("call-model").addEventListener("change", showChosen);

function showChosen() {
  const { model, query, documents, body } = calls[Number(find("call-model").value)];
  const isSplit = body.documents.length > documents.length;
  const url = new URL("api/v1", document.baseURI).href;
  const inFiles = needsFiles(documents);
  const call = { url, needsKey: hasKey(), query, model, documents, isSplit, body, inFiles };
  find("calls-note").textContent = isSplit
    ? `The documents were split into ${count(body.documents.length, "passage")}. Python and the command line split them, curl sends the passages.`
    : "What was sent, in three ways.";
  find("downloads").hidden = !inFiles;
  find("downloads").replaceChildren(
    makeDownload("documents.json", documents, "for Python and the command line"),
    makeDownload("request.json", body, "for curl"),
  );
  find("call-list").replaceChildren(...writeCalls(call).map(showCall));
}

function showCall({ title, text }) {
  const pre = make("pre", { tabindex: "0", "aria-label": title, role: "region" }, make("code", {}, text));
  const said = make("span", { class: "note", role: "status" });
  const copy = make("button", { type: "button", "aria-label": `Copy ${title}` }, "Copy");
  copy.addEventListener("click", async () => {
    said.textContent = (await copyText(text, pre)) ? "Copied." : "Selected. Press Ctrl+C or ⌘C.";
  });
  const buttons = make("span", { class: "line" }, said, copy);
  return make("div", { class: "call" }, make("div", { class: "line" }, make("h3", {}, title), buttons), pre);
}

async function copyText(text, pre) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Without TLS there is no clipboard but on this machine.
    getSelection().selectAllChildren(pre);
    return false;
  }
}

function makeDownload(name, content, use) {
  const button = make("button", { type: "button" }, `Save ${name}, ${use}`);
  button.addEventListener("click", () => {
    const address = URL.createObjectURL(new Blob([quoteJson(content)], { type: "application/json" }));
    make("a", { href: address, download: name }).click();
    URL.revokeObjectURL(address);
  });
  return button;
}
