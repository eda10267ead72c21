/** How many people an invite lets in, and how long. */
export const DAY_SECONDS = 86_400;
export const INVITE_USES = ['1', '5', '25', '100'].map((value) => ({ value, label: value }));
export const INVITE_DAYS = [
  { value: '1', label: '1 day' },
  { value: '7', label: '7 days' },
  { value: '30', label: '30 days' },
];
