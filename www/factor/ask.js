// Asks for the second factor of a sign-in, when the engine was told that the password is not enough.

import * as calls from "./calls.js";
import { dialog, field, make } from "./elements.js";
import { textsOf, told } from "./texts.js";

/** Asks until it is proved; says whether it was. */
export async function asks(login) {
  const texts = textsOf(document.documentElement.lang);
  const has = await calls.asked(login);
  const done = await dialog({
    title: texts.askTitle,
    content: [make("p", "", has.totp ? texts.askApp : texts.askSpare)],
    fields: [field(texts.code, { name: "code", autocomplete: "one-time-code", autocapitalize: "characters", spellcheck: false })],
    send: texts.go,
    cancel: texts.cancel,
    does: async ({ code }) => {
      await calls.answer(login, { code });
      return true;
    },
    told: (error) => told(error, texts),
  });
  return done === true;
}
