interface StepListProps {
  readonly titles: readonly string[];
  /** Index of the step that comes next; the steps before it are done. */
  readonly current: number;
}

/** The steps of a task; the done ones are marked. */
export function StepList({ titles, current }: StepListProps) {
  return (
    <ol class="pf-v6-c-list">
      {titles.map((title, index) => (
        <li
          key={title}
          aria-current={index === current ? 'step' : undefined}
          class={index < current ? 'subtle' : ''}
        >
          {title}
          {index < current && ' – done'}
        </li>
      ))}
    </ol>
  );
}
