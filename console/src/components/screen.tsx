import type { ComponentChildren } from 'preact';
import { useEffect } from 'preact/hooks';

interface ScreenProps {
  readonly title: string;
  readonly children: ComponentChildren;
  /** What the screen is for. */
  readonly intro?: ComponentChildren;
  readonly actions?: ComponentChildren;
  /** The page of the list from which this page is opened. */
  readonly parent?: { readonly title: string; readonly href: string };
}

/** A page of the console: heading, actions, content. */
export function Screen({ title, children, intro, actions, parent }: ScreenProps) {
  useEffect(() => {
    document.title = `${title} – linkgrant console`;
  }, [title]);
  return (
    <>
      {parent && (
        <nav class="pf-v6-c-breadcrumb" aria-label="Breadcrumb">
          <ol class="pf-v6-c-breadcrumb__list">
            <li class="pf-v6-c-breadcrumb__item">
              <a class="pf-v6-c-breadcrumb__link" href={parent.href}>
                {parent.title}
              </a>
            </li>
          </ol>
        </nav>
      )}
      <div class="row screen-header">
        <div class="screen-title">
          <h1 class="pf-v6-c-title pf-m-2xl">{title}</h1>
          {intro && <p class="intro subtle">{intro}</p>}
        </div>
        {actions && <div class="row">{actions}</div>}
      </div>
      {children}
    </>
  );
}
