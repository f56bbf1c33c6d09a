import type { InstalledPackage } from './installed-package.ts'
import { parseStanzas, type Stanza } from './stanzas.ts'

/**
 * Packages of which more than configuration is there. Images without dpkg have a file for each package, which says
 * nothing of a state. Source: dpkg-query(1), "Package status"; deb-control(5).
 */
export function parseDpkgStatus(text: string): InstalledPackage[] {
  return Array.from(parseStanzas(text), packageOf).filter((found) => found !== undefined)
}

function packageOf(stanza: Stanza): InstalledPackage | undefined {
  const [name, version] = [stanza.get('package'), stanza.get('version')]
  const state = stanza.get('status')?.split(/\s+/)[2] ?? 'installed'
  if (!name || !version || state === 'not-installed' || state === 'config-files') return undefined
  return {
    kind: 'deb',
    name,
    version,
    architecture: stanza.get('architecture'),
    supplier: supplierOf(stanza.get('maintainer')),
    source: sourceOf(stanza.get('source'), version),
  }
}

/** `openssl (3.0.11-1)`, or the name alone where the versions are the same; missing where the names are, too. */
function sourceOf(source: string | undefined, version: string): string | undefined {
  const parts = /^([a-z0-9][a-z0-9+.-]+)(?:\s+\(([^()\s]+)\))?$/.exec(source ?? '')
  return parts === null ? undefined : `${parts[1] ?? ''}@${parts[2] ?? version}`
}

/** `Name <address>` as SPDX writes it: `Name (address)`. */
function supplierOf(person: string | undefined): string | undefined {
  const parts = /^([^<>\n]+?)\s*(?:<([^<>\s]+)>)?$/.exec(person?.trim() ?? '')
  if (parts === null) return undefined
  return parts[2] === undefined ? parts[1] : `${parts[1] ?? ''} (${parts[2]})`
}
