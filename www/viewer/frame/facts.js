// What a picture says of itself, and a copy of it without its place. Nothing is drawn.

import { Handed } from "../line.js";

/** What its module said as it opened it. */
export const facts = ({ about }) => about;

/** What is said of the copy, and its bytes. */
export async function placeless({ ask }) {
  const { data, bytes } = await ask("placeless");
  const copy = bytes.slice();
  return new Handed({ ...data, bytes: copy }, [copy.buffer]);
}
