/** What a registry asks for before it answers. */
export type Challenge = { scheme: 'basic' } | { scheme: 'bearer'; realm: string; parameters: Record<string, string> }

/**
 * Reads WWW-Authenticate: the first scheme in it that is known here. Undefined where there is none. Source: RFC 9110
 * §11.6.1, Docker registry token specification.
 */
export function parseChallenge(header: string): Challenge | undefined {
  for (const [, scheme = '', rest = ''] of header.matchAll(schemes)) {
    if (scheme.toLowerCase() === 'basic') return { scheme: 'basic' }
    const { realm, ...parameters } = parametersOf(rest)
    if (realm !== undefined) return { scheme: 'bearer', realm, parameters }
  }
  return undefined
}

/** A name and what belongs to it, up to the next scheme; commas inside quotes separate nothing. */
const schemes = /(?:^|,)\s*(basic|bearer)(?:\s+((?:[\w-]+\s*=\s*(?:"(?:[^"\\]|\\.)*"|[^\s",]+)\s*,?\s*)*)|\s*(?=,|$))/gi
const parameter = /([\w-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s",]+))/g

function parametersOf(text: string): Record<string, string> {
  const entries = [...text.matchAll(parameter)].map(([, name = '', quoted, plain = '']): [string, string] => [
    name.toLowerCase(),
    quoted?.replace(/\\(.)/g, '$1') ?? plain,
  ])
  return Object.fromEntries(entries)
}
