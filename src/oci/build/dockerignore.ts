/** In the context of a build. */
export const ignoreFile = '.dockerignore'

/** Whether a path of the context is left out of it. */
export type Ignore = (path: string) => boolean

/**
 * Reads a `.dockerignore`: later lines win over earlier ones, `!` takes back, and what is below something that is left
 * out is left out with it. Whatever the patterns are, a path takes time in proportion to its length times theirs.
 * Source: Dockerfile reference, ".dockerignore file"; Go, path/filepath.Match.
 */
export function parseDockerignore(text: string): Ignore {
  const rules = text
    .replace(/^\ufeff/, '')
    .split(/\r?\n/)
    .flatMap((line) => ruleOf(line))
  return (path) => rules.findLast(({ tokens }) => matches(tokens, path))?.isIgnored ?? false
}

interface Rule {
  tokens: readonly Token[]
  isIgnored: boolean
}

/**
 * `*` stops at a slash, `**` does not. `**` with its slash is two: `folders`, which may be nothing at all, and `inside`
 * of them, up to a slash.
 */
type Token =
  | string
  | { form: 'any' | 'star' | 'all' | 'folders' | 'inside' }
  | { form: 'class'; holds: (sign: string) => boolean }

function ruleOf(line: string): Rule[] {
  if (line.startsWith('#')) return []
  const written = line.trim()
  const isIgnored = !written.startsWith('!')
  const pattern = clean(isIgnored ? written : written.slice(1).trim())
  return pattern === '' ? [] : [{ tokens: tokensOf(pattern), isIgnored }]
}

/** Without `.`, `..` and empty parts, and without slashes at its ends. Source: Go, path.Clean. */
function clean(pattern: string): string {
  const parts: string[] = []
  for (const part of pattern.split('/')) {
    if (part === '..') parts.pop()
    else if (part !== '' && part !== '.') parts.push(part)
  }
  return parts.join('/')
}

function tokensOf(pattern: string): Token[] {
  const tokens: Token[] = []
  for (let index = 0; index < pattern.length; index++) {
    const sign = pattern[index]!
    if (sign === '*' && pattern[index + 1] === '*') {
      while (pattern[index + 1] === '*') index++
      if (pattern[index + 1] === '/') index++
      if (pattern[index] === '/') tokens.push({ form: 'folders' }, { form: 'inside' })
      else tokens.push({ form: 'all' })
    } else if (sign === '*') tokens.push({ form: 'star' })
    else if (sign === '?') tokens.push({ form: 'any' })
    else if (sign === '[') {
      const end = classEnd(pattern, index)
      // What never ends matches nothing, as an error of the pattern would.
      tokens.push({ form: 'class', holds: end < 0 ? () => false : classOf(pattern.slice(index + 1, end)) })
      index = end < 0 ? pattern.length : end
    } else if (sign === '\\' && index + 1 < pattern.length) tokens.push(pattern[++index]!)
    else tokens.push(sign)
  }
  return tokens
}

function classEnd(pattern: string, start: number): number {
  let index = start + (pattern[start + 1] === '^' ? 2 : 1)
  for (; index < pattern.length; index++) {
    if (pattern[index] === '\\') index++
    else if (pattern[index] === ']' && index > start + 1) return index
  }
  return -1
}

function classOf(text: string): (sign: string) => boolean {
  const isNegated = text.startsWith('^')
  const ranges: [string, string][] = []
  const signs = Array.from(isNegated ? text.slice(1) : text)
  const next = (): string => {
    const sign = signs.shift() ?? ''
    return sign === '\\' ? (signs.shift() ?? '') : sign
  }
  while (signs.length > 0) {
    const low = next()
    if (signs[0] === '-' && signs.length > 1) {
      signs.shift()
      ranges.push([low, next()])
    } else ranges.push([low, low])
  }
  return (sign) => sign !== '/' && ranges.some(([low, high]) => low <= sign && sign <= high) !== isNegated
}

/** The path itself, or a folder that it is in. One pass over the path, with all places of the pattern at once. */
function matches(tokens: readonly Token[], path: string): boolean {
  let places = new Uint8Array(tokens.length + 1)
  places[0] = 1
  skip(tokens, places)
  for (let index = 0; index < path.length; index++) {
    const sign = path[index]!
    if (sign === '/' && index > 0 && places[tokens.length] === 1) return true
    const next = new Uint8Array(tokens.length + 1)
    for (const [place, token] of tokens.entries()) {
      if (places[place] === 1) step(token, { sign, place, next })
    }
    places = next
    skip(tokens, places)
  }
  return places[tokens.length] === 1
}

function step(token: Token, { sign, place, next }: { sign: string; place: number; next: Uint8Array }): void {
  if (typeof token === 'string') {
    if (token === sign) next[place + 1] = 1
  } else if (token.form === 'any') {
    if (sign !== '/') next[place + 1] = 1
  } else if (token.form === 'class') {
    if (token.holds(sign)) next[place + 1] = 1
  } else if (token.form === 'star') {
    if (sign !== '/') next[place] = 1
  } else if (token.form !== 'folders') {
    next[place] = 1
    if (token.form === 'inside' && sign === '/') next[place + 1] = 1
  }
}

/** What may be nothing is passed over. */
function skip(tokens: readonly Token[], places: Uint8Array): void {
  for (const [place, token] of tokens.entries()) {
    if (places[place] !== 1 || typeof token === 'string') continue
    if (token.form === 'star' || token.form === 'all' || token.form === 'folders') places[place + 1] = 1
    if (token.form === 'folders') places[place + 2] = 1
  }
}
