import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

/** What the APT of this host is set to, as far as it concerns reading upstreams. */
export interface AptConfig {
  /** `amd64`. Undefined when this host has no APT. */
  architecture?: string
  /** The native architecture first, then the foreign ones. */
  architectures: readonly string[]
  /** Languages of descriptions: `en`. */
  languages: readonly string[]
  /** Default: true. */
  checkValidUntil: boolean
  /** Default: true. */
  checkDate: boolean
  httpProxy?: string
  httpsProxy?: string
  /** By host name; `DIRECT` means none. */
  proxyByHost: Readonly<Record<string, string>>
}

/** Answers with the output of `apt-config` for these arguments, undefined when the host has no such program. */
export type RunAptConfig = (args: readonly string[]) => Promise<string | undefined>

/** Reads the settings by way of apt-config; without it, the defaults. Source: apt.conf(5), apt-transport-http(1). */
export async function readAptConfig(run: RunAptConfig = runAptConfig): Promise<AptConfig> {
  const dump = await run(['dump', '--format', '%F%N%V%n'])
  return parseAptConfig(dump ?? '')
}

/** Lines of name, tab, value; what would break a line is escaped as `%0a`. */
export function parseAptConfig(dump: string): AptConfig {
  const settings = settingsOf(dump)
  const last = (name: string): string | undefined => settings.get(name.toLowerCase())?.at(-1)
  const list = (name: string): string[] => (settings.get(`${name.toLowerCase()}::`) ?? []).filter((item) => item !== '')
  const architecture = last('APT::Architecture')
  const httpProxy = proxyOf(last('Acquire::http::Proxy'))
  // As apt does: what is set for http holds for https too, unless that has a setting of its own
  const httpsProxy = proxyOf(last('Acquire::https::Proxy') || last('Acquire::http::Proxy'))
  const foreign = list('APT::Architectures').filter((name) => name !== architecture)
  return {
    ...(architecture === undefined ? {} : { architecture }),
    architectures: architecture === undefined ? foreign : [architecture, ...foreign],
    languages: list('Acquire::Languages'),
    checkValidUntil: booleanOf(last('Acquire::Check-Valid-Until')) ?? true,
    checkDate: booleanOf(last('Acquire::Check-Date')) ?? true,
    ...(httpProxy === undefined ? {} : { httpProxy }),
    ...(httpsProxy === undefined ? {} : { httpsProxy }),
    proxyByHost: proxiesByHost(settings),
  }
}

/** The words that APT takes for yes and no; undefined for all else. */
export function booleanOf(text: string | undefined): boolean | undefined {
  const word = text?.trim().toLowerCase() ?? ''
  if (['1', 'yes', 'true', 'with', 'on', 'enable'].includes(word)) return true
  if (['0', 'no', 'false', 'without', 'off', 'disable'].includes(word)) return false
  return undefined
}

const run = promisify(execFile)

async function runAptConfig(args: readonly string[]): Promise<string | undefined> {
  try {
    const { stdout } = await run('apt-config', [...args], { timeout: 10_000, maxBuffer: 16 * 1024 * 1024 })
    return stdout
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** By name in lower case, since APT does not regard case; a name may have several values. */
function settingsOf(dump: string): Map<string, string[]> {
  const settings = new Map<string, string[]>()
  for (const line of dump.split('\n')) {
    const tab = line.indexOf('\t')
    if (tab < 0) continue
    const name = unescapePercent(line.slice(0, tab)).toLowerCase()
    const values = settings.get(name) ?? []
    values.push(unescapePercent(line.slice(tab + 1)))
    settings.set(name, values)
  }
  return settings
}

function proxiesByHost(settings: ReadonlyMap<string, readonly string[]>): Record<string, string> {
  const found: [string, string][] = []
  for (const [name, values] of settings) {
    const host = /^acquire::https?::proxy::([^:]+)$/.exec(name)?.[1]
    const value = values.at(-1)
    if (host !== undefined && value !== undefined && value !== '') found.push([host, value])
  }
  return Object.fromEntries(found)
}

function proxyOf(value: string | undefined): string | undefined {
  return value === undefined || value === '' || value === 'DIRECT' || value === 'false' ? undefined : value
}

function unescapePercent(text: string): string {
  return text.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
}
