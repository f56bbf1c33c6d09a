import { z } from 'zod'
import { desiredFile } from '../content.ts'
import { accountName, commandLine, environmentMap, oneLine, presence } from '../grammar.ts'
import type { ResourceType } from '../resource-type.ts'
import {
  installUnit,
  readUnitFiles,
  removeUnit,
  unitFilesDifferences,
  unitFilesAsked,
  type DesiredUnit,
  type UnitFilesFacts,
} from '../unit-files.ts'
import { unitCommand, unitWord } from '../unit-text.ts'

const schema = z
  .strictObject({
    timer: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,100}$/, 'letters, digits, _ and - make the name of a timer'),
    at: oneLine.min(1).describe('When, as systemd.time(7) has it: daily, "Mon *-*-* 03:00"').optional(),
    run: commandLine.optional().describe('Arguments of a program, or a text for /bin/sh'),
    user: accountName.optional().describe('Default: root'),
    environment: environmentMap,
    catch_up: z.boolean().default(true).describe('Once after the machine was off at that time'),
    state: presence,
  })
  .refine(
    ({ at, run, state }) => state === 'absent' || (at !== undefined && run !== undefined),
    'both "at" and "run" are needed',
  )
  .describe('A command that runs at certain times')

type Declared = z.output<typeof schema>

export const timerType: ResourceType<Declared, DesiredUnit, UnitFilesFacts> = {
  name: 'timer',
  schema,
  subjectOf: (declared) => declared.timer,
  resolve: async (declared) => {
    const folder = '/etc/systemd/system'
    const files = [
      desiredFile(`${folder}/${declared.timer}.service`, serviceText(declared)),
      desiredFile(`${folder}/${declared.timer}.timer`, timerText(declared)),
    ]
    return { unit: `${declared.timer}.timer`, files, isAbsent: declared.state === 'absent' }
  },
  after: () => ['package:*', 'user:*'],
  asks: unitFilesAsked,
  read: (_, _all, seen) => seen.map(readUnitFiles),
  diff: unitFilesDifferences,
  apply: (desired) => (desired.isAbsent ? removeUnit(desired) : installUnit(desired)),
}

function serviceText({ timer, run = '', user, environment }: Declared): string {
  const words = typeof run === 'string' ? ['/bin/sh', '-c', `set -eu\n${run}`] : run
  return [
    '[Unit]',
    `Description=${timer}, which a timer starts`,
    '',
    '[Service]',
    'Type=oneshot',
    ...(user === undefined ? [] : [`User=${user}`]),
    ...Object.entries(environment).map(([name, value]) => `Environment=${unitWord(`${name}=${value}`)}`),
    `ExecStart=${unitCommand(words)}`,
    '',
  ].join('\n')
}

function timerText({ timer, at = '', catch_up: catchUp }: Declared): string {
  return `[Unit]
Description=Starts ${timer}

[Timer]
OnCalendar=${at.replaceAll('%', '%%')}
AccuracySec=1s
Persistent=${String(catchUp)}

[Install]
WantedBy=timers.target
`
}
