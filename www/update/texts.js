// Every text about versions of the app, in both languages.

const en = {
  ready: "A new version of Offing is ready.",
  reload: "Reload",
  damaged: "The server offers a version of Offing that is damaged or was tampered with. This device goes on with the one it has.",
  key: "The server offers a version of Offing that somebody else has signed. This device goes on with the one it has.",
  more: "What is this?",
  title: "A version by another signer",
  explain:
    "Whoever signs the app can read everything in it. Until now one signer has; this version is signed by another. That is so after whoever runs this server built it anew with another key, and it is so when somebody tries to take your files.",
  ask: "Ask whoever runs the server for the fingerprint of the key, by another way than this server. Take the version only if it is this one:",
  keep: "Keep the version I have",
  anyway: "Take it anyway",
  stranger:
    "The server has given this browser another service worker for Offing, one that nobody you know has signed. It is in charge from the next start on. Ask whoever runs the server before you open Offing again.",
  wentBack: "The new version of Offing did not start on this device. It is back at the one before.",
  dismiss: "Dismiss",
  behind: "Offing was renewed beside this tab. Reload it when you like.",
};

const zh = {
  ready: "Offing 新版本已就绪。",
  reload: "重新加载",
  damaged: "服务器提供的 Offing 版本已损坏或被篡改。本设备继续使用现有版本。",
  key: "服务器提供的 Offing 版本由其他人签名。本设备继续使用现有版本。",
  more: "这是什么？",
  title: "其他签名者的版本",
  explain:
    "给应用签名的人可以读取其中的一切。此前一直是同一位签名者；这个版本由另一位签名。服务器管理者用另一把密钥重新构建后会如此，有人企图窃取您的文件时也会如此。",
  ask: "请通过此服务器以外的途径，向服务器管理者询问密钥指纹。只有与下面一致时才使用该版本：",
  keep: "保留现有版本",
  anyway: "仍要使用",
  stranger:
    "服务器向此浏览器提供了另一个 Offing 服务工作线程，它没有您已知的签名。下次启动后将由它接管。再次打开 Offing 之前，请先询问服务器管理者。",
  wentBack: "Offing 新版本未能在本设备上启动，已恢复到上一个版本。",
  dismiss: "关闭",
  behind: "Offing 已在此标签页之外更新。请在方便时重新加载。",
};

export const TEXTS = { en, zh };

/** The texts of a language, by its tag. */
export function textsOf(language) {
  return language?.startsWith("zh") ? zh : en;
}
