// The outline of a text: headings of Markdown, definitions of code.
//
// Found in the syntax tree that highlights it, so every language that has a grammar has an outline.

import { ensureSyntaxTree, syntaxTree } from "@codemirror/language";

/** How many places are listed at most, and how long is spent on parsing what is out of sight. */
const PLACES_MAX = 2_000;
const PARSE_MS = 100;
const NAME_MAX = 120;

const HEADING = /^(?:ATX|Setext)Heading([1-6])$/;
const DEFINITION =
  /^(?:Function|Class|Method|Interface|Enum|TypeAlias|Namespace|Struct|Trait|Impl|Mod|Macro|Union|Module|Object|Type)\w*(?:Declaration|Definition|Item|Spec)$/;
const NAME = /^(?:VariableDefinition|TypeDefinition|PropertyDefinition|BoundIdentifier|TypeIdentifier|VariableName|PropertyName|Definition|Identifier|TypeName|DefName)$/;

/** The places of a text, in order: `{level, name, from}`, `level` from 1. */
export function outlineOf(state) {
  const tree = ensureSyntaxTree(state, state.doc.length, PARSE_MS) ?? syntaxTree(state);
  const places = [];
  const within = [];
  tree.iterate({
    enter(node) {
      if (places.length >= PLACES_MAX) return false;
      const heading = HEADING.exec(node.name);
      if (heading) {
        places.push({ level: Number(heading[1]), name: titleOf(state, node), from: node.from });
        return false;
      }
      if (!DEFINITION.test(node.name)) return true;
      const name = nameOf(state, node.node);
      if (name) {
        while (within.length > 0 && within.at(-1) <= node.from) within.pop();
        places.push({ level: within.length + 1, name, from: node.from });
        within.push(node.to);
      }
      return true;
    },
  });
  return places;
}

/** The place that a position belongs to: the last that begins before its line ends, or -1. */
export function placeAt(places, state, at) {
  const end = state.doc.lineAt(at).to;
  return places.findLastIndex((place) => place.from <= end);
}

function titleOf(state, { from, to }) {
  const line = state.sliceDoc(from, Math.min(to, from + 4 * NAME_MAX)).split("\n")[0];
  return short(line.replace(/^\s*#+\s*/, "").replace(/\s+#*\s*$/, ""));
}

function nameOf(state, node) {
  // `impl Shape for Circle` has no name of its own.
  if (node.name.startsWith("Impl")) return short(state.sliceDoc(node.from, node.to).split(/[{\n]/)[0]);
  for (let child = node.firstChild; child; child = child.nextSibling) {
    if (NAME.test(child.name)) return short(state.sliceDoc(child.from, child.to));
    if (/Body|Block/.test(child.name)) break;
  }
  return "";
}

const short = (name) => (name.length > NAME_MAX ? `${name.slice(0, NAME_MAX)}…` : name).trim();
