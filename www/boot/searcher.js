// The searcher's worker: reads what is in the files and finds what is asked for.
//
// It has no key and asks no network: all that it knows it gets from the engine, at the port
// that the page hands over first, and the engine keeps its index sealed. The page then says
// `[id, what, …]` and is answered `[id, answer]`. With a negative id it is asked itself: to
// "read" a file, or for the "text" that a module finds in one; it answers in the same way.
// `[0, read, readable, reads, more]` tells how many files are read and of how many, whether
// that goes on, and whether more can be found.
//
// One tab of a profile reads at a time; the others search in what that one kept. That one also
// takes what the person's other devices read, and shares what is read here.

import initSearch, { Searcher } from "offing-search-glue";

/** Between two files, so that the engine has time for people. */
const PAUSE_MS = 20;
/** After somebody typed. */
const REST_MS = 1500;
const LOCK = "search";
/** What the snippet of a hit is taken from (`bin/search.rs`). */
const CONTENT = 1;
const DOCUMENT = 2;
/** Texts of documents that are held for the snippets of the next searches. */
const TEXTS_MAX = 8;

const fail = (error) => setTimeout(() => { throw error; });

let port;
let searcher;
/** What was kept when it was last loaded or kept here. */
let head = null;
let restUntil = 0;
let running = false;
/** The module ended over what another device shared; nothing more is taken. */
let stumbled = false;
/** Who waits until the nodes are known as they are now. */
const learners = [];
/** The last of them. */
let known = null;
let lastQuery = 0;
/** The last segment that the page was told of. */
let made = 0;
/** node → the text that a module found in it, the latest last. */
const texts = new Map();

const waiting = new Map();
let lastId = 0;
let lastAsked = 0;

/** Asks the engine; `undefined` is what it cannot tell now. */
function asks(question) {
  const id = ++lastId;
  return new Promise((resolve) => {
    waiting.set(id, resolve);
    port.postMessage([id, question]);
  });
}

function settle(id, answer) {
  waiting.get(id)?.(answer);
  waiting.delete(id);
}

const pause = (delay) => new Promise((resolve) => setTimeout(resolve, delay));

async function load() {
  const found = await asks(searcher.head());
  if (head && same(head, found)) return;
  head = found ?? new Uint8Array();
  for (let question = searcher.open(); question; ) question = searcher.loaded(await asks(question));
}

function same(a, b = new Uint8Array()) {
  return a.length === b.length && a.every((byte, at) => byte === b[at]);
}

/** Has itself told all nodes, unless they are known as they are. */
async function learn() {
  let question = searcher.begin(await asks(searcher.mark()), Date.now());
  if (question) texts.clear();
  while (question) {
    const page = await asks(question);
    if (!page) return;
    question = searcher.told(page);
  }
  tell(true);
}

/** Takes what the person's other devices share of what they read. */
async function takeShared() {
  const question = !stumbled && searcher.seek(Date.now());
  try {
    for (let next = question; next; ) next = searcher.found(await asks(next));
  } catch (error) {
    // Something that no honest device shares: what is here is as it was, and kept.
    stumbled = true;
    fail(error);
    head = null;
    searcher = new Searcher();
    await load();
    return learn();
  }
  if (question && (await keep())) tell(true);
}

/** Shares what is kept, when there is nothing else to do. */
async function share() {
  await pause(restUntil - performance.now());
  const question = !learners.length && searcher.share(Date.now());
  if (!question) return;
  searcher.shared(await asks(question), Date.now());
  await keep();
}

/** Takes the words of what is new, file by file. */
async function read() {
  for (let node; !learners.length && (node = searcher.next()); ) {
    searcher.take(await textOf(node, searcher.foreign()));
    if (!(await keep())) return;
    tell(true);
    await pause(Math.max(PAUSE_MS, restUntil - performance.now()));
  }
  await keep();
  if (!learners.length) tell(false);
}

/** Tells the page how much is read, and whether more is being read. */
function tell(reads) {
  // A segment is made of several files, so not each can be found at once.
  self.postMessage([0, ...searcher.progress(), reads, made !== (made = searcher.parts())]);
}

/** Asks the page. */
function asksPage(...about) {
  return new Promise((resolve) => {
    const id = --lastAsked;
    waiting.set(id, resolve);
    self.postMessage([id, ...about]);
  });
}

/** The text of a file; one that is none by itself is read by its module, by way of the page. */
async function textOf(node, name) {
  const bytes = await asksPage("read", node);
  if (!bytes || name === undefined) return bytes;
  const text = await asksPage("text", name, bytes);
  return text === undefined ? undefined : new TextEncoder().encode(text);
}

/** The text of a document, which was asked for lately as like as not: every letter that is typed is a search. */
async function heldText(node, name) {
  const text = texts.get(node) ?? (await textOf(node, name));
  texts.delete(node);
  if (text) texts.set(node, text);
  if (texts.size > TEXTS_MAX) texts.delete(texts.keys().next().value);
  return text;
}

/** Says whether there is room for it. */
async function keep() {
  const questions = searcher.keep();
  if (!questions.length) return true;
  for (const question of questions) if (!(await asks(question))) return false;
  searcher.kept();
  head = (await asks(searcher.head())) ?? head;
  return true;
}

/** Learns and reads until nobody asks for it any more. */
async function run() {
  running = true;
  await navigator.locks.request(LOCK, { ifAvailable: true }, async (lock) => {
    while (learners.length) {
      await load();
      const told = learners.splice(0);
      await learn();
      told.forEach((resolve) => resolve());
      if (!lock) continue;
      await takeShared();
      await read();
      await share();
    }
  });
  running = false;
  if (learners.length) await run();
}

const acts = {
  /** Looks what is new, and reads it; answers when the nodes are known. */
  look() {
    known = new Promise((resolve) => learners.push(resolve));
    if (!running) run().catch(fail);
    return known;
  },
  /** Files with these words in them: of each `[node, name, path, snippet, later]`, where it is asked for later. */
  async find(query, filter) {
    const number = ++lastQuery;
    await known;
    const hits = searcher.find(query, ...filter);
    return Promise.all(
      hits.map(async ([node, name, path, source]) => {
        const content = source === CONTENT && (await asksPage("read", node));
        const snippet = content && number === lastQuery ? searcher.snippet(content) : [];
        return [node, name, path, snippet, source === DOCUMENT];
      }),
    );
  },
  /** What is called so or almost so, among these nodes if there are some: of each `[node, name, path, kind]`. */
  async names(query, within) {
    await known;
    return searcher.names(query, within);
  },
  /** The snippet of a document for the last search; nothing where another began meanwhile. */
  async snippet(node, name) {
    const number = lastQuery;
    const text = await heldText(node, name);
    return text && number === lastQuery ? searcher.snippet(text) : [];
  },
  /** Somebody types. */
  rest() {
    restUntil = performance.now() + REST_MS;
  },
};

async function start(given) {
  port = given;
  port.onmessage = ({ data: [id, bytes] }) => settle(id, bytes);
  await initSearch({ module_or_path: __SEARCH_WASM__ });
  searcher = new Searcher();
}

let started;
self.addEventListener("message", ({ data: [id, what, ...about], ports }) => {
  if (id < 0) return settle(id, what);
  started ??= start(ports[0]);
  started
    .then(() => acts[what]?.(...about))
    .then((answer) => id && self.postMessage([id, answer]))
    .catch(fail);
});
