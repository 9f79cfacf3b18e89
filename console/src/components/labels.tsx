import { href, useLocation } from '../state/location.js';
import { Foreign, visible } from './text.js';

interface LabelsProps {
  readonly labels: Readonly<Record<string, string>>;
  /** The page whose list a click on a label filters. */
  readonly list: '/grants' | '/links';
}

/** The labels of a grant or link; nothing without labels. */
export function Labels({ labels, list }: LabelsProps) {
  return Object.keys(labels).length > 0 && <LabelLinks labels={labels} list={list} />;
}

/** Labels as links to the list with this label. On the page of the list, a click replaces only the filter of labels. */
function LabelLinks({ labels, list }: LabelsProps) {
  const { path, query } = useLocation();
  const others = path === list ? { ...Object.fromEntries(query), cursor: undefined } : {};
  return (
    <ul class="row">
      {Object.entries(labels).map(([key, value]) => {
        const text = value === '' ? key : `${key}=${value}`;
        return (
          <li class="pf-v6-c-label pf-m-outline pf-m-clickable" key={key}>
            <a
              class="pf-v6-c-label__content"
              href={href(list, { ...others, label: text })}
              aria-label={`Filter by label ${visible(text)}`}
            >
              <Foreign text={text} />
            </a>
          </li>
        );
      })}
    </ul>
  );
}
