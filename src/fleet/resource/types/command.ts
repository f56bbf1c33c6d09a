import { z } from 'zod'
import { lines, nothing, sh, type Script } from '../../shell/script.ts'
import { commandScript } from '../command-script.ts'
import { cutOff, lookDeadline, readRecords, records } from '../fact-text.ts'
import { accountName, commandLine, durationMs, environmentMap, hostPath, oneLine } from '../grammar.ts'
import { folderAndOwners } from '../path-order.ts'
import type { ResourceType } from '../resource-type.ts'

const guard = 'one of creates, unless, only-if and notified-only is needed: how it is known that it need not run'

const timeoutWords = 'a time from 1s to 24h is needed, such as 90m'

const schema = z
  .strictObject({
    command: oneLine.min(1).max(200).describe('What it does, in words: it is called so'),
    run: commandLine.describe('Arguments of a program, or a text for /bin/sh'),
    creates: hostPath.optional().describe('Where this is, it need not run'),
    unless: commandLine
      .optional()
      .describe('Where this ends with 0, it need not run. Must change nothing: plans run it'),
    'only-if': commandLine.optional().describe('Only where this ends with 0. Must change nothing: plans run it'),
    'notified-only': z.boolean().default(false).describe('It runs when something notifies it, and never else'),
    cwd: hostPath.default('/'),
    user: accountName.optional().describe('Default: root'),
    environment: environmentMap,
    timeout: z
      .string(timeoutWords)
      .regex(/^[0-9]{1,5}[smh]$/, timeoutWords)
      .refine((text) => durationMs(text) > 0 && durationMs(text) <= 86_400_000, timeoutWords)
      .optional()
      .describe('How long it may take. Default: 15m, as all resources have'),
  })
  .refine(
    (declared) =>
      declared['notified-only'] ||
      [declared.creates, declared.unless, declared['only-if']].some((one) => one !== undefined),
    guard,
  )
  .describe('A command that runs where it has to')

type Declared = z.output<typeof schema>

/** Whether it has to run, and why. */
export interface CommandFacts {
  readonly isDone: boolean
  readonly why: string
}

export const commandType: ResourceType<Declared, Declared, CommandFacts> = {
  name: 'command',
  schema,
  subjectOf: (declared) => declared.command,
  resolve: async (declared) => declared,
  after: ({ user, creates, cwd }) => [
    'package:*',
    ...(user === undefined ? [] : [`user:${user}`]),
    ...(creates === undefined ? [] : folderAndOwners(creates, undefined)),
    ...folderAndOwners(`${cwd}/x`, undefined),
  ],
  mayHang: true,
  facts: (all) => lines(lookDeadline, records(all.map(look))),
  read: (output, all) =>
    readRecords(output, all.length).map((record, at) => {
      if (all[at]!['notified-only']) return { known: true, facts: { isDone: true, why: '' } }
      const creates = record?.get('creates')
      const unless = record?.get('unless')
      const onlyIf = record?.get('only-if')
      if (record === undefined) return { known: false, why: cutOff }
      if ([unless, onlyIf].some((code) => code !== undefined && late.test(code))) return { known: false, why: tooLate }
      // 126 and 127: what asks is not there yet.
      if (/^12[67]$/.test(unless ?? '')) {
        return { known: false, why: 'what asks whether it is needed cannot be run yet' }
      }
      if (creates === 'yes') return { known: true, facts: { isDone: true, why: '' } }
      if (unless === '0') return { known: true, facts: { isDone: true, why: '' } }
      if (onlyIf !== undefined && onlyIf !== '0') return { known: true, facts: { isDone: true, why: '' } }
      return { known: true, facts: { isDone: false, why: whyNeeded(all[at]!) } }
    }),
  diff: (_, { isDone, why }) => (isDone ? [] : [{ what: 'run', from: why, to: 'done' }]),
  apply: (desired, { facts }) => {
    const script = commandScript(desired.run, roomOf(desired))
    if (desired['notified-only']) return sh`:`
    const run = desired.creates === undefined ? script : sh`[ -e ${desired.creates} ] || ${script}`
    return facts === undefined ? sh`(\n${askAgain(desired)}\n${run}\n)` : run
  },
  notified: (desired) => commandScript(desired.run, roomOf(desired)),
  applyMs: ({ timeout }) => (timeout === undefined ? undefined : durationMs(timeout)),
}

const guardSeconds = 30
/** timeout(1): ended, or killed. */
const late = /^(?:124|137)$/
const tooLate = `what asks whether it is needed did not end within ${guardSeconds} s, or within what looks at a machine may take together`

/** Its exit code, as `$code`; `$left`: how many seconds it has. What it says of a time of its own is told from ours. */
function guardCode(command: NonNullable<Declared['unless']>, desired: Declared): Script {
  const { shell } = commandScript(command, roomOf(desired))
  const own = `${shell} || { code=$?; case $code in 124|137) exit 1;; esac; exit $code; }`
  return sh`code=0; timeout -k 2 $left /bin/sh -c ${own} >/dev/null 2>&1 || code=$?`
}

/** What could not be known when it was looked at is asked for right before it would run: it never does so because nobody answered. */
function askAgain(desired: Declared): Script {
  const { unless, 'only-if': onlyIf } = desired
  const ask = (command: Declared['unless'], verdict: Script): Script =>
    command === undefined
      ? nothing
      : sh`left=${guardSeconds}
${guardCode(command, desired)}
case $code in 124|137) echo ${`What asks whether it is needed did not end within ${guardSeconds} s: it was not run.`} >&2; exit 1;; esac
${verdict}`
  return lines(ask(unless, sh`[ $code != 0 ] || exit 0`), ask(onlyIf, sh`[ $code = 0 ] || exit 0`))
}

function look(desired: Declared): Script {
  const asked = (command: Declared['unless'], word: string): Script =>
    command === undefined
      ? sh`:`
      : sh`left=$((larder_deadline - $(date +%s))); [ $left -le ${guardSeconds} ] || left=${guardSeconds}
if [ $left -gt 0 ]; then ${guardCode(command, desired)}; else code=124; fi; echo ${word} "$code"`
  if (desired['notified-only']) return sh`:`
  const { creates } = desired
  const there =
    creates === undefined
      ? sh`:`
      : sh`if [ -e ${creates} ] || [ -L ${creates} ]; then echo 'creates yes'; exit 0; fi; echo 'creates no'`
  return sh`${there}\n${asked(desired.unless, 'unless')}\n${asked(desired['only-if'], 'only-if')}`
}

function whyNeeded({ creates, unless }: Declared): string {
  if (creates !== undefined) return `${creates} is not there`
  return unless === undefined ? 'only-if holds' : 'unless does not hold'
}

function roomOf({ cwd, user, environment }: Declared): {
  cwd: string
  user: string | undefined
  environment: Record<string, string>
} {
  return { cwd, user, environment }
}
