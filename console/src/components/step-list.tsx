import { Prose } from './text.js';

interface StepListProps {
  /** The parts in backticks are shown as code. */
  readonly titles: readonly string[];
  /** Index of the step that comes next; the steps before it are done. */
  readonly current: number;
  /** True if the user has confirmed this step, and the console cannot check it. Default: false for each step. */
  readonly isConfirmed?: (index: number) => boolean;
}

/** The steps of a task; the done ones are marked. */
export function StepList({ titles, current, isConfirmed = () => false }: StepListProps) {
  return (
    <ol class="pf-v6-c-list">
      {titles.map((title, index) => (
        <li
          key={title}
          aria-current={index === current ? 'step' : undefined}
          class={index < current ? 'subtle' : ''}
        >
          <Prose text={title} />
          {index < current && (isConfirmed(index) ? ' – confirmed, not checked here' : ' – done')}
        </li>
      ))}
    </ol>
  );
}
