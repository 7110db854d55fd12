// What the page is asked about files beside a text; the numbers are those of `beside.rs`.

/** Whether there is something at a path: its id, as the engine knows it. */
export const LOOK = 0;
/** The name, the size and a port to read it at. */
export const READ = 1;
/** To go there. */
export const GO = 2;
/** To upload a list of files into the folder. */
export const ADD = 3;
/** To render a text into an element. */
export const DRAW = 4;
