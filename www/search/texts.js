// Every text of the search box, in both languages. A text with a place for something is a
// function.

const en = {
  any: "Any time",
  away: (count) => `${count === 1 ? "1 file is" : `${count} files are`} not on this device, so not searched`,
  changed: "Changed",
  everywhere: "Everywhere",
  found: (names, texts) => `${names} by name, ${texts} by content`,
  here: "In this folder",
  inContents: "In contents",
  month: "Past month",
  names: "By name",
  noNames: "No name fits",
  noContents: "No content has all these words",
  place: "Where",
  reading: (read, all) => `${read} of ${all} files read so far`,
  results: "Search results",
  week: "Past week",
  year: "Past year",
};

const zh = {
  any: "任何时间",
  away: (count) => `${count} 个文件不在本设备上，因此未搜索`,
  changed: "修改时间",
  everywhere: "所有位置",
  found: (names, texts) => `名称匹配 ${names} 项，内容匹配 ${texts} 项`,
  here: "仅此文件夹",
  inContents: "文件内容",
  month: "最近一个月",
  names: "名称",
  noNames: "没有匹配的名称",
  noContents: "没有文件内容包含所有这些词",
  place: "位置",
  reading: (read, all) => `已读取 ${read}/${all} 个文件`,
  results: "搜索结果",
  week: "最近一周",
  year: "最近一年",
};

export const TEXTS = { en, zh };

/** The texts of a language, by its tag. */
export function textsOf(language) {
  return language?.startsWith("zh") ? zh : en;
}
