/** The names of our commands; they stay, since shortcuts and other extensions may use them. */

export const Commands = {
  open: 'modelguard:open-panel',
  refresh: 'modelguard:refresh',
  guard: 'modelguard:guard-notebook',
  export: 'modelguard:export',
  showWaiting: 'modelguard:show-waiting'
} as const;
