import { z } from 'zod'
import { sh } from '../../shell/script.ts'
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
  /** Names of folders say it, without a start of Python for each: PEP 376, PEP 427. */
  facts: (all) =>
    records(
      all.map(
        ({ venv }) =>
          sh`printf 'found '; { cd ${`${venv}/lib`} 2>/dev/null && ls -d python3*/site-packages/*.dist-info 2>/dev/null || :; } | ${asWord}`,
      ),
    ),
  read: (output, all) =>
    readRecords(output, all.length).map((record, at) => {
      const found = fromWord(record?.get('found'))?.toString()
      if (found === undefined) return { known: false, why: cutOff }
      const names = found.split('\n').map((path) => /([^/]+)-([^/-]+)\.dist-info$/.exec(path))
      const own = names.find((match) => match !== null && normal(match[1]!) === normal(all[at]!['pip-package']))
      return { known: true, facts: own?.[2] }
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
    if (state === 'absent') return sh`[ ! -x ${pip} ] || ${as} ${pip} uninstall -y ${common} -- ${name}`
    const where = index === undefined ? [] : ['--index-url', index]
    const owner = user === undefined ? sh`:` : sh`chown ${user} .`
    return sh`(umask 022\n${enterFolder(venv)}\n${owner})\n[ -x ${pip} ] || ${as} python3 -m venv -- ${venv}
${as} ${pip} install ${common} ${where} -- ${version === undefined ? name : `${name}==${version}`}`
  },
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
