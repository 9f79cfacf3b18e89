const LABELS: Readonly<Record<string, string>> = {
  'linkgrant/subjects': 'Subjects',
  'linkgrant/names': 'Link names',
  'linkgrant/source-cidrs': 'Redeemed from',
  'linkgrant/key-types': 'Key types',
  'linkgrant/certificate-lifetime': 'Lifetime',
  'linkgrant/csr-required': 'CSR required',
  'linkgrant/not-before': 'Begins',
};

/** Labels and values of a policy from its settings, for text output; an empty list is `none`. */
export function policyFields(settings: Readonly<Record<string, string>>): (readonly [string, string])[] {
  return Object.entries(settings).map(([key, value]) => [LABELS[key] ?? key, value === '' ? 'none' : value]);
}
