import { z } from 'zod'
import { sh, type Script } from '../../shell/script.ts'
import { asWord, cutOff, fromWord, readRecords, records } from '../fact-text.ts'
import { accountName, hostPath } from '../grammar.ts'
import { folderAndOwners } from '../path-order.ts'
import type { ResourceType } from '../resource-type.ts'

const schema = z
  .strictObject({
    'git-checkout': hostPath.refine((path) => path !== '/', 'a folder of its own is needed'),
    repository: z
      .string()
      .max(2000)
      .regex(
        /^(?:https?|ssh|file):\/\/[!-~]+$/,
        'the address of a repository is needed, with https://, http://, ssh:// or file://',
      ),
    revision: z
      .string()
      .max(200)
      .regex(
        /^(?![-/.])(?!.*(?:\.\.|\/\/|@\{|\.lock$|[/.]$))[^\s~^:?*[\\\u0000-\u001f]+$/,
        'a branch, a tag, or the id of a commit is needed',
      )
      .describe('A branch or tag is asked for at each look; the id of a commit is known without'),
    user: accountName.optional().describe('Who it belongs to. Default: root'),
  })
  .describe('Files of a Git repository at a revision. What somebody changes in them is put back')

type Declared = z.output<typeof schema>

export interface CheckoutFacts {
  /** Undefined: nothing is checked out there. */
  readonly commit: string | undefined
  readonly repository: string
  /** What `revision` is now. */
  readonly wanted: string
  readonly hasChanges: boolean
}

export const gitCheckoutType: ResourceType<Declared, Declared, CheckoutFacts> = {
  name: 'git-checkout',
  schema,
  subjectOf: (declared) => declared['git-checkout'],
  resolve: async (declared) => declared,
  after: ({ 'git-checkout': path, user }) => [
    'package:git',
    'host-entry:*',
    ...(user === undefined ? [] : [`user:${user}`]),
    ...folderAndOwners(path, undefined),
  ],
  facts: (all) => records(all.map(look)),
  read: (output, all) =>
    readRecords(output, all.length).map((record) => {
      if (record === undefined) return { known: false, why: cutOff }
      if (record.has('no-git')) return { known: false, why: 'git is not there yet' }
      const wanted = record.get('wanted') ?? ''
      if (!isCommit(wanted)) return { known: false, why: 'its repository does not answer, or has no such revision' }
      const commit = record.get('commit') ?? ''
      const repository = fromWord(record.get('repository'))?.toString() ?? ''
      return {
        known: true,
        facts: {
          commit: isCommit(commit) ? commit : undefined,
          repository,
          wanted,
          hasChanges: record.get('changes') === 'yes',
        },
      }
    }),
  diff: ({ repository }, facts) => {
    const { commit, wanted, hasChanges } = facts
    return [
      ...(commit === undefined || facts.repository === repository
        ? []
        : [{ what: 'repository', from: facts.repository, to: repository }]),
      ...(commit === wanted ? [] : [{ what: 'commit', from: commit, to: wanted }]),
      ...(hasChanges ? [{ what: 'files', from: 'changed by somebody', to: 'as committed' }] : []),
    ]
  },
  apply: ({ 'git-checkout': path, repository, revision, user }) => {
    const run = git(path)
    // Git that was killed leaves its locks, or a folder that is none of Git's yet; git init harms none that is.
    // A server may refuse to give a commit by its id alone: then everything is fetched.
    const body = sh`if [ ! -d ${`${path}/.git`} ] && [ -n "$(ls -A -- ${path} 2>/dev/null)" ]; then echo ${`${path} holds other files: it is left alone`} >&2; exit 1; fi
rm -f -- ${locks.map((name) => `${path}/.git/${name}.lock`)}
${hardened} git init -q -- ${path}
${run} config remote.origin.url ${repository}
if ${run} fetch -q --depth 1 --no-tags --end-of-options ${repository} ${revision}; then wanted=$(${run} rev-parse --verify -q ${'FETCH_HEAD^{commit}'})
else ${run} fetch -q --tags --force --end-of-options ${repository} ${'+refs/heads/*:refs/remotes/origin/*'}; wanted=$(${run} rev-parse --verify -q --end-of-options ${`${revision}^{commit}`}); fi
${run} checkout -q --force --detach "$wanted"`
    if (user === undefined) return sh`mkdir -p -- ${path}\n${body}`
    return sh`mkdir -p -- ${path}\nchown ${user} -- ${path}\nrunuser -u ${user} -- /bin/sh -c ${`set -eu\n${body.shell}`}`
  },
}

const locks = ['index', 'HEAD', 'shallow', 'config', 'packed-refs']

/** As src/forge/git has it: no configuration but the folder's own, no question, no program that an address names. */
const hardened: Script = sh`env GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null GIT_OPTIONAL_LOCKS=0 GIT_TERMINAL_PROMPT=0 GIT_ASKPASS=false GIT_ALLOW_PROTOCOL=http:https:ssh:file GIT_SSH_COMMAND='ssh -oBatchMode=yes' LC_ALL=C`

function git(path: string): Script {
  return sh`${hardened} git -C ${path} -c core.hooksPath=/dev/null -c core.fsmonitor=false -c protocol.ext.allow=never -c gc.auto=0 -c core.autocrlf=false`
}

function look({ 'git-checkout': path, repository, revision, user }: Declared): Script {
  const run = git(path)
  const wanted = isCommit(revision)
    ? sh`echo ${`wanted ${revision}`}`
    : sh`printf 'wanted '; { timeout 20 ${hardened} git ls-remote --end-of-options ${repository} ${[`refs/heads/${revision}`, `refs/tags/${revision}`, `refs/tags/${revision}^{}`]} 2>/dev/null || :; } | tail -n 1 | cut -f 1; echo`
  const body = sh`if [ -d ${`${path}/.git`} ]; then
printf 'commit '; ${run} rev-parse --verify -q HEAD || echo none
printf 'repository '; ${run} config remote.origin.url | tr -d '\n' | ${asWord}
if said=$(${run} status --porcelain --untracked-files=no 2>/dev/null) && [ -z "$said" ]; then echo 'changes no'; else echo 'changes yes'; fi
fi
${wanted}`
  const asked =
    user === undefined
      ? body
      : sh`if getent passwd ${user} >/dev/null; then runuser -u ${user} -- /bin/sh -c ${body.shell}; fi`
  return sh`if command -v git >/dev/null 2>&1; then ${asked}\nelse echo no-git; fi`
}

function isCommit(text: string): boolean {
  return /^[0-9a-f]{40}$/.test(text)
}
