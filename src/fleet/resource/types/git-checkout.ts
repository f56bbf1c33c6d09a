import { z } from 'zod'
import { lines, nothing, sh, type Script } from '../../shell/script.ts'
import { enterFolder } from '../enter-folder.ts'
import { asWord, cutOff, fromWord, lookDeadline, lookSeconds, readRecords, records } from '../fact-text.ts'
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
  mayHang: true,
  facts: (all) => lines(lookDeadline, records(all.map(look))),
  read: (output, all) =>
    readRecords(output, all.length).map((record) => {
      if (record === undefined) return { known: false, why: cutOff }
      if (record.has('no-git')) return { known: false, why: 'git is not there yet' }
      if (record.has('nobody')) return { known: false, why: 'its user is not there yet' }
      const said = readSaid(record.get('said'))
      if (said === undefined) return { known: false, why: tooLate }
      const wanted = said.get('wanted') ?? ''
      if (!isCommit(wanted)) return { known: false, why: 'its repository does not answer, or has no such revision' }
      const commit = said.get('commit') ?? ''
      const repository = fromWord(said.get('repository'))?.toString() ?? ''
      const facts = {
        commit: isCommit(commit) ? commit : undefined,
        repository,
        wanted,
        hasChanges: said.get('changes') === 'yes',
      }
      return { known: true, facts }
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
    // Git that was killed leaves its locks, or a folder that is none of Git's yet; git init harms none that is. It shall read no
    // pipe in place of a file, of its own or of those that it looks for beside what is checked out: that would never end. What
    // else lies there may be others', who let nobody in.
    // A server may refuse to give a commit by its id alone: then everything is fetched.
    const body = sh`if [ ! -d ./.git ] && [ -n "$(ls -A 2>/dev/null)" ]; then echo ${`${path} holds other files: it is left alone`} >&2; exit 1; fi
rm -f -- ${ownFiles.map((name) => `./.git/${name}.lock`)}
[ ! -d ./.git ] || find ./.git ${isOdd} -exec rm -f -- {} +
find . -xdev -path ./.git -prune -o -name '.git?*' ${isOdd} -exec rm -f -- {} + 2>/dev/null || :
code=0
timeout -k 5 ${initSeconds} ${hardened} git init -q || code=$?
[ $code != 124 ] || echo ${`git does not come to an end with the files of ${path}/.git: does its config include a pipe, or is its disk too slow?`} >&2
[ $code = 0 ] || exit $code
${git} config remote.origin.url ${repository}
if ${git} fetch -q --depth 1 --no-tags --end-of-options ${repository} ${revision}; then wanted=$(${git} rev-parse --verify -q ${'FETCH_HEAD^{commit}'})
else ${git} fetch -q --tags --force --end-of-options ${repository} ${'+refs/heads/*:refs/remotes/origin/*'}; wanted=$(${git} rev-parse --verify -q --end-of-options ${`${revision}^{commit}`}); fi
${git} checkout -q --force --detach "$wanted"`
    const enter = sh`umask 022\n${enterFolder(path)}`
    if (user === undefined) return sh`(\n${enter}\n${body}\n)`
    return sh`(\n${enter}\nchown ${user} .\nrunuser -u ${user} -- /bin/sh -c ${`set -eu\n${body.shell}`}\n)`
  },
}

const initSeconds = 60
/** find(1): what is no file, folder or link, and may be waited for for ever where it is read. */
const isOdd = sh`\\( -type p -o -type s -o -type b -o -type c \\)`
const ownFiles = ['index', 'HEAD', 'shallow', 'config', 'packed-refs']

/** As src/forge/git has it: no configuration but the folder's own, no question, no program that an address names. */
const hardened: Script = sh`env GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null GIT_OPTIONAL_LOCKS=0 GIT_TERMINAL_PROMPT=0 GIT_ASKPASS=false GIT_ALLOW_PROTOCOL=http:https:ssh:file GIT_SSH_COMMAND='ssh -oBatchMode=yes' LC_ALL=C`

/** In the folder that the shell is in. */
const git: Script = sh`${hardened} git -c core.hooksPath=/dev/null -c core.fsmonitor=false -c protocol.ext.allow=never -c gc.auto=0 -c core.autocrlf=false`

const tooLate = `looking at it and at what came before it did not end within ${lookSeconds} s: does the config of one include a pipe, or is its disk too slow?`

function look({ 'git-checkout': path, repository, revision, user }: Declared): Script {
  const wanted = isCommit(revision)
    ? sh`echo ${`wanted ${revision}`}`
    : sh`printf 'wanted '; { timeout 20 ${hardened} git ls-remote --end-of-options ${repository} ${[`refs/heads/${revision}`, `refs/tags/${revision}`, `refs/tags/${revision}^{}`]} 2>/dev/null || :; } | tail -n 1 | cut -f 1; echo`
  const body = sh`if cd -- ${path} 2>/dev/null && [ -d .git ]; then
if [ -n "$(find .git .gitattributes .gitmodules ${isOdd} 2>/dev/null | head -n 1)" ]; then echo 'changes yes'; else
printf 'commit '; ${git} rev-parse --verify -q HEAD || echo none
printf 'repository '; ${git} config remote.origin.url | head -c 8192 | tr -d '\n' | ${asWord}
if said=$(${git} status --porcelain --untracked-files=no 2>/dev/null) && [ -z "$said" ]; then echo 'changes no'; else echo 'changes yes'; fi
fi
fi
${wanted}`
  const exists = user === undefined ? nothing : sh`getent passwd ${user} >/dev/null || { echo nobody; exit 0; }\n`
  const as = user === undefined ? nothing : sh`runuser -u ${user} -- `
  // Root ends it, and waits for nobody who keeps its output open.
  return sh`command -v git >/dev/null 2>&1 || { echo no-git; exit 0; }
${exists}left=$((larder_deadline - $(date +%s)))
[ $left -gt 0 ] || { echo late; exit 0; }
printf 'said '
{ timeout -k 2 $left ${as}/bin/sh -c ${body.shell}; echo "code $?"; } </dev/null 2>/dev/null | timeout $((left + 3)) head -c 65536 | ${asWord}`
}

/** What was said of one, in words. Undefined: it did not end. */
function readSaid(word: string | undefined): Map<string, string> | undefined {
  const lines = fromWord(word)?.toString('latin1').split('\n') ?? []
  const said = new Map(
    lines.map((line) => [line.slice(0, line.indexOf(' ')), line.slice(line.indexOf(' ') + 1)] as const),
  )
  return said.get('code') === '0' ? said : undefined
}

function isCommit(text: string): boolean {
  return /^[0-9a-f]{40}$/.test(text)
}
