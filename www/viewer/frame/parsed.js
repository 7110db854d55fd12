// A text as the document that nobody sees: the browser's parser reads it, no script of it runs and nothing loads.

const policy = globalThis.trustedTypes?.createPolicy("viewer", { createHTML: (text) => text });

/** Reads a text of a media type. */
export function parsed(text, type) {
  return new DOMParser().parseFromString(policy ? policy.createHTML(text) : text, type);
}
