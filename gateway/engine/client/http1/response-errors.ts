/** The peer does not speak HTTP/1.1, or speaks it in a way that could be read in two ways. */
export class MalformedResponse extends Error {}

/** The body is larger than it may be. */
export class BodyTooLarge extends Error {}
