// Characters that hide or reorder text: control and format characters, line and paragraph separators.
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/** Returns text from outside, such as a subject, with each invisible character as its code point, such as `[U+200B]`. */
export function visible(text: string): string {
  return text.replace(
    INVISIBLE,
    (char) => `[U+${(char.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}]`,
  );
}

/** Shows text from outside, isolated from the direction of the text around it. */
export function Foreign({ text }: { readonly text: string }) {
  return <bdi class="foreign">{visible(text)}</bdi>;
}

/** Shows a text in the monospace font; `title` is the complete text if that is shortened. */
export function Mono({ text, title }: { readonly text: string; readonly title?: string }) {
  return (
    <span class="mono" title={title}>
      {text}
    </span>
  );
}

/** Shows a text; the parts in backticks are shown as code. */
export function Prose({ text }: { readonly text: string }) {
  return (
    <>
      {text.split('`').map((part, index) =>
        index % 2 === 1 ? (
          <code class="mono">
            <CommandText text={part} />
          </code>
        ) : (
          part
        ),
      )}
    </>
  );
}

/** The text of a command. A browser breaks lines after hyphens, but not in its flags. */
export function CommandText({ text }: { readonly text: string }) {
  return (
    <>
      {text
        .split(/(?<= )(--[\w-]+)/)
        .map((part, index) => (index % 2 === 1 ? <span class="unbroken">{part}</span> : part))}
    </>
  );
}

/** `1 link`, `2 links`. */
export function countText(count: number, one: string, many = `${one}s`): string {
  return `${count.toLocaleString('en')} ${count === 1 ? one : many}`;
}

/** The text with a capital letter and a full stop. */
export function sentence(text: string): string {
  const end = /[.!?]$/.test(text) ? '' : '.';
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${end}`;
}
