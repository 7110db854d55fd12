// Markdown to what is shown: our renderer, which answers steps that make elements one by one, beside
// three that answer HTML as a string. Each is a worker that gets a text and answers; the texts are
// the manuals of npm packages and the specification of CommonMark. One more worker answers the text
// itself, which is what asking costs. The manuals are asked for one by one, as a person opens them,
// and all at once, so that the renderer is what one waits for.

import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";

import { median, round } from "../support/figures.mjs";
import { pack, packageOf, Stage } from "../support/stage.mjs";

export const title = "Markdown rendered, in one browser";

const WWW = path.join(path.dirname(fileURLToPath(import.meta.url)), "../../../www/node_modules");
const ANSWERS = "self.onmessage = ({ data }) => self.postMessage(render(data));";
const PEERS = {
  echo: `const render = (text) => text; ${ANSWERS}`,
  marked: `import { marked } from "marked"; const render = (text) => marked.parse(text); ${ANSWERS}`,
  "markdown-it": `import make from "markdown-it"; const md = make(); const render = (text) => md.render(text); ${ANSWERS}`,
  micromark: `import { micromark } from "micromark"; import { gfm, gfmHtml } from "micromark-extension-gfm";
    const how = { extensions: [gfm()], htmlExtensions: [gfmHtml()] };
    const render = (text) => micromark(text, how); ${ANSWERS}`,
};

/** Texts of packages, by their path, so that every run has the same. */
async function manuals() {
  const found = [];
  for (const root of [packageOf(""), WWW]) {
    const names = await readdir(root, { recursive: true });
    for (const name of names.filter((one) => /(^|\/)readme\.md$/i.test(one)).sort()) {
      found.push(await readFile(path.join(root, name), "utf8"));
    }
  }
  return found.filter((text) => text.length > 1_000);
}

/**
 * Renders every text with every worker, each `reps` times in turns; medians in milliseconds. The last
 * text is not among those that are asked for at once.
 */
async function measure({ workers, texts, reps }) {
  const each = (worker, text) =>
    new Promise((resolve, reject) => {
      const start = performance.now();
      worker.onmessage = () => resolve(performance.now() - start);
      worker.onerror = ({ message }) => reject(new Error(message || "a worker failed"));
      worker.postMessage(text);
    });
  const all = (worker, some) =>
    new Promise((resolve, reject) => {
      const start = performance.now();
      let answers = 0;
      worker.onmessage = () => {
        answers += 1;
        if (answers === some.length) resolve(performance.now() - start);
      };
      worker.onerror = ({ message }) => reject(new Error(message || "a worker failed"));
      for (const text of some) worker.postMessage(text);
    });
  const made = Object.entries(workers).map(([name, address]) => {
    return { name, worker: new Worker(address, { type: "module" }), times: texts.map(() => []), together: [] };
  });
  for (let rep = 0; rep < reps + 3; rep += 1) {
    for (const [at, text] of texts.entries()) {
      for (const { worker, times } of made) {
        const time = await each(worker, text);
        // The first rounds warm up what the browser compiles.
        if (rep >= 3) times[at].push(time);
      }
    }
    for (const { worker, together } of made) {
      const time = await all(worker, texts.slice(0, -1));
      if (rep >= 3) together.push(time);
    }
  }
  const middle = (times) => times.sort((one, other) => one - other)[Math.floor(times.length / 2)];
  return Object.fromEntries(
    made.map(({ name, times, together }) => [name, { each: times.map(middle), together: middle(together) }]),
  );
}

export async function run({ reps }) {
  const specification = await readFile(path.join(packageOf("commonmark-spec"), "spec.txt"), "utf8");
  const texts = [...(await manuals()), specification];
  const assets = await readdir(path.join(process.env.OFFING_ASSETS, "assets"));
  const renderer = assets.find((name) => /^markdown-.*\.js$/.test(name));
  const scripts = await Promise.all(Object.entries(PEERS).map(async ([name, source]) => [`/${name}.js`, await pack(source)]));
  const stage = await Stage.open(Object.fromEntries(scripts));
  try {
    const workers = { offing: `/assets/${renderer}`, ...Object.fromEntries(Object.keys(PEERS).map((name) => [name, `/${name}.js`])) };
    const times = await stage.page.run(measure, { workers, texts, reps: Math.max(reps, 5) });
    const count = texts.length - 1;
    const sum = (each) => each.slice(0, count).reduce((all, one) => all + one, 0);
    const ours = times.offing;
    const rows = (name, { each, together }) => {
      const than = (value, other) => (name === "offing" ? undefined : `${round(value / other)} times ours`);
      const usual = median(each.slice(0, count).map((time, at) => time / ours.each[at]));
      const note = name === "offing" ? undefined : `${than(sum(each), sum(ours.each))}, ${round(usual)} in the median`;
      return [
        { figure: `${name}: ${count} manuals, one by one`, value: round(sum(each)), unit: "ms", note },
        { figure: `${name}: the same at once`, value: round(together), unit: "ms", note: than(together, ours.together) },
        {
          figure: `${name}: CommonMark's specification, ${round(specification.length / 1024)} KiB`,
          value: round(each[count]),
          unit: "ms",
          note: than(each[count], ours.each[count]),
        },
      ];
    };
    return Object.entries(times).flatMap(([name, figures]) => rows(name, figures));
  } finally {
    await stage.end();
  }
}
