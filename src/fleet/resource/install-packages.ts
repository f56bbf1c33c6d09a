import { lines, nothing, sh, type Script } from '../shell/script.ts'
import type { HostFacts } from './resource-type.ts'

export interface Wanted {
  readonly name: string
  readonly version: string | undefined
}

export interface PackagesDesired {
  readonly packages: readonly Wanted[]
  readonly state: 'present' | 'absent' | 'latest'
  readonly recommends: boolean | undefined
  readonly purge: boolean
}

/** Touched when the index of all repositories was read anew for `state: latest`. */
export const indexStamp = '/var/lib/larder/index-read'

/** Installs, removes or renews all of them. `isRefreshed`: what repositories have is read anew before, and fails where one is away. */
export function installPackages(
  desired: PackagesDesired,
  host: HostFacts,
  { isRefreshed }: { isRefreshed: boolean },
): Script {
  if (host.family === 'other')
    return sh`echo 'Packages are known how to be installed on Debian, Ubuntu, and Fedora, Rocky and their like only.' >&2; exit 1`
  return host.family === 'rhel' ? withDnf(desired, isRefreshed) : withApt(desired, isRefreshed)
}

const stamp = sh`mkdir -p ${indexStamp.slice(0, indexStamp.lastIndexOf('/'))} && touch ${indexStamp}`

const aptOptions = ['-y', '-q', '-o', 'Dpkg::Options::=--force-confdef', '-o', 'Dpkg::Options::=--force-confold', '-o', 'DPkg::Lock::Timeout=300', '-o', 'Dpkg::Use-Pty=0', '-o', 'APT::Cmd::Pattern-Only=true'] // prettier-ignore

/** Ends what was killed in the middle, which apt refuses to do by itself; nothing where nothing was. */
const goOn = sh`dpkg --force-confdef --force-confold --configure -a || :`

/** Asks nobody anything; settings that somebody has changed are kept: dpkg(1) --force-confold. A name is no pattern of others. */
function withApt({ packages, state, recommends, purge }: PackagesDesired, isRefreshed: boolean): Script {
  const environment = sh`export DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=a NEEDRESTART_SUSPEND=1 APT_LISTCHANGES_FRONTEND=none`
  const bare = packages.map(({ name }) => name)
  if (state === 'absent') {
    const removal = purge ? 'purge' : 'remove'
    const remove = sh`apt-get ${aptOptions} ${removal} -- ${bare}`
    return lines(environment, sh`${remove} || { ${goOn}; ${remove}; }`)
  }
  const recommending =
    recommends === undefined ? nothing : sh`${recommends ? '--install-recommends' : '--no-install-recommends'}`
  const names = packages.map(({ name, version }) => (version === undefined ? name : `${name}=${version}`))
  const pinned = packages.some(({ version }) => version !== undefined) ? sh`--allow-downgrades` : nothing
  const install = sh`apt-get ${aptOptions} ${recommending} ${pinned} install -- ${names}`
  const update = sh`apt-get -q -o DPkg::Lock::Timeout=300`
  const refresh = isRefreshed ? sh`${update} -o APT::Update::Error-Mode=any update || exit 1\n${stamp}` : nothing
  // What the machine knows of its repositories may be older than they are: then what it asks for is no longer there.
  const again = sh`${goOn}; ${update} update && named && ${install} || exit 1`
  return lines(environment, aptNamed(bare), refresh, sh`{ named 2>/dev/null && ${install}; } || { ${again}; }`)
}

/** Refuses names that only others provide: apt would install one of them, or none, and what was asked for would never be there. */
function aptNamed(names: readonly string[]): Script {
  return sh`named() {
said=$(LC_ALL=C apt-cache -o APT::Cmd::Pattern-Only=true policy -- ${names} 2>/dev/null | awk '/^[^ ].*:$/ { name = $1; sub(/:$/, "", name) } $1 == "Installed:" { has = $2 } $1 == "Candidate:" && $2 == "(none)" && has == "(none)" { print name }' | while read -r name; do
by=$(apt-cache showpkg -- "$name" | awk '/^Versions:/ { getline; if ($0 != "") exit } found { print $1 } /^Reverse Provides:/ { found = 1 }' | sort -u)
${tellProviders}
done)
${refuseSaid}
}`
}

const tellProviders = sh`[ -z "$by" ] || printf '%s is no package, but what several may provide. Name one of those that do: %s.\n' "$name" "$(echo $by | sed 's/ /, /g')"`
const refuseSaid = sh`[ -z "$said" ] || { printf '%s\n' "$said" >&2; return 1; }`

function withDnf({ packages, state }: PackagesDesired, isRefreshed: boolean): Script {
  const client = sh`client=$(command -v dnf || command -v microdnf || command -v yum)`
  const bare = packages.map(({ name }) => name)
  if (state === 'absent') return lines(client, sh`"$client" -y -q remove -- ${bare}`)
  const names = packages.map(({ name, version }) => (version === undefined ? name : `${name}-${version}`))
  const install = sh`"$client" -y -q install -- ${names}`
  const upgrade = state === 'latest' ? sh` && "$client" -y -q upgrade -- ${names}` : nothing
  const pinned = packages.some(({ version }) => version !== undefined)
  const downgrade = pinned ? sh`\nrpm -q -- ${names} >/dev/null || "$client" -y -q downgrade -- ${names}` : nothing
  const refresh = isRefreshed ? sh`"$client" -q --refresh makecache || exit 1\n${stamp}` : nothing
  const again = sh`named --refresh && "$client" -y -q --refresh install -- ${names} || exit 1`
  const once = sh`named 2>/dev/null && ${install}${upgrade}`
  return lines(client, dnfNamed(bare), refresh, sh`{ ${once}; } || { ${again}; }${downgrade}`)
}

/** The same: dnf(8) takes what a package provides for its name. */
function dnfNamed(names: readonly string[]): Script {
  return sh`named() {
there=$("$client" -q "$@" repoquery --qf ${'%{name} %{name}.%{arch}\n'} -- ${names} 2>/dev/null | tr ' ' '\n' | sort -u)
said=$(for name in ${names}; do
if printf '%s\n' "$there" | grep -qxF -e "$name"; then continue; fi
by=$("$client" -q repoquery --qf ${'%{name}\n'} --whatprovides "$name" 2>/dev/null | grep . | sort -u)
${tellProviders}
done)
${refuseSaid}
}`
}
