// Every text of the search box, in both languages. A text with a place for something is a
// function.

const en = {
  any: "Any time",
  anyKind: "All kinds",
  anyLabel: "All tags",
  anySize: "Any size",
  away: (count) => `${count === 1 ? "1 file is" : `${count} files are`} not on this device, so not searched`,
  changed: "Changed",
  everywhere: "Everywhere",
  found: (names, texts) => `${names} by name, ${texts} by content`,
  here: "In this folder",
  inContents: "In contents",
  kind: "Kind",
  kinds: {
    text: "Text",
    pdf: "PDF",
    document: "Document",
    sheet: "Table",
    picture: "Picture",
    audio: "Sound",
    video: "Video",
    archive: "Archive",
    folder: "Folder",
  },
  label: "Tag",
  large: "Over 1 MB",
  medium: "100 KB to 1 MB",
  month: "Past month",
  names: "By name",
  noNames: "No name fits",
  noContents: "No content has all these words",
  place: "Where",
  reading: (read, all) => `${read} of ${all} files read so far`,
  results: "Search results",
  size: "Size",
  small: "Up to 100 KB",
  starred: "Starred",
  week: "Past week",
  year: "Past year",
};

const zh = {
  any: "任何时间",
  anyKind: "所有类型",
  anyLabel: "所有标签",
  anySize: "任何大小",
  away: (count) => `${count} 个文件不在本设备上，因此未搜索`,
  changed: "修改时间",
  everywhere: "所有位置",
  found: (names, texts) => `名称匹配 ${names} 项，内容匹配 ${texts} 项`,
  here: "仅此文件夹",
  inContents: "文件内容",
  kind: "类型",
  kinds: {
    text: "文本",
    pdf: "PDF",
    document: "文档",
    sheet: "表格",
    picture: "图片",
    audio: "音频",
    video: "视频",
    archive: "压缩包",
    folder: "文件夹",
  },
  label: "标签",
  large: "超过 1 MB",
  medium: "100 KB 至 1 MB",
  month: "最近一个月",
  names: "名称",
  noNames: "没有匹配的名称",
  noContents: "没有文件内容包含所有这些词",
  place: "位置",
  reading: (read, all) => `已读取 ${read}/${all} 个文件`,
  results: "搜索结果",
  size: "大小",
  small: "不超过 100 KB",
  starred: "已加星标",
  week: "最近一周",
  year: "最近一年",
};

export const TEXTS = { en, zh };

/** The texts of a language, by its tag. */
export function textsOf(language) {
  return language?.startsWith("zh") ? zh : en;
}
