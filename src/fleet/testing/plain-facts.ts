/** Of a machine of which tests want nothing special. */
export const plainFacts = {
  os: 'debian',
  family: 'debian',
  version: '12',
  codename: 'bookworm',
  machine: 'x86_64',
  hostname: 'x',
  hasSystemd: true,
} as const
