/** Parses JSON. Throws an Error whose message is a sentence about the text and quotes nothing of it: it may contain a secret. */
export function parseJsonText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Error('it is not JSON');
  }
}
