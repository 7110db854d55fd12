// Elements of the dialogs about second factors.

export function make(tag, className = "", text = "") {
  return Object.assign(document.createElement(tag), { className, textContent: text });
}

export function button(text, className, does) {
  const made = Object.assign(make("button", `button ${className}`, text), { type: "button" });
  made.addEventListener("click", does);
  return made;
}

let last = 0;

/** A field with its label; `input` is its last child. */
export function field(label, attributes) {
  const id = `factor-${++last}`;
  const all = make("div", "field");
  all.append(Object.assign(make("label", "", label), { htmlFor: id }), Object.assign(make("input", "input"), { id, ...attributes }));
  return all;
}

/**
 * A dialog with a form. `does` is called when it is sent, with what stands in its fields by their names; it closes
 * unless that throws, upon which `told` says why. `others` are further ways, each `{ text, does }`. The promise is of what was
 * answered, or undefined.
 */
export function dialog({ title, content, fields = [], others = [], send, cancel, does, told }) {
  const before = document.activeElement;
  const all = make("dialog", "dialog");
  all.setAttribute("aria-label", title);
  const form = make("form", "stack");
  form.noValidate = true;
  const problem = make("p", "error");
  problem.setAttribute("role", "alert");
  const actions = make("div", "dialog-actions");
  if (cancel) actions.append(button(cancel, "", () => all.close()));
  const sends = Object.assign(make("button", "button primary", send), { type: "submit" });
  actions.append(...others.map(({ text, does }) => button(text, "", () => all.does(does))), sends);
  form.append(...content, ...fields, problem, actions);
  all.append(make("h2", "", title), form);
  document.body.append(all);
  return new Promise((resolve) => {
    let done;
    all.does = async (work) => {
      if (sends.disabled) return;
      sends.disabled = true;
      problem.textContent = "";
      try {
        const inputs = [...form.querySelectorAll("input[name]")];
        done = await work?.(Object.fromEntries(inputs.map(({ name, value }) => [name, value])));
        all.close();
      } catch (error) {
        problem.textContent = told(error);
        form.querySelector("input")?.select();
      }
      sends.disabled = false;
    };
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      all.does(does);
    });
    all.addEventListener("close", () => {
      all.remove();
      if (before?.isConnected) before.focus();
      resolve(done);
    });
    all.showModal();
    (form.querySelector("input") ?? sends).focus();
  });
}
