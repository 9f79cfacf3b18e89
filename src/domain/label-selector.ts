import type { Labels } from './labels-and-note.js';
import { isLabelName, isLabelValue } from './names.js';

interface LabelRequirement {
  readonly key: string;
  /** `exists` and `absent` have no value. */
  readonly operator: 'equals' | 'differs' | 'exists' | 'absent';
  readonly value: string;
}

/** Selects objects that meet all requirements: an equality-based label selector of Kubernetes. */
export type LabelSelector = readonly LabelRequirement[];

/** The form of a selector, as the end of a sentence about an invalid selector. */
export const LABEL_SELECTOR_HINT = 'must be conditions a=b, a!=b, a or !a, separated by commas';

const REQUIREMENT = /^(!?)\s*([^\s=!]+)\s*(?:(==?|!=)\s*(\S*))?$/;

/** Parses a selector such as `a=b,c!=d,e,!f`; undefined if it is not valid. The empty selector is not valid. */
export function parseLabelSelector(text: string): LabelSelector | undefined {
  const requirements = text.split(',').map(parseRequirement);
  return requirements.every((requirement) => requirement !== undefined) ? requirements : undefined;
}

function parseRequirement(text: string): LabelRequirement | undefined {
  const [, negation, key = '', comparison, value = ''] = REQUIREMENT.exec(text.trim()) ?? [];
  if (!isLabelName(key) || !isLabelValue(value)) return undefined;
  if (comparison === undefined) return { key, operator: negation === '!' ? 'absent' : 'exists', value };
  if (negation === '!') return undefined;
  return { key, operator: comparison === '!=' ? 'differs' : 'equals', value };
}

/** Formats a selector as Kubernetes and {@link parseLabelSelector} read it. */
export function formatLabelSelector(selector: LabelSelector): string {
  return selector.map(formatRequirement).join(',');
}

function formatRequirement({ key, operator, value }: LabelRequirement): string {
  switch (operator) {
    case 'equals':
      return `${key}=${value}`;
    case 'differs':
      return `${key}!=${value}`;
    case 'exists':
      return key;
    case 'absent':
      return `!${key}`;
  }
}

/** Whether an object with these labels meets all requirements. As in Kubernetes, an absent label differs from every value. */
export function selectsLabels(selector: LabelSelector, labels: Labels): boolean {
  return selector.every((requirement) => isMet(requirement, labels));
}

function isMet({ key, operator, value }: LabelRequirement, labels: Labels): boolean {
  const labelValue = Object.hasOwn(labels, key) ? labels[key] : undefined;
  switch (operator) {
    case 'equals':
      return labelValue === value;
    case 'differs':
      return labelValue !== value;
    case 'exists':
      return labelValue !== undefined;
    case 'absent':
      return labelValue === undefined;
  }
}
