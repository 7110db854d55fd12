// Every text of the editor, in both languages: of its own bar, and CodeMirror's phrases.
// CodeMirror speaks English by itself.

const en = {
  addFiles: "Picture or file",
  bar: "Text tools",
  bold: "Bold",
  company: "Also here",
  find: "Find and replace",
  isHere: (name) => `${name} is here too`,
  italic: "Italic",
  link: "Link",
  list: "List",
  nameless: "Another device",
  noOutline: "Nothing to list in this text.",
  outline: "Outline",
  picture: "picture",
  showCompany: "Show who else is here, and that I am",
  table: "Table",
  tasks: "Tasks",
  templates: "Begin with",
  wrap: "Wrap lines",
  newTable: ["Column", "Column"],
};

const zh = {
  addFiles: "图片或文件",
  bar: "文本工具",
  bold: "粗体",
  company: "同时在此",
  find: "查找和替换",
  isHere: (name) => `${name} 也在这里`,
  italic: "斜体",
  link: "链接",
  list: "列表",
  nameless: "另一台设备",
  noOutline: "此文本没有可列出的内容。",
  outline: "大纲",
  picture: "图片",
  showCompany: "显示还有谁在这里，并让对方看到我",
  table: "表格",
  tasks: "任务",
  templates: "从模板开始",
  wrap: "自动换行",
  newTable: ["列", "列"],
};

const zhPhrases = {
  "Control character": "控制字符",
  "Selection deleted": "已删除所选内容",
  "Folded lines": "已折叠的行",
  "Unfolded lines": "已展开的行",
  to: "至",
  "folded code": "已折叠的代码",
  unfold: "展开",
  "Fold line": "折叠此行",
  "Unfold line": "展开此行",
  "Go to line": "转到行",
  go: "转到",
  Find: "查找",
  Replace: "替换为",
  next: "下一个",
  previous: "上一个",
  all: "全部",
  "match case": "区分大小写",
  "by word": "全字匹配",
  regexp: "正则表达式",
  replace: "替换",
  "replace all": "全部替换",
  close: "关闭",
  "current match": "当前匹配",
  "replaced $ matches": "已替换 $ 处",
  "replaced match on line $": "已替换第 $ 行的匹配",
  "on line": "在第几行",
  $: "$",
};

const chinese = (language) => language.toLowerCase().startsWith("zh");

/** The editor's own texts in the language of a tag; English for those it does not speak. */
export const textsOf = (language) => (chinese(language) ? zh : en);

/** CodeMirror's texts in that language, by its English ones. */
export const phrasesOf = (language) => (chinese(language) ? zhPhrases : {});
