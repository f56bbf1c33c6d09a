import { z } from 'zod'
import { sh, type Script } from '../../shell/script.ts'
import { commandScript } from '../command-script.ts'
import { cutOff, readRecords, records } from '../fact-text.ts'
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
  facts: (all) => records(all.map(look)),
  read: (output, all) =>
    readRecords(output, all.length).map((record, at) => {
      if (all[at]!['notified-only']) return { known: true, facts: { isDone: true, why: '' } }
      const creates = record?.get('creates')
      const unless = record?.get('unless')
      const onlyIf = record?.get('only-if')
      if (record === undefined) return { known: false, why: cutOff }
      // 124: timeout(1); 126 and 127: what asks is not there yet.
      const failed = [unless, onlyIf].find((code) => code !== undefined && /^12[4567]$/.test(code))
      if (failed === '124')
        return { known: false, why: `what asks whether it is needed did not end within ${guardSeconds} s` }
      if (failed !== undefined) return { known: false, why: 'what asks whether it is needed cannot be run yet' }
      if (creates === 'yes') return { known: true, facts: { isDone: true, why: '' } }
      if (unless === '0') return { known: true, facts: { isDone: true, why: '' } }
      if (onlyIf !== undefined && onlyIf !== '0') return { known: true, facts: { isDone: true, why: '' } }
      return { known: true, facts: { isDone: false, why: whyNeeded(all[at]!) } }
    }),
  diff: (_, { isDone, why }) => (isDone ? [] : [{ what: 'run', from: why, to: 'done' }]),
  apply: (desired) => {
    const script = commandScript(desired.run, roomOf(desired))
    if (desired['notified-only']) return sh`:`
    return desired.creates === undefined ? script : sh`[ -e ${desired.creates} ] || ${script}`
  },
  notified: (desired) => commandScript(desired.run, roomOf(desired)),
  applyMs: ({ timeout }) => (timeout === undefined ? undefined : durationMs(timeout)),
}

const guardSeconds = 30

function look(desired: Declared): Script {
  const asked = (command: Declared['unless'], word: string): Script =>
    command === undefined
      ? sh`:`
      : sh`timeout ${guardSeconds} /bin/sh -c ${commandScript(command, roomOf(desired)).shell} >/dev/null 2>&1 && code=0 || code=$?; echo ${word} "$code"`
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
