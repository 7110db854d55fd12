// Every text of the viewer and its frame, in both languages. A text with a place for
// something is a function.

const en = {
  archiveOf: (count) => (count === 1 ? "1 item" : `${count} items`),
  asHex: "Hex",
  asText: "Text",
  away: "This file is not on this device, and the server cannot be reached. Connect to see it.",
  back: "Back to the archive",
  broken: "This file is damaged, or is not what its name says.",
  content: (name) => `Content of ${name}`,
  crash: "The preview broke down on this file. Nothing else is affected.",
  download: "Download",
  empty: "This file is empty.",
  emptyFolder: "This folder is empty.",
  expands: "This would unpack to more than a hundred times its size, so it was stopped.",
  extract: "Extract all",
  extractOne: (name) => `Extract ${name}`,
  extracting: (done, all) => `Unpacking ${done} of ${all}…`,
  forged: "The part that shows such files is not the one that belongs to this app, so it was not run. Reload the page to fetch it again.",
  fit: "Fit",
  goTo: "Go to offset",
  large: "This file is too large for a preview.",
  larger: "Larger",
  loading: "Loading…",
  locked: "This is protected by a password.",
  look: "Show as",
  members: "This archive holds more than 10,000 items, so it was not opened.",
  memory: "The preview ran out of the memory it is allowed, so it was stopped.",
  missing: "What shows such files is not on this device yet. Connect once to fetch it.",
  more: "The rest is not shown. Download the file to see all of it.",
  openText: "Open as text",
  output: "What is in it is too large to be shown here.",
  path: "Place in the archive",
  preview: "Preview",
  tableOf: (rows, columns) => `${rows.toLocaleString("en")} rows, ${columns} columns`,
  smaller: "Smaller",
  time: "The preview took too long, so it was stopped.",
  top: "Archive",
  unplayable: "This browser cannot show or play this file.",
  unsupported: "This kind cannot be shown.",
  zoom: "Zoom",
};

const zh = {
  archiveOf: (count) => `${count} 项`,
  asHex: "十六进制",
  asText: "文本",
  away: "此文件不在本设备上，也无法连接服务器。连接后即可查看。",
  back: "返回压缩包",
  broken: "此文件已损坏，或与其名称不符。",
  content: (name) => `${name} 的内容`,
  crash: "预览在处理此文件时出错，其他内容不受影响。",
  download: "下载",
  empty: "此文件为空。",
  emptyFolder: "此文件夹为空。",
  expands: "解压后会超过原大小的一百倍，因此已停止。",
  extract: "全部解压",
  extractOne: (name) => `解压 ${name}`,
  extracting: (done, all) => `正在解压 ${done}/${all}…`,
  forged: "用于显示此类文件的组件不属于本应用，因此未运行。请重新加载页面以重新获取。",
  fit: "适合窗口",
  goTo: "转到偏移",
  large: "此文件太大，无法预览。",
  larger: "放大",
  loading: "正在加载…",
  locked: "此内容受密码保护。",
  look: "显示为",
  members: "此压缩包超过 10,000 项，因此未打开。",
  memory: "预览超出了允许的内存，因此已停止。",
  missing: "用于显示此类文件的组件尚未保存在本设备上。请联网一次以获取。",
  more: "其余内容未显示。请下载文件查看全部。",
  openText: "以文本打开",
  output: "内容太大，无法在此显示。",
  path: "压缩包中的位置",
  preview: "预览",
  tableOf: (rows, columns) => `${rows.toLocaleString("zh")} 行，${columns} 列`,
  smaller: "缩小",
  time: "预览耗时过长，因此已停止。",
  top: "压缩包",
  unplayable: "此浏览器无法显示或播放此文件。",
  unsupported: "无法显示此类内容。",
  zoom: "缩放",
};

export const TEXTS = { en, zh };

/** The texts of a language, by its tag. */
export function textsOf(language) {
  return language?.startsWith("zh") ? zh : en;
}

/** A size as people read it, with three significant digits, as the page prints it. */
export function sizeOf(bytes) {
  if (bytes < 1000) return `${bytes} B`;
  const step = Math.min(Math.floor(Math.log10(bytes) / 3), UNITS.length);
  return `${Number((bytes / 1000 ** step).toPrecision(3))} ${UNITS[step - 1]}`;
}

const UNITS = ["kB", "MB", "GB", "TB", "PB"];
