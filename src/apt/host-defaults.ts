import { readFile } from 'node:fs/promises'
import { LarderError } from '../core/index.ts'
import { readAptConfig } from './host/apt-config.ts'
import { readHostSources } from './host/sources.ts'

/** Suite that this host itself follows: `bookworm`. APT_SOURCES_NONE. */
export async function hostSuite(): Promise<string> {
  const release = await readFile('/etc/os-release', 'utf8').catch(() => '')
  const [, codename] = /^VERSION_CODENAME="?([a-z0-9.-]+)"?$/m.exec(release) ?? []
  const suites = (await readHostSources())
    .filter((source) => source.types.includes('deb'))
    .flatMap((source) => source.suites)
  const found = suites.find((suite) => suite === codename) ?? suites[0]
  if (found !== undefined) return found
  throw new LarderError('APT_SOURCES_NONE', {
    message: 'This host has no APT source for binary packages.',
    hint: 'Add one below /etc/apt/sources.list.d, or name an upstream by `url` and `keys` in larder.yaml.',
  })
}

/** `amd64` */
export async function hostArchitecture(): Promise<string> {
  return (await readAptConfig()).architecture ?? 'amd64'
}
