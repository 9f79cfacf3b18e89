import { Foreign } from './text.js';

/** A text from outside as a link; without `to` only the text. */
export function ForeignLink({ to, text }: { readonly to: string | undefined; readonly text: string }) {
  const content = <Foreign text={text} />;
  return to === undefined ? content : <a href={to}>{content}</a>;
}
