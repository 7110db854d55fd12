// What a new Markdown text can begin with, in both languages. Marks are those of `templates.js`.

const en = [
  {
    name: "Meeting",
    text: `# {{title}}

{{date}}, {{time}}

**There:** {{cursor}}

## To talk about

-

## Decided

-

## To do

- [ ]
`,
  },
  {
    name: "To-do list",
    text: `# {{title}}

## Now

- [ ] {{cursor}}

## Next

- [ ]

## Done

- [x] Begin this list
`,
  },
  {
    name: "Journal",
    text: `# {{date}}

{{cursor}}

## Good today

-

## Tomorrow

-
`,
  },
  {
    name: "Project",
    text: `# {{title}}

What it is for: {{cursor}}

## Where it stands

| What | Who | Until |
| ---- | --- | ----- |
|      |     |       |

## Steps

- [ ]

## Notes

Begun on {{date}}.
`,
  },
  {
    name: "Letter",
    text: `{{cursor}}

{{date}}

## {{title}}

Dear …,



Yours sincerely
`,
  },
];

const zh = [
  {
    name: "会议记录",
    text: `# {{title}}

{{date}} {{time}}

**参会人：** {{cursor}}

## 议题

-

## 决定

-

## 待办

- [ ]
`,
  },
  {
    name: "待办清单",
    text: `# {{title}}

## 现在

- [ ] {{cursor}}

## 接下来

- [ ]

## 已完成

- [x] 建立这份清单
`,
  },
  {
    name: "日记",
    text: `# {{date}}

{{cursor}}

## 今天的好事

-

## 明天

-
`,
  },
  {
    name: "项目",
    text: `# {{title}}

目的：{{cursor}}

## 进展

| 事项 | 负责人 | 截止 |
| ---- | ------ | ---- |
|      |        |      |

## 步骤

- [ ]

## 备注

始于 {{date}}。
`,
  },
  {
    name: "信件",
    text: `{{cursor}}

{{date}}

## {{title}}

尊敬的……：



此致
敬礼
`,
  },
];

/** Those of a language, as `{name, text}`. */
export function builtIn(language) {
  return language.startsWith("zh") ? zh : en;
}
