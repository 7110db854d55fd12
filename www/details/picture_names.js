/** Names of pictures that may say something of themselves. */
const NAMES = /\.(?:jpe?g|jfif|png|webp|tiff?|hei[cf]|avif|dng|nef|cr2|arw)$/i;

export const isPicture = (name) => NAMES.test(name);
