// Asks for the second factor of a sign-in, when the engine was told that the password is not enough.

import * as calls from "./calls.js";
import { dialog, field, make } from "./elements.js";
import { canPasskeys, signs } from "./passkeys.js";
import { textsOf, told } from "./texts.js";

/** Asks until it is proved; says whether it was. */
export async function asks(login) {
  const texts = textsOf(document.documentElement.lang);
  const has = await calls.asked(login);
  const bySigning = async () => {
    await calls.answer(login, { passkey: await signs(has.passkeys) });
    return true;
  };
  const hasPasskey = has.passkeys && canPasskeys();
  const done = await dialog({
    title: texts.askTitle,
    content: [make("p", "", texts.ask(hasPasskey, has.totp))],
    others: hasPasskey ? [{ text: texts.usePasskey, does: bySigning }] : [],
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
