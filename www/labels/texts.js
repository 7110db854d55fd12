// Every text about stars and tags, in both languages. A text with a place for something is a function.

const en = {
  add: "Add a tag",
  all: "Tags",
  count: (count) => (count === 1 ? "1 item" : `${count.toLocaleString("en")} items`),
  failed: "That could not be saved.",
  labelled: (tag) => `Tagged ${tag}`,
  more: "Show more",
  noneStarred: "Nothing is starred. The star in a list, or *, marks what matters now.",
  noneTagged: (tag) => `Nothing has the tag ${tag}.`,
  off: (tag) => `Remove tag ${tag}`,
  recovered: "Recovered",
  root: "My files",
  star: (name) => `Star ${name}`,
  starred: "Starred",
  tags: "Tags",
  tooMany: "There is no room for more tags on this.",
  unfit: "That is too long for a tag, or has a quotation mark.",
  unstar: (name) => `Unstar ${name}`,
};

const zh = {
  add: "添加标签",
  all: "标签",
  count: (count) => `${count.toLocaleString("zh")} 项`,
  failed: "未能保存。",
  labelled: (tag) => `标签：${tag}`,
  more: "显示更多",
  noneStarred: "没有加星标的内容。在列表中点星标，或按 *，标记重要的内容。",
  noneTagged: (tag) => `没有内容带有标签 ${tag}。`,
  off: (tag) => `移除标签 ${tag}`,
  recovered: "找回的内容",
  root: "我的文件",
  star: (name) => `为 ${name} 加星标`,
  starred: "已加星标",
  tags: "标签",
  tooMany: "此项的标签已满。",
  unfit: "标签过长，或含有引号。",
  unstar: (name) => `取消 ${name} 的星标`,
};

export const TEXTS = { en, zh };

/** The texts of a language, by its tag. */
export function textsOf(language) {
  return language?.startsWith("zh") ? zh : en;
}
