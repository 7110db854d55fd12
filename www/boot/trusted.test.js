import assert from "node:assert/strict";
import { test } from "node:test";

import { checkHtml, checkScriptUrl } from "./trusted.js";

const base = "https://drive.example";

test("own markup passes unchanged", () => {
  const markup = '<div class="row" role="row"><span>Your data: two = 2 &amp; more</span><a href="/trash">Trash</a><!></div>';
  assert.equal(checkHtml(markup), markup);
});

for (const markup of [
  "<script>1</script>",
  "<SCRIPT src=x>",
  "<img src=x onerror=alert(1)>",
  '<img src="x"onerror=alert(1)>',
  "<svg/onload=alert(1)>",
  '<a href="javascript:alert(1)">x</a>',
  '<iframe srcdoc="x"></iframe>',
  '<p style="color:red">x</p>',
  '<a href="java&#115;cript:alert(1)">x</a>',
  "<a href=java&Tab;script:alert(1)>x</a>",
  "<base href=//evil.example>",
  "<a href='data:text/html,x'>x</a>",
]) {
  test(`markup is refused: ${markup}`, () => {
    assert.throws(() => checkHtml(markup), TypeError);
  });
}

test("the app's own scripts pass", () => {
  assert.equal(checkScriptUrl("/sw.js", base), `${base}/sw.js`);
  assert.equal(checkScriptUrl("/assets/engine-ABC123.js", base), `${base}/assets/engine-ABC123.js`);
});

for (const address of [
  "https://evil.example/assets/engine.js",
  "//evil.example/sw.js",
  "data:text/javascript,1",
  "blob:https://drive.example/1",
  "/api/sw.js",
  "/assets/../api/x.js",
  "/sw.js?x=1",
]) {
  test(`script address is refused: ${address}`, () => {
    assert.throws(() => checkScriptUrl(address, base), TypeError);
  });
}
