// What the engine knows of labels, asked at a port of its own (`worker::engine::side`).
//
// A label is its text; the star's is empty.

import { byName } from "./star.js";

/** What is asked; the numbers are those of `side.rs`. */
const NODE = 0;
const OF = 7;
const SET = 8;
const IN_USE = 9;
const WITH = 10;

/** Why a label was not put on; the numbers are those of `side.rs`. */
export const UNFIT = 1;
export const TOO_MANY = 2;

const TRASH = "02".repeat(16);

const { port1: port, port2: theirs } = new MessageChannel();
const questions = new Map();
const watchers = new Set();
let last = 0;

port.onmessage = ({ data: [id, ...answer] }) => {
  if (!id) return watchers.forEach((told) => told());
  questions.get(id)?.(answer);
  questions.delete(id);
};
globalThis.offingEngine.postMessage([theirs], [theirs]);

function ask(...about) {
  const id = ++last;
  return new Promise((resolve) => {
    questions.set(id, resolve);
    port.postMessage([id, ...about]);
  });
}

/** Tells `told` whenever lists changed; returns what ends that. */
export function watch(told) {
  watchers.add(told);
  return () => watchers.delete(told);
}

/** The labels of each of these nodes; empty where that cannot be told now. */
export const labelsOf = (nodes) => ask(OF, ...nodes);

/** Puts a label on or takes it off; 0, or why not. */
export async function setLabel(label, on, nodes) {
  const [refused] = await ask(SET, label, on, ...nodes);
  return refused ?? -1;
}

/** All labels in use with how many nodes have each, in the order of names. */
export async function inUse() {
  const answer = await ask(IN_USE);
  const labels = [];
  for (let at = 0; at < answer.length; at += 2) labels.push([answer[at], answer[at + 1]]);
  return labels.sort(([a], [b]) => byName.compare(a, b));
}

/** The nodes that have a label, what is in the trash too, in the order of a folder. */
export async function nodesWith(label) {
  const nodes = [];
  for (let end = null; end !== undefined; ) {
    const [next, ...page] = await ask(WITH, label, end);
    nodes.push(...page);
    end = next ?? undefined;
  }
  return nodes;
}

/** Name, kind and place of those of these nodes that are not in the trash. */
export async function described(nodes) {
  const all = await Promise.all(nodes.map(async (node) => [node, await ask(NODE, node)]));
  const there = all.filter(([, [name, ...rest]]) => name !== undefined && rest[6]?.[0]?.[0] !== TRASH);
  return there.map(([node, [name, kind, , , , , , path]]) => ({ node, name, kind, path }));
}
