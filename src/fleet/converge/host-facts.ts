import { sh, type Script } from '../shell/script.ts'
import type { HostFacts } from '../resource/resource-type.ts'
import { pendingFolder } from './notification.ts'

/** Asks a host what it is, and which notifications wait there, with one process. os-release(5), sd_booted(3). */
export const hostFactsScript: Script = sh`f=/etc/os-release
[ -r $f ] || f=/usr/lib/os-release
if [ -r $f ]; then while IFS= read -r l || [ -n "$l" ]; do printf '%s\\n' "$l"; done <$f; fi
printf uname=; uname -nm
[ ! -d /run/systemd/system ] || echo systemd=1
for f in ${pendingFolder}/*; do [ ! -f "$f" ] || printf 'pending=%s\\n' "$f"; done`

export interface HostSaid {
  readonly facts: HostFacts
  /** Names of the marks of notifications that have not been given. */
  readonly pending: ReadonlySet<string>
}

/** Pure; what is missing is empty. */
export function readHostFacts(output: Buffer): HostSaid {
  const values = new Map<string, string>()
  const pending = new Set<string>()
  for (const line of output.toString('utf8').split('\n')) {
    const [, key = '', value = ''] = /^([A-Za-z_]+)=(.*)$/.exec(line) ?? []
    if (key === 'pending') pending.add(value.slice(value.lastIndexOf('/') + 1))
    else if (key !== '') values.set(key, unquoted(value))
  }
  const os = values.get('ID') ?? ''
  const [hostname = '', machine = ''] = (values.get('uname') ?? '').split(' ')
  const facts: HostFacts = {
    os,
    family: familyOf([os, ...(values.get('ID_LIKE') ?? '').split(' ')]),
    version: values.get('VERSION_ID') ?? '',
    codename: values.get('VERSION_CODENAME') ?? '',
    machine,
    hostname,
    hasSystemd: values.get('systemd') === '1',
  }
  return { facts, pending }
}

function familyOf(names: readonly string[]): HostFacts['family'] {
  if (names.includes('debian')) return 'debian'
  return names.some((name) => ['rhel', 'fedora', 'centos'].includes(name)) ? 'rhel' : 'other'
}

/** A value of os-release is quoted as in a shell. */
function unquoted(value: string): string {
  const [, inner] = /^(["'])(.*)\1\s*$/.exec(value)?.slice(1) ?? []
  return inner === undefined ? value.trim() : inner.replaceAll(/\\(["'$`\\])/g, '$1')
}
