import { z } from 'zod'
import { lines, nothing, sh, type Script } from '../../shell/script.ts'
import { cutOff, part, readPart } from '../fact-text.ts'
import { indexStamp, installPackages, type PackagesDesired, type Wanted } from '../install-packages.ts'
import { forOtherSources } from '../package-sources.ts'
import type { Difference, ResourceType } from '../resource-type.ts'

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

export interface PackageFacts {
  /** By name as it was asked for. */
  readonly installed: ReadonlyMap<string, InstalledPackage>
  /** Nobody has read the index of repositories that are not Larder's within a day. Asked for `state: latest` alone. */
  readonly isOld: boolean
}

interface InstalledPackage {
  /** Undefined: not installed. */
  readonly version?: string
  /** Its settings are there: dpkg(1), config-files. */
  readonly hasSettings?: boolean
  /** state: latest; undefined where no repository has it, or, of RPM, a newer one. */
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
    const hasNone = text?.[0] === 'none'
    if (hasNone || !text?.includes('whole')) {
      return all.map(() => ({ known: false, why: hasNone ? 'it has neither dpkg nor rpm' : cutOff }))
    }
    const known = readInstalled(text)
    const isOld = text.includes('old')
    return all.map((one) => ({
      known: true,
      facts: { installed: new Map(namesOf(one).map((name) => [name, known.get(name) ?? {}])), isOld },
    }))
  },
  diff: ({ packages, state, purge }, { installed, isOld }) => [
    ...(state === 'latest' && isOld ? [{ what: index, from: 'older than a day', to: 'read anew' }] : []),
    ...packages.flatMap((one) => differenceOf({ ...one, state, purge }, installed.get(one.name) ?? {})),
  ],
  apply: (desired, { differences, facts, host }) => {
    const changed = new Set(differences.map(({ what }) => what))
    const isRefreshed = changed.has(index)
    const isChosen = (name: string): boolean => facts === undefined || isRefreshed || changed.has(name)
    const chosen = { ...desired, packages: desired.packages.filter(({ name }) => isChosen(name)) }
    return installPackages(chosen, host, { isRefreshed })
  },
}

/** No package has blanks in its name. */
const index = 'index of packages'

function nameOf(text: string): string {
  return text.split('=')[0]!
}

function namesOf({ packages }: PackagesDesired): string[] {
  return packages.map(({ name }) => name)
}

/**
 * One query for all. Names that are not known are told on standard error, and simply are not in the answer. dpkg-query reads a whole
 * database for one name (14 ms where awk takes 4): it is asked while dpkg has parts of it in its journal, updates/ of dpkg(1). rpm
 * says of a database that it cannot read what it says of one without that package: there is none without any.
 */
function ask(names: readonly string[]): Script {
  return sh`if command -v dpkg-query >/dev/null 2>&1; then echo dpkg
set -- /var/lib/dpkg/updates/[0-9]*
if [ -e "$1" ]; then dpkg-query -W -f ${'is ${Package} ${Architecture} ${Version} ${db:Status-Abbrev}\n'} -- ${names} 2>/dev/null || [ $? -eq 1 ] && echo whole
else LC_ALL=C awk ${readStatus} ${names} && echo whole; fi
elif command -v rpm >/dev/null 2>&1; then echo rpm
said=$(rpm -q --qf ${'is %{NAME} %{ARCH} %|EPOCH?{%{EPOCH}:}:{}|%{VERSION}-%{RELEASE} ii\n'} -- ${names} 2>/dev/null | grep '^is ' || :)
printf '%s\n' "$said"
[ -z "$said\$(rpm -qa 2>/dev/null | head -n 1)" ] || echo whole
else echo none; fi`
}

/** The second letter of Status-Abbrev, of those that mean something to `readInstalled`: dpkg-query(1). */
const readStatus = `BEGIN {
  for (i = 1; i < ARGC; i++) { name = ARGV[i]; sub(/:.*/, "", name); asked[name]; ARGV[i] = "" }
  ARGV[1] = "/var/lib/dpkg/status"
  letters["installed"] = "i"; letters["config-files"] = "c"
}
/^Package: / { tell(); name = $2; isAsked = name in asked; arch = version = state = ""; next }
!isAsked { next }
/^Status: / { state = $4 }
/^Architecture: / { arch = $2 }
/^Version: / { version = $2 }
END { tell() }
function tell() { if (isAsked) print "is", name, arch, version, "-" (state in letters ? letters[state] : "u") }`

function askLatest(names: readonly string[]): Script {
  return sh`if command -v dpkg-query >/dev/null 2>&1; then
LC_ALL=C apt-cache -o APT::Cmd::Pattern-Only=true policy -- ${names} 2>/dev/null | awk '/^[^ ].*:$/ { name = $1; sub(/:$/, "", name) } $1 == "Candidate:" { print "new", name, $2 }' || :
else
{ dnf -q -C repoquery --upgrades --latest-limit=1 --qf ${'new %{name} %{evr} %{arch}\n'} -- ${names} 2>/dev/null || :; } | grep '^new ' || :
fi
[ "$(($(date +%s) - $(stat -c %Y -- ${indexStamp} 2>/dev/null || echo 0)))" -lt 86400 ] || ${forOtherSources(sh`echo old; break`)}`
}

function readInstalled(text: readonly string[]): Map<string, InstalledPackage> {
  const known = new Map<string, InstalledPackage>()
  const set = (names: readonly string[], facts: InstalledPackage): void => {
    for (const name of names) known.set(name, { ...known.get(name), ...facts })
  }
  for (const line of text) {
    const [word, name = '', second = '', third = '', status = ''] = line.split(' ')
    const names = [name, `${name}:${second}`, `${name}.${second}`]
    // Second letter of Status-Abbrev: `i` is installed; `n`, `c` (settings only), `u`, `f`, `h` are not, or not whole.
    if (word === 'is' && /^.i/.test(status)) set(names, { version: third })
    if (word === 'is' && /^.c/.test(status)) set(names, { hasSettings: true })
    if (word === 'new' && second !== '(none)') set([name], { candidate: second.replace(/^0:/, '') })
  }
  return known
}

function differenceOf(
  { name, version, state, purge }: Wanted & Pick<PackagesDesired, 'state' | 'purge'>,
  facts: InstalledPackage,
): Difference[] {
  if (state === 'absent') {
    const from = facts.version ?? (purge && facts.hasSettings === true ? 'its settings' : undefined)
    return from === undefined ? [] : [{ what: name, from, to: undefined }]
  }
  const to = version ?? (state === 'latest' ? facts.candidate : undefined)
  if (facts.version === undefined) return [{ what: name, to: to ?? 'installed' }]
  return to === undefined || isVersion(facts.version, to) ? [] : [{ what: name, from: facts.version, to }]
}

/** `1.2` is also 1.2-3 and 0:1.2-3, since that is how people write the versions of RPM. */
function isVersion(installed: string, wantedVersion: string): boolean {
  const forms = [installed, installed.replace(/^[0-9]+:/, '')]
  return forms.some((form) => form === wantedVersion || form.replace(/-[^-]*$/, '') === wantedVersion)
}
