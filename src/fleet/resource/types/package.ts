import { z } from 'zod'
import { lines, nothing, sh, type Script } from '../../shell/script.ts'
import { cutOff, part, readPart } from '../fact-text.ts'
import type { Difference, HostFacts, ResourceType } from '../resource-type.ts'

/**
 * deb-control(5) and RPM's names, with an architecture (`libc6:amd64`, `glibc.i686`) and a version after `=`. None ends with a
 * hyphen, by which apt-get(8) takes a package away.
 */
const wanted = z
  .string()
  .regex(
    /^(?!.*-(?:[:=]|$))[A-Za-z0-9][A-Za-z0-9+._-]*(?::[a-z0-9-]+)?(?:=[A-Za-z0-9.+:~^_-]+)?$/,
    'the name of a package is needed, and `=` with its version where it has to be that one',
  )

const schema = z
  .strictObject({
    package: z.union([wanted, z.array(wanted).min(1).max(2000)]),
    state: z
      .enum(['present', 'absent', 'latest'])
      .default('present')
      .describe('latest: the newest that the repositories of the machine have'),
    recommends: z
      .boolean()
      .optional()
      .describe('Debian: recommended packages as well. Default: as apt is set up there'),
    purge: z.boolean().default(false).describe('state: absent also removes its settings (Debian)'),
  })
  .describe('Packages of the machine’s own package manager')

type Declared = z.output<typeof schema>

interface Wanted {
  readonly name: string
  readonly version: string | undefined
}

export interface PackagesDesired {
  readonly packages: readonly Wanted[]
  readonly state: Declared['state']
  readonly recommends: boolean | undefined
  readonly purge: boolean
}

/** By name as it was asked for. */
export type PackageFacts = ReadonlyMap<string, InstalledPackage>

interface InstalledPackage {
  /** Undefined: not installed. */
  readonly version?: string
  /** state: latest; undefined where no repository has it. */
  readonly candidate?: string
}

export const packageType: ResourceType<Declared, PackagesDesired, PackageFacts> = {
  name: 'package',
  grouped: true,
  schema,
  subjectOf: (declared) => [declared.package].flat().map(nameOf).join(', '),
  resolve: async ({ package: names, state, recommends, purge }) => ({
    packages: [names].flat().map((text) => ({ name: nameOf(text), version: text.split('=')[1] })),
    state,
    recommends,
    purge,
  }),
  after: ({ state }) =>
    state === 'absent'
      ? []
      : ['repository:*', 'file:/etc/apt/*', 'file:/etc/yum.repos.d/*', 'file:/etc/dnf/*', 'host-entry:*'],
  facts: (all) => {
    const names = [...new Set(all.flatMap(namesOf))]
    const latest = [...new Set(all.filter(({ state }) => state === 'latest').flatMap(namesOf))]
    return part('packages', lines(ask(names), latest.length === 0 ? nothing : askLatest(latest)))
  },
  read: (output, all) => {
    const text = readPart(output, 'packages')
    const manager = text?.[0]
    if (text === undefined || (manager !== 'dpkg' && manager !== 'rpm')) {
      const why = text === undefined ? cutOff : 'it has neither dpkg nor rpm'
      return all.map(() => ({ known: false, why }))
    }
    const known = readInstalled(text)
    return all.map((one) => ({
      known: true,
      facts: new Map(namesOf(one).map((name) => [name, known.get(name) ?? {}])),
    }))
  },
  diff: ({ packages, state }, facts) =>
    packages.flatMap(({ name, version }) => differenceOf({ name, version, state }, facts.get(name) ?? {})),
  apply: (desired, { differences, facts, host }) => {
    const changed = new Set(differences.map(({ what }) => what))
    const chosen = desired.packages.filter(({ name }) => facts === undefined || changed.has(name))
    return host.family === 'rhel' ? applyDnf(desired, chosen) : applyApt(desired, chosen, host)
  },
}

function nameOf(text: string): string {
  return text.split('=')[0]!
}

function namesOf({ packages }: PackagesDesired): string[] {
  return packages.map(({ name }) => name)
}

/** One query for all. Names that are not known are told on standard error, and simply are not in the answer. */
function ask(names: readonly string[]): Script {
  return sh`if command -v dpkg-query >/dev/null 2>&1; then echo dpkg
dpkg-query -W -f ${'is ${Package} ${Architecture} ${Version} ${db:Status-Abbrev}\n'} -- ${names} 2>/dev/null || :
elif command -v rpm >/dev/null 2>&1; then echo rpm
rpm -q --qf ${'is %{NAME} %{ARCH} %|EPOCH?{%{EPOCH}:}:{}|%{VERSION}-%{RELEASE} ii\n'} -- ${names} 2>/dev/null | grep '^is ' || :
else echo none; fi`
}

function askLatest(names: readonly string[]): Script {
  return sh`if command -v dpkg-query >/dev/null 2>&1; then
LC_ALL=C apt-cache policy -- ${names} 2>/dev/null | awk '/^[^ ].*:$/ { name = $1; sub(/:$/, "", name) } $1 == "Candidate:" { print "new", name, $2 }' || :
else
{ dnf -q -C repoquery --latest-limit=1 --qf ${'new %{name} %{evr} %{arch}\n'} -- ${names} 2>/dev/null || :; } | grep '^new ' || :
fi`
}

function readInstalled(text: readonly string[]): Map<string, InstalledPackage> {
  const known = new Map<string, InstalledPackage>()
  const set = (names: readonly string[], facts: InstalledPackage): void => {
    for (const name of names) known.set(name, { ...known.get(name), ...facts })
  }
  for (const line of text) {
    const [word, name = '', second = '', third = '', status = ''] = line.split(' ')
    // Second letter of Status-Abbrev: `i` is installed; `n`, `c` (settings only), `u`, `f`, `h` are not, or not whole.
    if (word === 'is' && /^.i/.test(status)) set([name, `${name}:${second}`, `${name}.${second}`], { version: third })
    if (word === 'new' && second !== '(none)') set([name], { candidate: second.replace(/^0:/, '') })
  }
  return known
}

function differenceOf(
  { name, version, state }: Wanted & { state: Declared['state'] },
  facts: InstalledPackage,
): Difference[] {
  if (state === 'absent') return facts.version === undefined ? [] : [{ what: name, from: facts.version, to: undefined }]
  const to = version ?? (state === 'latest' ? facts.candidate : undefined)
  if (facts.version === undefined) return [{ what: name, to: to ?? 'installed' }]
  return to === undefined || isVersion(facts.version, to) ? [] : [{ what: name, from: facts.version, to }]
}

/** `1.2` is also 1.2-3 and 0:1.2-3, since that is how people write the versions of RPM. */
function isVersion(installed: string, wantedVersion: string): boolean {
  const forms = [installed, installed.replace(/^[0-9]+:/, '')]
  return forms.some((form) => form === wantedVersion || form.slice(0, form.lastIndexOf('-')) === wantedVersion)
}

const aptOptions = ['-y', '-q', '-o', 'Dpkg::Options::=--force-confdef', '-o', 'Dpkg::Options::=--force-confold', '-o', 'DPkg::Lock::Timeout=300', '-o', 'Dpkg::Use-Pty=0', '-o', 'APT::Cmd::Pattern-Only=true'] // prettier-ignore

/** Ends what was killed in the middle, which apt refuses to do by itself; nothing where nothing was. */
const goOn = sh`dpkg --force-confdef --force-confold --configure -a || :`

/** Asks nobody anything; settings that somebody has changed are kept: dpkg(1) --force-confold. A name is no pattern of others. */
function applyApt({ state, recommends, purge }: PackagesDesired, chosen: readonly Wanted[], host: HostFacts): Script {
  if (host.family === 'other')
    return sh`echo 'Packages are known how to be installed on Debian, Ubuntu, and Fedora, Rocky and their like only.' >&2; exit 1`
  const environment = sh`export DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=a NEEDRESTART_SUSPEND=1 APT_LISTCHANGES_FRONTEND=none`
  if (state === 'absent') {
    const removal = purge ? 'purge' : 'remove'
    const remove = sh`apt-get ${aptOptions} ${removal} -- ${chosen.map(({ name }) => name)}`
    return lines(environment, sh`${remove} || { ${goOn}; ${remove}; }`)
  }
  const recommending =
    recommends === undefined ? nothing : sh`${recommends ? '--install-recommends' : '--no-install-recommends'}`
  const names = chosen.map(({ name, version }) => (version === undefined ? name : `${name}=${version}`))
  const pinned = chosen.some(({ version }) => version !== undefined) ? sh`--allow-downgrades` : nothing
  const install = sh`apt-get ${aptOptions} ${recommending} ${pinned} install -- ${names}`
  // What the machine knows of its repositories may be older than they are: then what it asks for is no longer there.
  return lines(environment, sh`${install} || { ${goOn}; apt-get -q -o DPkg::Lock::Timeout=300 update && ${install}; }`)
}

function applyDnf({ state }: PackagesDesired, chosen: readonly Wanted[]): Script {
  const client = sh`client=$(command -v dnf || command -v microdnf || command -v yum)`
  if (state === 'absent') return lines(client, sh`"$client" -y -q remove -- ${chosen.map(({ name }) => name)}`)
  const names = chosen.map(({ name, version }) => (version === undefined ? name : `${name}-${version}`))
  const install = sh`"$client" -y -q install -- ${names}`
  const upgrade = state === 'latest' ? sh` && "$client" -y -q upgrade -- ${names}` : nothing
  const pinned = chosen.some(({ version }) => version !== undefined)
  const downgrade = pinned ? sh`\nrpm -q -- ${names} >/dev/null || "$client" -y -q downgrade -- ${names}` : nothing
  return lines(client, sh`${install}${upgrade} || "$client" -y -q --refresh install -- ${names}${downgrade}`)
}
