/** Architecture numbers: 0 is `noarch`, then those of the mirror from 1; `otherArchitecture` is none of these. */
export const noArchitecture = 0
export const otherArchitecture = 255

/** What machines of an architecture run besides. Source: rpmrc, `arch_compat`. */
const companions: Readonly<Record<string, readonly string[]>> = {
  x86_64: ['i686', 'i586', 'i486', 'i386'],
  ppc64: ['ppc'],
  s390x: ['s390'],
  i686: ['i586', 'i486', 'i386'],
  i586: ['i486', 'i386'],
  i486: ['i386'],
}

const narrow = new Set(['i686', 'i586', 'i486', 'i386', 'ppc', 's390', 'armv7hl', 'armv6hl'])

/** A kind of machine that a mirror is for: its own architecture, and those it runs besides, the preferred first. */
export interface Machine {
  native: string
  besides: readonly string[]
}

/** A mirror with x86_64 and i686 is for machines of x86_64 alone, which run both. */
export function machinesOf(architectures: readonly string[]): Machine[] {
  const isCompanion = (name: string): boolean =>
    architectures.some((other) => companions[other]?.includes(name) === true)
  return architectures
    .filter((name) => !isCompanion(name))
    .map((native) => ({ native, besides: (companions[native] ?? []).filter((name) => architectures.includes(name)) }))
}

/** Whether packages of an architecture are for such a machine. */
export function isRunBy({ native, besides }: Machine, architecture: string): boolean {
  return architecture === 'noarch' || architecture === native || besides.includes(architecture)
}

/** Whether files of both may be in one place: rpm keeps 32 and 64 bits apart, and noarch from neither. */
export function isSameColour(a: string, b: string): boolean {
  return a === 'noarch' || b === 'noarch' || narrow.has(a) === narrow.has(b)
}
