// What processes used, from /proc; zeros where there is no /proc.

import { readFileSync, readdirSync } from "node:fs";

function table() {
  const children = new Map();
  const stats = new Map();
  let entries = [];
  try {
    entries = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  } catch {
    return { children, stats };
  }
  for (const pid of entries) {
    try {
      const line = readFileSync(`/proc/${pid}/stat`, "utf8");
      const fields = line.slice(line.lastIndexOf(")") + 2).split(" ");
      stats.set(Number(pid), fields);
      children.set(Number(fields[1]), [...(children.get(Number(fields[1])) ?? []), Number(pid)]);
    } catch {
      // It ended meanwhile.
    }
  }
  return { children, stats };
}

function tree(root) {
  const { children, stats } = table();
  const found = [];
  const walk = (pid) => {
    if (!stats.has(pid)) return;
    found.push([pid, stats.get(pid)]);
    (children.get(pid) ?? []).forEach(walk);
  };
  walk(root);
  return found;
}

/** CPU seconds of a process and all below it. */
export function treeUsage(root) {
  let user = 0;
  let system = 0;
  for (const [, fields] of tree(root)) {
    user += Number(fields[11]) + Number(fields[13]);
    system += Number(fields[12]) + Number(fields[14]);
  }
  return { user: user / 100, system: system / 100 };
}

/** The proportional set size, in MiB, of the largest renderer below a browser: the app's tab. */
export function tabMemory(browser) {
  let largest = 0;
  for (const [pid] of tree(browser)) {
    try {
      if (!readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("--type=renderer")) continue;
      const pss = /^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"));
      largest = Math.max(largest, Number(pss?.[1] ?? 0) / 1024);
    } catch {
      // It ended meanwhile.
    }
  }
  return largest;
}
