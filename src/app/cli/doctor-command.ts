import type { Command } from 'commander'
import { formatBytes } from '../../core/index.ts'
import type { DoctorFinding, DoctorReport } from '../doctor/doctor-report.ts'
import type { CommandContext } from './command-context.ts'
import type { Bind } from './program.ts'
import { followRun, logText } from './run-commands.ts'
import type { ControllerClient } from './session.ts'

interface DoctorOptions {
  fix?: boolean
  deep?: boolean
}

export function addDoctorCommand(program: Command, bind: Bind): void {
  program
    .command('doctor')
    .description('look for whatever may be wrong, and say how to mend it')
    .option('--fix', 'mend what is safe to mend')
    .option('--deep', 'read every byte that is stored')
    .action(bind(doctor))
}

/** Exit status 1 when an error is left, or when the run that mends fails. */
async function doctor(context: CommandContext, options: DoctorOptions): Promise<number> {
  const { output } = context
  const { report, failedRuns } = await context.withController(async (client) => {
    const report = await client.doctor({ fix: options.fix ?? false, deep: options.deep ?? false })
    return { report, failedRuns: await waitForRuns(context, client, report.runs) }
  })
  output.data({ ...report, failedRuns })
  // What only reading every byte finds, only reading every byte mends.
  tell(output, report, `larder doctor ${options.deep === true ? '--deep ' : ''}--fix`)
  for (const id of failedRuns) output.line(`run ${id}, which should have mended it, failed: larder run show ${id}`)
  return failedRuns.length > 0 || report.findings.some(isLeft) ? 1 : 0
}

function isLeft({ severity, fixed }: DoctorFinding): boolean {
  return severity === 'error' && !fixed
}

/** What takes a run is mended when the run has succeeded. */
async function waitForRuns(
  { output, signal }: CommandContext,
  client: ControllerClient,
  ids: readonly number[],
): Promise<number[]> {
  const failed: number[] = []
  for (const id of ids) {
    const run = await followRun(client, { id, after: 0, tell: (line) => output.note(logText(line)), signal })
    if (run.state !== 'succeeded') failed.push(id)
  }
  return failed
}

function tell(output: CommandContext['output'], { findings, checks, usage }: DoctorReport, command: string): void {
  if (findings.length > 0) {
    output.table(
      ['', 'CHECK', 'WHAT'],
      findings.map((finding) => [stateOf(finding), finding.check, textOf(finding, command)]),
    )
    output.line()
  }
  const { blobCount, blobBytes, databaseBytes, cacheBytes, uploadBytes, siteBytes } = usage
  const sizes = `${blobCount} blobs ${formatBytes(blobBytes)}, database ${formatBytes(databaseBytes)}, cache ${formatBytes(cacheBytes)}`
  output.line(
    `${usage.folder}: ${sizes}, downloads under way ${formatBytes(uploadBytes)}, site ${formatBytes(siteBytes)}`,
  )
  output.line(conclusion(findings, checks.length))
}

function stateOf({ severity, fixed }: DoctorFinding): string {
  return fixed ? 'mended' : severity
}

function textOf({ message, hint, fixed, fixable }: DoctorFinding, command: string): string {
  if (fixed) return message
  const told = hint === undefined ? [] : [`  ${hint}`]
  return [message, ...told, ...(fixable ? [`  ${command} mends it.`] : [])].join('\n')
}

function conclusion(findings: readonly DoctorFinding[], checks: number): string {
  const left = findings.filter((finding) => !finding.fixed)
  const mended = findings.length - left.length
  const errors = left.filter(isLeft).length
  const counted = [counts(errors, 'error'), counts(left.length - errors, 'warning')].filter((text) => text !== '')
  const found = counted.length === 0 ? 'nothing is wrong' : counted.join(', ')
  return `${checks} checks: ${found}${mended === 0 ? '' : `, ${mended} mended`}`
}

function counts(count: number, what: string): string {
  return count === 0 ? '' : `${count} ${what}${count === 1 ? '' : 's'}`
}
