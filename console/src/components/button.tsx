import type { ComponentChildren } from 'preact';

interface ButtonProps {
  readonly children: ComponentChildren;
  readonly kind?: 'primary' | 'secondary' | 'danger' | 'link' | 'plain';
  readonly type?: 'button' | 'submit';
  readonly onClick?: (event: MouseEvent) => void;
  readonly isDisabled?: boolean;
  /** Name for screen readers; by default the content. */
  readonly label?: string;
  readonly isSmall?: boolean;
  /** Whether what the button opens is visible; absent if it opens nothing in the page. */
  readonly isExpanded?: boolean;
}

/** A button. A disabled button can still get the focus, so that a screen reader finds it. */
export function Button({
  children,
  kind = 'secondary',
  type = 'button',
  onClick,
  isDisabled,
  label,
  isSmall,
  isExpanded,
}: ButtonProps) {
  return (
    <button
      type={type}
      class={`pf-v6-c-button pf-m-${kind} ${isSmall ? 'pf-m-small' : ''} ${isDisabled ? 'pf-m-aria-disabled' : ''}`}
      aria-disabled={isDisabled || undefined}
      aria-label={label}
      aria-expanded={isExpanded}
      onClick={(event) => {
        if (isDisabled) event.preventDefault();
        else onClick?.(event);
      }}
    >
      <span class="pf-v6-c-button__text">{children}</span>
    </button>
  );
}

/** A link to a page of the console that looks like a button. */
export function ButtonLink({
  href,
  children,
  kind = 'primary',
}: {
  readonly href: string;
  readonly children: ComponentChildren;
  readonly kind?: 'primary' | 'secondary';
}) {
  return (
    <a href={href} class={`pf-v6-c-button pf-m-${kind}`}>
      <span class="pf-v6-c-button__text">{children}</span>
    </a>
  );
}
