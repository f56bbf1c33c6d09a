import { LarderError } from '../core/index.ts'
import type { AptClientSetup } from '../mirror/index.ts'
import type { RepositoryMeta } from './repository/index.ts'

/**
 * deb822 source with the key inline, as apt 2.4 and later read it, and the line (two with sources) for older ones,
 * which look for the key in a file. Source: sources.list(5). PUBLICATION_NONE.
 */
export function clientSetup(options: {
  mirror: string
  baseUrl: string
  publicKeyArmored: string
  meta: unknown
}): AptClientSetup {
  const { mirror, baseUrl, publicKeyArmored } = options
  if (options.meta === undefined) {
    throw new LarderError('PUBLICATION_NONE', {
      message: `Mirror ${mirror} has not been published yet, so there is nothing for a client to use.`,
      hint: 'larder run ls shows whether a run is at work on it.',
    })
  }
  const { suite, components, architectures, sources = false } = options.meta as RepositoryMeta
  const types = sources ? ['deb', 'deb-src'] : ['deb']
  const url = `${baseUrl}/apt/${mirror}/`
  const deb822 = [
    `Types: ${types.join(' ')}`,
    `URIs: ${url}`,
    `Suites: ${suite}`,
    `Components: ${components.join(' ')}`,
    `Architectures: ${architectures.join(' ')}`,
    'Signed-By:',
    ...publicKeyArmored
      .trim()
      .split(/\r?\n/)
      .map((line) => (line.trim() === '' ? ' .' : ` ${line}`)),
    '',
  ].join('\n')
  const keyPath = `/usr/share/keyrings/larder-${mirror}.asc`
  const settings = `arch=${architectures.join(',')} signed-by=${keyPath}`
  const oneLine = types.map((type) => `${type} [${settings}] ${url} ${suite} ${components.join(' ')}`).join('\n')
  return { format: 'apt', deb822, oneLine, suite, components: [...components] }
}
