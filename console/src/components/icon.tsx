const SHAPES = {
  ok: 'M8 1a7 7 0 1 0 0 14A7 7 0 0 0 8 1Zm3.6 5.2-4.2 5a.8.8 0 0 1-1.2 0L4.4 9.1l1.2-1.2 1.2 1.2 3.6-4.1Z',
  warning: 'M8 1.5 15.5 14.5H.5ZM7.2 6v4.2h1.6V6Zm0 5.4V13h1.6v-1.6Z',
  danger: 'M8 1a7 7 0 1 0 0 14A7 7 0 0 0 8 1ZM7.2 4v5h1.6V4Zm0 6.4V12h1.6v-1.6Z',
  info: 'M8 1a7 7 0 1 0 0 14A7 7 0 0 0 8 1ZM7.2 7v5h1.6V7Zm0-3v1.6h1.6V4Z',
  copy: 'M5 1h8a1 1 0 0 1 1 1v9h-2V3H5ZM2 4h8a1 1 0 0 1 1 1v9a1 1 0 0 1-1 1H2a1 1 0 0 1-1-1V5a1 1 0 0 1 1-1Zm1 2v7h6V6Z',
  wait: 'M8 1a7 7 0 1 0 0 14A7 7 0 0 0 8 1Zm0 1.8a5.2 5.2 0 1 1 0 10.4A5.2 5.2 0 0 1 8 2.8ZM7.2 4.5v4l3 1.8.8-1.3-2.2-1.3V4.5Z',
  close: 'm3.4 2.3 4.6 4.6 4.6-4.6 1.1 1.1L9.1 8l4.6 4.6-1.1 1.1L8 9.1l-4.6 4.6-1.1-1.1L6.9 8 2.3 3.4Z',
  expand: 'M2 5.4 3.4 4 8 8.6 12.6 4 14 5.4l-6 6Z',
  none: 'M8 1a7 7 0 1 0 0 14A7 7 0 0 0 8 1Zm0 1.8a5.2 5.2 0 1 1 0 10.4A5.2 5.2 0 0 1 8 2.8Z',
};

/** Name of an icon. */
export type IconName = keyof typeof SHAPES;

/** An icon beside a text that says the same. */
export function Icon({ name }: { readonly name: IconName }) {
  return (
    <svg
      class={`icon ${name}`}
      viewBox="0 0 16 16"
      width="1em"
      height="1em"
      fill="currentColor"
      aria-hidden="true"
    >
      <path fill-rule="evenodd" d={SHAPES[name]} />
    </svg>
  );
}
