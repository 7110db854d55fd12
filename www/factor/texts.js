// Every text about second factors, in both languages. A text with a place for something is a function.

const en = {
  title: "Second factor",
  on: "on",
  off: "off",
  why: "A sign-in with your password then also wants a code of an app on your phone. Whoever learns your password cannot get in with it.",
  setUp: "Set up an app",
  otherApp: "Use another app",
  appSince: (date) => `Codes of an app, since ${date}.`,
  left: (count) => (count === 1 ? "1 spare code is left." : `${count} spare codes are left.`),
  renew: "Make new spare codes",
  remove: "Remove the second factor…",
  removeTitle: "Remove the second factor?",
  removeText: "Your password alone will be enough to sign in. The spare codes become void.",
  removeDo: "Remove it",
  setUpTitle: "Set up an app",
  scan: "Scan this with an app for one-time codes, such as the one in your password manager.",
  picture: "A QR code for the app",
  type: "Or type this into the app:",
  codeNow: "The code that it shows now",
  confirm: "Turn it on",
  spare: "Spare codes",
  spareText: "Each lets you in once if you do not have the app at hand. They are shown this one time: print them or write them down. Your recovery kit goes on working too, without them.",
  copy: "Copy",
  copied: "Copied.",
  kept: "I have kept them",
  askTitle: "Second factor",
  askApp: "Your password is right. Now type the code that your app shows, or one of your spare codes.",
  askSpare: "Your password is right. Now type one of your spare codes.",
  code: "Code",
  go: "Continue",
  cancel: "Cancel",
  proveTitle: "Is it you?",
  prove: "Type your password before this is changed.",
  password: "Password",
  failures: {
    wrong_credentials: "This code is not right, or was used before. Wait for the next one.",
    wrong_password: "The password is wrong.",
    not_proved: "That did not work. Try again.",
    login_expired: "That took too long, or too many codes were wrong. Cancel, and sign in again.",
    sign_in_again: "The server wants you to sign in again.",
    signed_out: "You are signed out. Sign in again.",
    silent: "The server cannot be reached.",
    other: "The server refused. Try again later.",
  },
  wait: (seconds) =>
    `Too many wrong codes came. Wait ${seconds < 90 ? `${seconds} seconds` : `${Math.ceil(seconds / 60)} minutes`}, or use a spare code.`,
};

const zh = {
  title: "第二重验证",
  on: "已开启",
  off: "未开启",
  why: "开启后，用密码登录时还需要手机应用显示的验证码。仅知道密码的人无法登录。",
  setUp: "设置验证应用",
  otherApp: "换用其他应用",
  appSince: (date) => `自 ${date} 起使用验证应用。`,
  left: (count) => `还剩 ${count} 个备用码。`,
  renew: "生成新的备用码",
  remove: "移除第二重验证…",
  removeTitle: "移除第二重验证？",
  removeText: "之后仅凭密码即可登录。备用码将失效。",
  removeDo: "移除",
  setUpTitle: "设置验证应用",
  scan: "用一次性验证码应用（例如密码管理器中的）扫描此图。",
  picture: "供应用扫描的二维码",
  type: "或在应用中输入：",
  codeNow: "应用当前显示的验证码",
  confirm: "开启",
  spare: "备用码",
  spareText: "手边没有验证应用时，每个备用码可登录一次。它们只显示这一次：请打印或抄写。恢复套件仍然可用，且不需要备用码。",
  copy: "复制",
  copied: "已复制。",
  kept: "我已保存",
  askTitle: "第二重验证",
  askApp: "密码正确。请输入应用显示的验证码，或一个备用码。",
  askSpare: "密码正确。请输入一个备用码。",
  code: "验证码",
  go: "继续",
  cancel: "取消",
  proveTitle: "确认是您本人",
  prove: "更改之前，请输入密码。",
  password: "密码",
  failures: {
    wrong_credentials: "验证码不正确或已使用。请等待下一个。",
    wrong_password: "密码不正确。",
    not_proved: "未成功，请重试。",
    login_expired: "操作超时，或错误次数过多。请取消并重新登录。",
    sign_in_again: "服务器要求重新登录。",
    signed_out: "已退出登录，请重新登录。",
    silent: "无法连接服务器。",
    other: "服务器拒绝了请求。请稍后再试。",
  },
  wait: (seconds) => `错误的验证码过多。请等待 ${seconds < 90 ? `${seconds} 秒` : `${Math.ceil(seconds / 60)} 分钟`}，或使用备用码。`,
};

export const TEXTS = { en, zh };

/** The texts of a language, by its tag. */
export function textsOf(language) {
  return language?.startsWith("zh") ? zh : en;
}

/** Says why something was refused. */
export function told({ code, waitMs }, texts) {
  if (code === "rate_limited" && waitMs) return texts.wait(Math.ceil(waitMs / 1_000));
  return texts.failures[code] ?? texts.failures.other;
}
