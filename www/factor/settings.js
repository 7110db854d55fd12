// Second factors in the settings: what the account has, and how that is changed.
//
// What wants a fresh sign-in is tried; where the server says so, the password is asked for, the engine proves it,
// and it is tried once more.

import { localeOf } from "../boot/locale.js";
import { ask } from "../boot/side.js";
import * as calls from "./calls.js";
import { button, dialog, field, make } from "./elements.js";
import { canPasskeys, makes } from "./passkeys.js";
import { drawn } from "./picture.js";
import { textsOf, told } from "./texts.js";

/** What the engine is asked; the number is that of `side.rs`. */
const PROVES = 11;
const WRONG = 1;

/** Fills the place that the page leaves for it. */
export function fills(place) {
  new Section(place);
}

class Section {
  constructor(place) {
    this.place = place;
    this.texts = textsOf(document.documentElement.lang);
    this.date = new Intl.DateTimeFormat(localeOf(document.documentElement.lang), { dateStyle: "medium" });
    this.problem = make("p", "error");
    this.problem.setAttribute("role", "alert");
    this.summary = make("summary", "", this.texts.title);
    this.body = make("div", "stack");
    this.body.setAttribute("aria-live", "polite");
    const all = make("details");
    all.append(this.summary, this.body);
    // Asked for when somebody looks: a device that is signed out, or offline, has no answer to show.
    all.addEventListener("toggle", () => all.open && this.shows());
    place.replaceChildren(all);
  }

  async shows() {
    const { texts } = this;
    let has;
    try {
      has = await calls.factors();
    } catch (error) {
      return this.body.replaceChildren(make("p", "hint", told(error, texts)));
    }
    const app = has.totp_since_ms !== null;
    const on = app || has.passkeys.length > 0;
    this.summary.textContent = `${texts.title}: ${on ? texts.on : texts.off}`;
    const buttons = make("div", "cluster");
    const does = (work) => () => this.#does(work);
    const lines = [make("p", "hint", texts.why)];
    if (on) lines.push(this.#list(app, has));
    buttons.append(button(app ? texts.otherApp : texts.setUp, "", does(() => this.#setsUp())));
    if (has.passkeys_work && canPasskeys()) buttons.append(button(texts.addPasskey, "", does(() => this.#addsPasskey(has.passkeys.length + 1))));
    if (on) {
      lines.push(make("p", "", texts.left(has.spare_codes)));
      buttons.append(button(texts.renew, "", does(() => this.#renews())));
    }
    this.body.replaceChildren(...lines, this.problem, buttons);
  }

  /** What the account has, each with a way to take it off. */
  #list(app, has) {
    const { texts } = this;
    const list = make("ul", "name-list");
    const item = (name, words, removes) => {
      const line = make("li", "row-line");
      const off = button(texts.remove, "danger-text", () => this.#does(() => this.#removes(name, removes)));
      off.setAttribute("aria-label", `${texts.remove} ${name}`);
      const both = make("span", "grow");
      both.append(make("span", "", name), " ", make("span", "hint", words));
      line.append(both, off);
      list.append(line);
    };
    if (app) item(texts.app, texts.since(this.date.format(has.totp_since_ms)), calls.removeApp);
    for (const { credential, name, made_ms, used_ms } of has.passkeys) {
      const words = texts.passkey(this.date.format(made_ms), this.date.format(used_ms));
      item(name, words, () => calls.removePasskey(credential));
    }
    return list;
  }

  async #does(work) {
    this.problem.textContent = "";
    try {
      await work();
      await this.shows();
    } catch (error) {
      this.problem.textContent = told(error, this.texts);
    }
  }

  /** Does what wants a fresh sign-in; undefined where the person gave up. */
  async #freshly(work) {
    try {
      return await work();
    } catch (error) {
      if (error.code !== "sign_in_again") throw error;
      return (await this.#proves()) ? work() : undefined;
    }
  }

  #proves() {
    const { texts } = this;
    return dialog({
      title: texts.proveTitle,
      content: [make("p", "", texts.prove)],
      fields: [field(texts.password, { name: "password", type: "password", autocomplete: "current-password" })],
      send: texts.go,
      cancel: texts.cancel,
      does: async ({ password }) => {
        const [failed] = await ask(PROVES, password);
        if (failed !== 0) throw new calls.Refused(failed === WRONG ? "wrong_password" : "not_proved");
        return true;
      },
      told: (error) => told(error, texts),
    });
  }

  async #setsUp() {
    const { texts } = this;
    const started = await this.#freshly(calls.startApp);
    if (!started) return;
    const secret = make("p", "code-line", started.secret.match(/.{1,4}/g).join(" "));
    const codes = await dialog({
      title: texts.setUpTitle,
      content: [make("p", "", texts.scan), drawn(started.url, texts.picture), make("p", "hint", texts.type), secret],
      fields: [field(texts.codeNow, { name: "code", autocomplete: "one-time-code", inputMode: "numeric" })],
      send: texts.confirm,
      cancel: texts.cancel,
      does: ({ code }) => calls.finishApp(started.seed, code),
      told: (error) => told(error, texts),
    });
    if (codes?.length) await this.#showsCodes(codes);
  }

  async #renews() {
    const codes = await this.#freshly(calls.renewSpareCodes);
    if (codes) await this.#showsCodes(codes);
  }

  async #addsPasskey(number) {
    const { texts } = this;
    const started = await this.#freshly(calls.startPasskey);
    if (!started) return;
    const codes = await dialog({
      title: texts.addPasskey,
      content: [make("p", "", texts.passkeyText)],
      fields: [field(texts.passkeyName, { name: "name", maxLength: 64, value: texts.passkeyNamed(number) })],
      send: texts.go,
      cancel: texts.cancel,
      does: async ({ name }) => calls.finishPasskey(await makes(started, name.trim() || texts.passkeyNamed(number))),
      told: (error) => told(error, texts),
    });
    if (codes?.length) await this.#showsCodes(codes);
  }

  async #removes(name, removes) {
    const { texts } = this;
    const sure = await dialog({
      title: texts.removeTitle(name),
      content: [make("p", "", texts.removeText)],
      send: texts.removeDo,
      cancel: texts.cancel,
      does: () => true,
    });
    if (sure) await this.#freshly(removes);
  }

  #showsCodes(codes) {
    const { texts } = this;
    const list = make("ul", "factor-codes");
    list.setAttribute("aria-label", texts.spare);
    list.append(...codes.map((code) => make("li", "", code)));
    const copied = make("p", "hint");
    copied.setAttribute("role", "status");
    const copies = button(texts.copy, "", async () => {
      await navigator.clipboard.writeText(codes.join("\n"));
      copied.textContent = texts.copied;
    });
    const line = make("div", "cluster");
    line.append(copies, copied);
    return dialog({ title: texts.spare, content: [make("p", "", texts.spareText), list, line], send: texts.kept });
  }
}
