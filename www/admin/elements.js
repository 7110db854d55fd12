// What the page is made of. No content becomes markup by way of a string.

export function make(tag, className = "", text = "") {
  return Object.assign(document.createElement(tag), { className, textContent: text });
}

/** A text in which what stands between backquotes is to be typed as it is. */
export function sentence(tag, text) {
  const element = make(tag);
  element.append(...text.split("`").map((part, at) => (at % 2 ? make("code", "kbd", part) : part)));
  return element;
}

export function button(text, does, className = "button") {
  const element = make("button", className, text);
  element.type = "button";
  element.addEventListener("click", () => does(element));
  return element;
}

/** A field with its label. */
export function field(label, input) {
  const all = make("div", "field");
  const words = make("label", "", label);
  input.className = "input";
  input.id = words.htmlFor = `field-${label.replaceAll(/\W+/g, "-")}`;
  all.append(words, input);
  return all;
}

/**
 * Shows a dialog until it is closed. A button does its `does` and closes it, unless that throws, which `fails` puts into
 * words, or answers words itself; both are shown in the dialog.
 */
export function dialog(title, content, buttons, fails) {
  const box = make("dialog", "dialog");
  box.setAttribute("aria-label", title);
  const told = make("p");
  told.setAttribute("role", "status");
  const tells = (className, textContent) => Object.assign(told, { className, textContent });
  const foot = make("div", "dialog-actions");
  foot.append(...buttons.map(({ text, does, className }) => button(text, (pressed) => press(pressed, does), className)));
  async function press(pressed, does) {
    pressed.disabled = true;
    tells("", "");
    try {
      const words = await does?.();
      if (words) tells("hint", words);
      else box.close();
    } catch (error) {
      tells("error", fails(error));
    }
    pressed.disabled = false;
  }
  const form = make("form", "stack");
  // Enter does what the last button does.
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    foot.lastElementChild.click();
  });
  form.append(make("h2", "", title), ...content, told, foot);
  box.append(form);
  box.addEventListener("close", () => box.remove());
  document.body.append(box);
  box.showModal();
}
