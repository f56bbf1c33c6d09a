import { z } from 'zod'
import { lines, sh, type Script } from '../../shell/script.ts'
import { enterFolder } from '../enter-folder.ts'
import { asWord, cutOff, fromWord, readRecords, records } from '../fact-text.ts'
import { accountName, hostPath, presence } from '../grammar.ts'
import { folderAndOwners } from '../path-order.ts'
import type { ResourceType } from '../resource-type.ts'
import { versionDifferences } from '../version-differences.ts'

const schema = z
  .strictObject({
    /** PEP 508, names. */
    'pip-package': z
      .string()
      .max(200)
      .regex(/^[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?$/, 'the name of a package of pip is needed'),
    version: z
      .string()
      .regex(/^[0-9][A-Za-z0-9.!+-]*$/, 'a version is needed: 2.31.0')
      .optional(),
    venv: hostPath.describe('Environment that it goes into; made where it is not there'),
    index: z
      .url({ protocol: /^https?$/ })
      .optional()
      .describe('Default: as pip is set up there'),
    user: accountName.optional().describe('Who the environment belongs to. Default: root'),
    state: presence,
  })
  .describe('A package of pip, in an environment of its own')

type Declared = z.output<typeof schema>

/** Undefined: it is not there. */
export type PipFacts = string | undefined

export const pipPackageType: ResourceType<Declared, Declared, PipFacts> = {
  name: 'pip-package',
  schema,
  subjectOf: (declared) => `${declared.venv}/${declared['pip-package']}`,
  resolve: async (declared) => declared,
  after: ({ venv, user }) => [
    'package:*',
    ...(user === undefined ? [] : [`user:${user}`]),
    ...folderAndOwners(`${venv}/x`, undefined),
  ],
  /** Names of folders say it, without a start of Python for each: PEP 376, PEP 405, PEP 427. */
  facts: (all) =>
    records(
      all.map(
        ({ venv }) =>
          sh`printf 'found '; { cd ${`${venv}/lib`} 2>/dev/null && ls -d ../pyvenv.cfg python3*/site-packages/*.dist-info python3*/site-packages/*.dist-info/INSTALLER 2>/dev/null || :; } | ${asWord}`,
      ),
    ),
  read: (output, all) =>
    readRecords(output, all.length).map((record, at) => {
      const found = fromWord(record?.get('found'))?.toString()
      if (found === undefined) return { known: false, why: cutOff }
      return { known: true, facts: versionOf(all[at]!, found.split('\n')) }
    }),
  diff: (desired, installed) => {
    const { version } = desired
    const isSame = version !== undefined && installed !== undefined && comparable(version) === comparable(installed)
    return versionDifferences(isSame ? { ...desired, version: installed } : desired, installed)
  },
  apply: ({ 'pip-package': name, version, venv, index, user, state }) => {
    const pip = `${venv}/bin/pip`
    const common = ['--no-input', '--disable-pip-version-check', '-q']
    const as = user === undefined ? [] : ['runuser', '-u', user, '--']
    if (state === 'absent')
      return lines(
        sh`${as} sh -euc ${lines(enterFolder(venv, 'nothing to do'), removeHalf(name, 'RECORD')).shell}`,
        sh`[ ! -x ${pip} ] || ${as} ${pip} uninstall -y ${common} -- ${name}`,
      )
    const where = index === undefined ? [] : ['--index-url', index]
    const owner = user === undefined ? sh`:` : sh`chown ${user} .`
    // Made anew, so that no link of somebody is followed.
    const begin = sh`${enterFolder(venv)}\n${removeHalf(name, 'INSTALLER')}\nrm -f -- ${mark}\nset -C\n: >${mark}`
    return sh`(umask 022\n${enterFolder(venv)}\n${owner})
${as} sh -euc ${begin.shell}
[ -x ${pip} ] || ${as} python3 -m venv -- ${venv}
${as} ${pip} install ${common} ${where} -- ${version === undefined ? name : `${name}==${version}`}
${as} rm -f -- ${`${venv}/${mark}`}`
  },
}

/** Within the environment, while pip is at work. */
const mark = '.larder-pip'

/**
 * Pip names itself in INSTALLER once all else is there: without that, it was killed. Only in environments (PEP 405), where packages of the
 * distribution, which name nobody, do not go. What is to be removed counts as there, half as it may be.
 */
function versionOf({ 'pip-package': name, state }: Declared, paths: readonly string[]): PipFacts {
  const own = paths
    .map((path) => /([^/]+)-([^/-]+)\.dist-info$/.exec(path))
    .filter((match) => match !== null && normal(match[1]!) === normal(name))
  const isWhole = own.every((match) => paths.includes(`${match!.input}/INSTALLER`))
  return isWhole || state === 'absent' || !paths.includes('../pyvenv.cfg') ? own[0]?.[2] : undefined
}

/**
 * Within an environment. Pip takes what it finds there for installed, and without a RECORD does not remove it; it writes over files
 * that belong to no package. What else was begun while the mark stood is half, too: what the package needs, or pip itself.
 */
function removeHalf(name: string, lacks: 'INSTALLER' | 'RECORD'): Script {
  return sh`if [ -f ./pyvenv.cfg ]; then for one in ./lib/python3*/site-packages/*.dist-info; do
[ -d "$one" ] && [ ! -L "$one" ] && [ ! -e "$one/"${lacks} ] || continue
own=\${one##*/}
own=\${own%.dist-info}
own=$(printf %s "\${own%-*}" | tr A-Z a-z | sed 's/[-_.][-_.]*/-/g')
if [ "$own" = ${normal(name)} ] || { [ -e ${mark} ] && [ -z "$(find ./${mark} -newer "$one")" ]; }; then rm -rf --one-file-system -- "$one"; fi
done; fi`
}

/** PEP 503. */
function normal(name: string): string {
  return name.toLowerCase().replace(/[-_.]+/g, '-')
}

/** PEP 440, Normalization and Version comparison: versions that are the same have the same text here. */
function comparable(version: string): string {
  const [own = '', local = ''] = version.toLowerCase().split('+')
  const [release = ''] = /^(?:[0-9]+!)?[0-9]+(?:\.[0-9]+)*/.exec(own) ?? []
  const rest = own
    .slice(release.length)
    .replace(/^-(?=[0-9]+$)/, 'post')
    .replace(/[._-]/g, '')
    .replace(/rc|alpha|beta|preview|pre|rev|[cr](?=[0-9]|$)/g, (word) => spellings[word] ?? word)
  return `${release.replace(/(?:\.0+)+$/, '')}${rest}+${local.replace(/[_-]/g, '.')}`
}

const spellings: Readonly<Record<string, string>> = {
  alpha: 'a', beta: 'b', c: 'rc', pre: 'rc', preview: 'rc', rev: 'post', r: 'post',
} // prettier-ignore
