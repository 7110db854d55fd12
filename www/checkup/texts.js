// Every text of the checkup, in both languages. A text with a place for something is a function; what stands
// between backquotes is to be typed as it is.

const en = {
  title: "Checkup",
  lead: "What is between this browser and the server: whether everything comes through as it was sent. For whoever runs the server; nothing here needs an account.",
  again: "Check again",
  grades: { busy: "Checking", good: "Good", warn: "Look", wrong: "Wrong" },
  sums: {
    busy: "Checking…",
    good: "Everything is as it should be.",
    bad: (wrong, warn) =>
      [wrong && `${wrong} ${wrong === 1 ? "thing is" : "things are"} wrong`, warn && `${warn} to look at`].filter(Boolean).join(", ") + ".",
  },
  unknown: "Not known, since the server was not reached.",
  often: "Not known: this was asked too often from this address, or the server is busy. Wait a minute.",
  failed: ({ error }) => `The call did not come through (${error}).`,
  about: (version, app) => `Server ${version}, app ${app}.`,
  noApp: "none",
  checks: {
    secure: {
      title: "A secure address",
      good: "The connection is encrypted.",
      local: "This machine itself, which browsers hold for secure.",
      wrong: "Without TLS, browsers do not let the app seal anything, so it does not start. Give the server a certificate (`--tls-cert`, `--tls-key`), or let a proxy add TLS, and open the https address.",
    },
    reached: {
      title: "The server",
      good: ({ version }) => `It answers; version ${version}.`,
      wrong: "The calls below `/api/` do not reach it, or its answers do not come back. The proxy has to pass every path of this address on, to the server and to nobody else, and leave answers as they are.",
    },
    address: {
      title: "Its name",
      good: ({ public_url }) => `It knows that it is at ${public_url}.`,
      other: ({ here, public_url }) => `You are at ${here}, and the server believes to be at ${public_url}: links that it makes lead there. If this is its address, start it with \`--public-url ${here}\`. At an edge this is as it should be.`,
      wrong: ({ here, host }) => `You are at ${here}, and the server is called as \`${host}\`: it refuses sessions and live updates. Let the proxy pass on the \`Host\` header as it came, or start the server with \`--public-url ${here}\`.`,
    },
    callers: {
      title: "Who calls",
      direct: "By the connection: no proxy seems to be between.",
      told: "The proxy says for whom it asks, and the server heeds that.",
      unheeded: "A proxy says for whom it asks, and the server does not heed it: all callers count as one, and share one limit. Start it with `--trust-proxy true`; if it is an edge, name its address with `--edges`.",
      untold: "Whoever stands between does not say for whom it asks: all callers count as one, and share one limit. Let the proxy set `X-Forwarded-For`, and start the server with `--trust-proxy true`.",
    },
    headers: {
      title: "Headers that protect",
      good: "They come as the server sends them.",
      gone: ({ gone }) => `On their way these are lost: \`${gone}\`. Let the proxy leave the headers of answers as they are.`,
      changed: ({ changed }) => `On their way these are changed or doubled: \`${changed}\`. The proxy adds its own; take that out of its configuration.`,
      both: ({ gone, changed }) => `On their way these are lost: \`${gone}\`; and these changed or doubled: \`${changed}\`. Let the proxy leave the headers of answers as they are.`,
    },
    passed: {
      title: "Headers of calls",
      good: "Tokens and ranges reach the server.",
      gone: ({ gone }) => `On their way to the server these are lost: \`${gone}\`. Without them nobody stays signed in, or files cannot be read in part. A password of the proxy's own does that: turn it off for this address.`,
    },
    files: {
      title: "Files of the app",
      good: "They are there; those that never change may be kept, the others are asked for again.",
      missing: "The app's files are not there, or something else comes in their place. See what `--assets` names, and let the proxy pass on every path.",
      kept: ({ name }) => `\`${name}\` may be kept on its way: devices would miss new versions. Let the proxy leave \`Cache-Control\` as it is, and keep nothing itself.`,
      short: ({ cache }) => `Files that never change are not kept (\`Cache-Control: ${cache}\`), so the app loads slowly. Let the proxy leave that header as it is.`,
    },
    fresh: {
      title: "Fresh answers",
      good: "Each call is answered by the server itself.",
      kept: "A cache between answers calls in the server's place: devices would see what was, or what is others'. Turn it off for `/api/`.",
    },
    body: {
      title: "Large uploads",
      good: ({ bytes }) => `${mib(bytes)} in one piece, the most that a device sends.`,
      slow: ({ bytes }) => `${mib(bytes)} in one piece. Larger ones are sent over faster lines only, so they were not tried.`,
      chunk: ({ bytes, status }) => `${mib(bytes)} in one piece are refused (${status}): files cannot be uploaded. Let the proxy take bodies of 33 MiB (nginx: \`client_max_body_size 33m\`).`,
      batch: ({ bytes, status }) => `${mib(bytes)} in one piece are refused (${status}), which devices send over fast lines. Let the proxy take bodies of 33 MiB (nginx: \`client_max_body_size 33m\`).`,
    },
    pieces: {
      title: "Large downloads",
      good: "Answers come as they are made.",
      held: "Answers are gathered before they are passed on: large downloads begin late, and need the proxy's memory. Turn that off (nginx: `proxy_buffering off`).",
      packed: "Sealed bytes are packed on their way, which makes nothing smaller and costs time. Take `application/octet-stream` out of what the proxy packs.",
    },
    live: {
      title: "Live updates",
      good: "WebSockets open, and both sides hear each other.",
      wrong: "WebSockets do not open: devices hear late of what others did. Let the proxy pass on `Upgrade` and `Connection` (nginx: `proxy_http_version 1.1`, `proxy_set_header Upgrade $http_upgrade`, `proxy_set_header Connection upgrade`).",
    },
    clock: {
      title: "Clocks",
      good: "Device and server agree.",
      ahead: ({ seconds }) => `This device is ${count(seconds)} s ahead of the server. Times of changes are shown wrong, and links and sessions end at another time than they say. Set the one that is wrong by the network.`,
      behind: ({ seconds }) => `This device is ${count(seconds)} s behind the server. Times of changes are shown wrong, and links and sessions end at another time than they say. Set the one that is wrong by the network.`,
    },
    http: {
      title: "HTTP",
      good: ({ outer, inner }) => `${outer} from here, ${inner} at the server.`,
      hidden: ({ inner }) => `${inner} at the server; the browser does not tell its own.`,
      old: ({ outer, inner }) => `${outer} from here, ${inner} at the server. It works; with HTTP/2 browsers ask for more at once. Turn that on in the proxy.`,
    },
    edges: {
      title: "Edges",
      none: "The server names none.",
      good: ({ ways }) => `They answer: ${ways}.`,
      silent: ({ silent }) => `These do not answer pages of this address: ${silent}. The app asks the server instead. See whether each runs, is reached at that address, and has this server for its \`--origin\`.`,
      elsewhere: ({ public_url }) => `Edges answer the app at ${public_url} alone. Look from there.`,
    },
  },
};

const zh = {
  title: "检查",
  lead: "检查此浏览器与服务器之间的线路：发出的内容是否都原样到达。供服务器管理者使用，无需账户。",
  again: "重新检查",
  grades: { busy: "检查中", good: "正常", warn: "请留意", wrong: "有误" },
  sums: {
    busy: "正在检查…",
    good: "一切正常。",
    bad: (wrong, warn) => [wrong && `${wrong} 项有误`, warn && `${warn} 项需留意`].filter(Boolean).join("，") + "。",
  },
  unknown: "未能连接服务器，因此未知。",
  often: "未知：此地址请求过于频繁，或服务器正忙。请稍等一分钟。",
  failed: ({ error }) => `请求未能完成（${error}）。`,
  about: (version, app) => `服务器 ${version}，应用 ${app}。`,
  noApp: "无",
  checks: {
    secure: {
      title: "安全地址",
      good: "连接已加密。",
      local: "就在本机，浏览器视为安全。",
      wrong: "没有 TLS，浏览器不允许应用加密任何内容，应用因此无法启动。请为服务器配置证书（`--tls-cert`、`--tls-key`），或由代理提供 TLS，并打开 https 地址。",
    },
    reached: {
      title: "服务器",
      good: ({ version }) => `有应答，版本 ${version}。`,
      wrong: "`/api/` 下的请求到不了服务器，或应答无法返回。代理必须将此地址的所有路径转发给服务器，且不改动应答。",
    },
    address: {
      title: "名称",
      good: ({ public_url }) => `服务器知道自己位于 ${public_url}。`,
      other: ({ here, public_url }) => `您位于 ${here}，而服务器认为自己位于 ${public_url}：它生成的链接会指向那里。如果这里才是它的地址，请以 \`--public-url ${here}\` 启动。若这里是边缘节点，则属正常。`,
      wrong: ({ here, host }) => `您位于 ${here}，而服务器收到的名称是 \`${host}\`：它会拒绝会话和实时更新。请让代理原样转发 \`Host\` 标头，或以 \`--public-url ${here}\` 启动服务器。`,
    },
    callers: {
      title: "来访者",
      direct: "由连接得知，中间似乎没有代理。",
      told: "代理说明了为谁请求，服务器予以采用。",
      unheeded: "代理说明了为谁请求，但服务器未采用：所有来访者被视为同一个，共用同一限额。请以 `--trust-proxy true` 启动服务器；若是边缘节点，请用 `--edges` 指明其地址。",
      untold: "中间的代理没有说明为谁请求：所有来访者被视为同一个，共用同一限额。请让代理设置 `X-Forwarded-For`，并以 `--trust-proxy true` 启动服务器。",
    },
    headers: {
      title: "保护性标头",
      good: "与服务器发出的一致。",
      gone: ({ gone }) => `途中丢失：\`${gone}\`。请让代理保持应答标头不变。`,
      changed: ({ changed }) => `途中被改动或重复：\`${changed}\`。代理添加了自己的标头，请从其配置中去掉。`,
      both: ({ gone, changed }) => `途中丢失：\`${gone}\`；被改动或重复：\`${changed}\`。请让代理保持应答标头不变。`,
    },
    passed: {
      title: "请求标头",
      good: "令牌和范围都能到达服务器。",
      gone: ({ gone }) => `去往服务器途中丢失：\`${gone}\`。没有它们，就无法保持登录，或无法读取文件的一部分。代理自带的密码会造成这种情况，请对此地址关闭。`,
    },
    files: {
      title: "应用文件",
      good: "文件齐全；不变的可以缓存，其余会重新询问。",
      missing: "应用文件不在，或返回了其他内容。请查看 `--assets` 指向何处，并让代理转发所有路径。",
      kept: ({ name }) => `\`${name}\` 可能在途中被缓存：设备会错过新版本。请让代理保持 \`Cache-Control\` 不变，自身也不要缓存。`,
      short: ({ cache }) => `不变的文件未被缓存（\`Cache-Control: ${cache}\`），应用加载较慢。请让代理保持该标头不变。`,
    },
    fresh: {
      title: "最新应答",
      good: "每次请求都由服务器亲自应答。",
      kept: "中间的缓存代替服务器应答：设备会看到旧内容，甚至他人的内容。请对 `/api/` 关闭缓存。",
    },
    body: {
      title: "大量上传",
      good: ({ bytes }) => `一次 ${mib(bytes)}，为设备发送的最大值。`,
      slow: ({ bytes }) => `一次 ${mib(bytes)}。更大的只在更快的线路上发送，因此未尝试。`,
      chunk: ({ bytes, status }) => `一次 ${mib(bytes)} 被拒绝（${status}）：无法上传文件。请让代理接受 33 MiB 的请求体（nginx：\`client_max_body_size 33m\`）。`,
      batch: ({ bytes, status }) => `一次 ${mib(bytes)} 被拒绝（${status}），设备在快速线路上会这样发送。请让代理接受 33 MiB 的请求体（nginx：\`client_max_body_size 33m\`）。`,
    },
    pieces: {
      title: "大量下载",
      good: "应答随产生随到达。",
      held: "应答被收集后才转发：大文件下载开始得晚，并占用代理的内存。请关闭（nginx：`proxy_buffering off`）。",
      packed: "加密内容在途中被压缩，既不会变小又浪费时间。请把 `application/octet-stream` 从代理的压缩列表中去掉。",
    },
    live: {
      title: "实时更新",
      good: "WebSocket 可以打开，双方都能听到。",
      wrong: "WebSocket 无法打开：设备要很晚才得知其他设备的改动。请让代理转发 `Upgrade` 和 `Connection`（nginx：`proxy_http_version 1.1`、`proxy_set_header Upgrade $http_upgrade`、`proxy_set_header Connection upgrade`）。",
    },
    clock: {
      title: "时钟",
      good: "设备与服务器一致。",
      ahead: ({ seconds }) => `本设备比服务器快 ${count(seconds)} 秒。修改时间会显示有误，链接和会话的结束时间也与所示不同。请将有误的一方按网络校时。`,
      behind: ({ seconds }) => `本设备比服务器慢 ${count(seconds)} 秒。修改时间会显示有误，链接和会话的结束时间也与所示不同。请将有误的一方按网络校时。`,
    },
    http: {
      title: "HTTP",
      good: ({ outer, inner }) => `从此处为 ${outer}，到服务器为 ${inner}。`,
      hidden: ({ inner }) => `到服务器为 ${inner}；浏览器未说明自己所用的版本。`,
      old: ({ outer, inner }) => `从此处为 ${outer}，到服务器为 ${inner}。可以使用；HTTP/2 下浏览器能同时请求更多。请在代理中开启。`,
    },
    edges: {
      title: "边缘节点",
      none: "服务器未指定边缘节点。",
      good: ({ ways }) => `均有应答：${ways}。`,
      silent: ({ silent }) => `以下节点不应答此地址的页面：${silent}。应用会改为向服务器请求。请检查各节点是否在运行、能否由该地址访问，以及其 \`--origin\` 是否为此服务器。`,
      elsewhere: ({ public_url }) => `边缘节点只应答 ${public_url} 处的应用。请从那里查看。`,
    },
  },
};

function mib(bytes) {
  return `${count(Math.round(bytes / 1024 / 1024))} MiB`;
}

function count(number) {
  return number.toLocaleString("en");
}

export const TEXTS = { en, zh };

/** The texts of a language, by its tag. */
export function textsOf(language) {
  return language?.startsWith("zh") ? zh : en;
}
