import type { Dockerfile } from './dockerfile.ts'

/**
 * Images that come from elsewhere, in the order in which they are named: by FROM, `COPY --from=` and `RUN --mount=…from=`;
 * not earlier stages, and not `scratch`. Variables of FROM are filled in. Source: Dockerfile reference, "Understand how ARG and FROM interact".
 */
export function baseImagesOf(dockerfile: Dockerfile, buildArgs: Readonly<Record<string, string>>): string[] {
  const values = globalArgs(dockerfile, buildArgs)
  const names = new Set<string>()
  const found = new Set<string>()
  let count = 0
  for (const { keyword, text } of dockerfile.instructions) {
    if (keyword === 'FROM') {
      const { base, name } = dockerfile.stages[count++]!
      const image = expand(base, values)
      if (image !== '' && image !== 'scratch' && !names.has(image.toLowerCase())) found.add(image)
      if (name !== undefined) names.add(name)
      continue
    }
    for (const from of sourcesOf(keyword, text)) {
      const isStage = names.has(from.toLowerCase()) || /^\d+$/.test(from)
      if (!isStage && !from.includes('$') && from !== 'scratch') found.add(from)
    }
  }
  return [...found]
}

function sourcesOf(keyword: string, text: string): string[] {
  const form = { COPY: /(?:^|\s)--from=(\S+)/g, RUN: /(?:^|\s)--mount=(?:\S*,)?from=([^\s,]+)/g }[keyword]
  return form === undefined ? [] : [...text.matchAll(form)].map(([, from = '']) => from)
}

/** Only ARGs before the first FROM count in FROM. */
function globalArgs({ instructions }: Dockerfile, buildArgs: Readonly<Record<string, string>>): Map<string, string> {
  const values = new Map<string, string>()
  for (const { keyword, text, stage } of instructions) {
    if (keyword !== 'ARG' || stage >= 0) continue
    for (const [, name = '', , written] of text.matchAll(declared)) {
      const given = Object.hasOwn(buildArgs, name) ? buildArgs[name] : undefined
      values.set(name, given ?? expand(unquote(written ?? ''), values))
    }
  }
  return values
}

const declared = /([A-Za-z_][A-Za-z0-9_]*)(=("[^"]*"|'[^']*'|\S*))?/g

function unquote(text: string): string {
  return /^(["'])(.*)\1$/.exec(text)?.[2] ?? text
}

/** `$name`, `${name}`, `${name:-else}`, `${name:+then}`. */
function expand(text: string, values: ReadonlyMap<string, string>): string {
  return text.replaceAll(/\$\{[A-Za-z_]\w*(?::[-+][^}]*)?\}|\$[A-Za-z_]\w*/g, (variable) => {
    const [, name = '', operator, word = ''] = /^\$\{?(\w+)(?::([-+])([^}]*))?/.exec(variable) ?? []
    const value = values.get(name) ?? ''
    if (operator === '-') return value === '' ? word : value
    if (operator === '+') return value === '' ? '' : word
    return value
  })
}
