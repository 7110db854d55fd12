// The page's Trusted Types policy.
//
// The content security policy asks for Trusted Types, so every string that would
// become markup or a script's address passes through here. Markup comes only from
// the page's own compiled templates, never from a file's content; this policy is the
// second lock on that door and refuses whatever could run or load something. (Forms are
// the content security policy's business: it lets none be posted.)

const refused = [
  /<\s*\/?\s*(script|iframe|frame|object|embed|base|link|meta|style|portal|foreignobject)\b/i,
  /[\s"'/]on[a-z]+\s*=/i,
  /[\s"'/](srcdoc|style|xlink:href)\s*=/i,
  /=\s*["']?\s*(javascript|vbscript|data)\s*:/i,
  // An encoded character could spell such a scheme past the line above.
  /[\s"'/](href|src)\s*=\s*("[^"]*&|'[^']*&|[^"'\s>]*&)/i,
];

const scriptPaths = [/^\/sw\.js$/, /^\/assets\/[\w.-]+\.js$/];

/** Passes the page's own markup through, and throws for anything that could act. */
export function checkHtml(markup) {
  if (refused.some((pattern) => pattern.test(markup))) {
    throw new TypeError("markup refused: it could run or load something");
  }
  return markup;
}

/** Passes the addresses of the app's own scripts through, and throws for any other. */
export function checkScriptUrl(address, base) {
  const url = new URL(address, base);
  const own = url.origin === new URL(base).origin;
  if (!own || url.search || !scriptPaths.some((pattern) => pattern.test(url.pathname))) {
    throw new TypeError("script address refused: it is not one of the app's own");
  }
  return url.href;
}

/** Registers the policy; where the browser has no Trusted Types there is nothing to do. */
export function registerPolicy() {
  globalThis.trustedTypes?.createPolicy("default", {
    createHTML: checkHtml,
    createScriptURL: (address) => checkScriptUrl(address, location.origin),
  });
}
