import { hostPlatform, parsePlatform, platformName, type Platform } from '../platform.ts'
import type { Dockerfile } from './dockerfile.ts'
import type { BuildRequest } from './image-builder.ts'

export type ArgFacts = Pick<BuildRequest, 'buildArgs' | 'platform'>

/** What counts in FROM: ARGs before the first one, and those of platforms. */
export function globalArgs({ instructions }: Dockerfile, { buildArgs, platform }: ArgFacts): Map<string, string> {
  const values = new Map(Object.entries(platformArgs(platform)))
  for (const { keyword, text, stage } of instructions) {
    if (keyword !== 'ARG' || stage >= 0) continue
    for (const [, name = '', , written] of text.matchAll(declared)) {
      const given = Object.hasOwn(buildArgs, name) ? buildArgs[name] : undefined
      values.set(name, given ?? expandArgs(unquote(written ?? ''), values))
    }
  }
  return values
}

/** ARGs that need not be given. Source: Dockerfile reference, "Automatic platform ARGs in the global scope". */
export function platformArgs(platform: string | undefined): Readonly<Record<string, string>> {
  const host = hostPlatform()
  return { ...named('BUILD', host), ...named('TARGET', platform === undefined ? host : parsePlatform(platform)) }
}

function named(prefix: string, platform: Platform): Record<string, string> {
  return {
    [`${prefix}PLATFORM`]: platformName(platform),
    [`${prefix}OS`]: platform.os,
    [`${prefix}ARCH`]: platform.architecture,
    [`${prefix}VARIANT`]: platform.variant ?? '',
  }
}

const declared = /([A-Za-z_][A-Za-z0-9_]*)(=("[^"]*"|'[^']*'|\S*))?/g

function unquote(text: string): string {
  return /^(["'])(.*)\1$/.exec(text)?.[2] ?? text
}

/** `$name`, `${name}`, `${name:-else}`, `${name:+then}`. */
export function expandArgs(text: string, values: ReadonlyMap<string, string>): string {
  return text.replaceAll(/\$\{[A-Za-z_]\w*(?::[-+][^}]*)?\}|\$[A-Za-z_]\w*/g, (variable) => {
    const [, name = '', operator, word = ''] = /^\$\{?(\w+)(?::([-+])([^}]*))?/.exec(variable) ?? []
    const value = values.get(name) ?? ''
    if (operator === '-') return value === '' ? word : value
    if (operator === '+') return value === '' ? '' : word
    return value
  })
}
