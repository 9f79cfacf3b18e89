import { Foreign } from './text.js';

/** The labels of a grant or link; nothing without labels. */
export function Labels({ labels }: { readonly labels: Readonly<Record<string, string>> }) {
  if (Object.keys(labels).length === 0) return null;
  return (
    <ul class="row">
      {Object.entries(labels).map(([key, value]) => (
        <li class="pf-v6-c-label pf-m-outline" key={key}>
          <span class="pf-v6-c-label__content">
            <Foreign text={value === '' ? key : `${key}=${value}`} />
          </span>
        </li>
      ))}
    </ul>
  );
}
