// What a picture or a PDF says of itself, and a copy of a picture without its place. Nothing is drawn.

import { Handed } from "../line.js";

/** What its module said as it opened it. */
export const facts = ({ about }) => about;

/** What is said of the copy, and its bytes. */
export async function placeless({ ask }) {
  const { data, bytes } = await ask("placeless");
  const copy = bytes.slice();
  return new Handed({ ...data, bytes: copy }, [copy.buffer]);
}
