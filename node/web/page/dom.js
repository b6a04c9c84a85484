// What the other files need of the document.

export const $ = (id) => document.getElementById(id);

/** A copy of a template: `root`, and its parts by their `data-part`. */
export function stamp(id) {
  const root = $(id).content.firstElementChild.cloneNode(true);
  const parts = { root };
  for (const part of root.querySelectorAll('[data-part]')) parts[part.dataset.part] = part;
  return parts;
}

/** Sets a text where it differs: a text that is set anew loses a selection, and is read out again. */
export function text(node, value) {
  if (node.textContent !== value) node.textContent = value;
}

/** Initials, on a colour that a name has wherever it is shown. */
export function paint(avatar, name) {
  let hue = 0;
  for (const letter of name) hue = (hue * 31 + letter.codePointAt(0) * 47) % 360;
  avatar.style.setProperty('--hue', hue);
  const words = name.split(/[^\p{L}\p{N}]+/u).filter(Boolean);
  text(avatar, words.length > 1 ? words[0][0] + words[1][0] : (words[0] ?? '?')[0]);
}

/** "ann", "ann and bob", "ann, bob and carol" */
export function list(names) {
  return names.length > 1 ? `${names.slice(0, -1).join(', ')} and ${names.at(-1)}` : (names[0] ?? '');
}
