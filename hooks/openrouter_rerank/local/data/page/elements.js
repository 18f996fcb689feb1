// Elements out of texts. Every text becomes a text node, so that none is ever read as markup.

export const find = (id) => document.getElementById(id);

export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value === null) continue;
    element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

// A text of another's: isolated, so that right-to-left marks in it turn nothing around it.
export const quote = (text) => make("bdi", {}, text);
