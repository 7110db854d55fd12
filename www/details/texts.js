// Every text of the details, in both languages. A text with a place for something is a function.

const en = {
  title: "Details",
  kinds: ["Folder", "Text", "File"],
  kind: "Kind",
  size: "Size",
  below: "Inside",
  place: "Where",
  root: "My files",
  recovered: "Recovered",
  trash: "Trash",
  made: "Added",
  changed: "Changed",
  versions: "Versions",
  showVersions: "Show versions",
  saved: "Saved",
  saves: ["Saved here", "Syncing", "On server"],
  content: "On this device",
  here: "Yes",
  kept: "Yes, and kept",
  away: "No, it comes when it is opened",
  two: "There are two versions that nobody has chosen between.",
  by: (time, device) => (device ? `${time} on ${device}` : time),
  counting: "Counting…",
  atLeast: "(and more)",
  items: (files, folders) =>
    `${count(files, "file", "files")} and ${count(folders, "folder", "folders")}`,
  bytes: (bytes) => (bytes === 1 ? "1 byte" : `${bytes.toLocaleString("en")} bytes`),
  gone: "This is not there any more.",
  close: "Close",
};

const zh = {
  title: "详细信息",
  kinds: ["文件夹", "文本", "文件"],
  kind: "类型",
  size: "大小",
  below: "包含",
  place: "位置",
  root: "我的文件",
  recovered: "找回的内容",
  trash: "回收站",
  made: "添加时间",
  changed: "修改时间",
  versions: "版本",
  showVersions: "查看版本",
  saved: "保存状态",
  saves: ["已保存在本机", "正在同步", "已在服务器"],
  content: "在本设备上",
  here: "是",
  kept: "是，并保留",
  away: "否，打开时获取",
  two: "有两个版本尚未选择。",
  by: (time, device) => (device ? `${time}，${device}` : time),
  counting: "正在统计…",
  atLeast: "（还有更多）",
  items: (files, folders) => `${files.toLocaleString("zh")} 个文件，${folders.toLocaleString("zh")} 个文件夹`,
  bytes: (bytes) => `${bytes.toLocaleString("zh")} 字节`,
  gone: "此项已不存在。",
  close: "关闭",
};

function count(number, one, many) {
  return `${number.toLocaleString("en")} ${number === 1 ? one : many}`;
}

export const TEXTS = { en, zh };

/** The texts of a language, by its tag. */
export function textsOf(language) {
  return language?.startsWith("zh") ? zh : en;
}
