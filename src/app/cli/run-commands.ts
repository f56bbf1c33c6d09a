import { InvalidArgumentError, Option, type Command } from 'commander'
import type { RunDetail, RunState, RunSummary } from '../controller.ts'
import { describePlan } from '../describe-plan.ts'
import type { CommandContext } from './command-context.ts'
import type { Bind } from './program.ts'
import type { ControllerClient } from './session.ts'

export function addRunCommands(program: Command, bind: Bind): void {
  const run = program.command('run').description('what Larder did about each commit')
  run
    .command('ls')
    .description('the newest runs')
    .option('--limit <n>', 'how many', parseId, 20)
    .option('--pull-request <n>', 'only of this one', parseId)
    .addOption(new Option('--state <state>', 'only those').choices(runStates))
    .action(bind(list))
  run
    .command('show')
    .description('one run: its plan and its steps')
    .argument('<id>', 'number', parseId)
    .action(bind(show))
  run
    .command('logs')
    .description('what a run said')
    .argument('<id>', 'number', parseId)
    .option('-f, --follow', 'stay until it ends')
    .action(bind(logs))
  run.command('retry').description('try a failed run again').argument('<id>', 'number', parseId).action(bind(retry))
  run.command('cancel').description('stop a run').argument('<id>', 'number', parseId).action(bind(cancel))
}

const runStates = ['waiting', 'running', 'succeeded', 'failed', 'cancelled', 'superseded'] satisfies RunState[]

export function parseId(text: string): number {
  if (!/^[1-9][0-9]{0,9}$/.test(text)) throw new InvalidArgumentError('It must be a number from 1 on.')
  return Number(text)
}

async function list(
  { withController, output, where }: CommandContext,
  options: { limit: number; state?: RunState; pullRequest?: number },
): Promise<undefined> {
  const runs = await withController((client) => client.runs(options))
  output.data(runs)
  output.table(
    ['RUN', 'BRANCH', 'COMMIT', 'GOAL', 'STATE', 'ORIGIN', 'TOOK', 'ERROR'],
    runs.map((one) => [
      one.id,
      one.pullRequest === undefined ? one.branch : `#${one.pullRequest} ${one.branch}`,
      one.commit.slice(0, 8),
      one.goal,
      one.state,
      one.origin,
      took(one),
      one.error?.message.slice(0, 60) ?? '',
    ]),
  )
  if (runs.length === 0) output.line(`no runs in ${where}`)
}

async function show({ withController, output }: CommandContext, id: number): Promise<undefined> {
  const run = await withController((client) => client.run(id))
  output.data(run)
  output.line(`run ${run.id}: ${run.goal} ${run.branch} at ${run.commit.slice(0, 12)}, ${run.state} (${run.origin})`)
  if (run.error !== undefined) output.line(`error: ${run.error.message} [${run.error.code}] ${run.error.hint ?? ''}`)
  if (run.plan !== undefined) for (const line of describePlan(run.plan)) output.line(line)
  output.table(
    ['STEP', 'STATE', 'TOOK'],
    run.steps.map((step) => [step.name, step.state, took(step)]),
  )
}

async function logs(
  { withController, output, signal }: CommandContext,
  id: number,
  options: { follow?: boolean },
): Promise<number> {
  const tell: TellLine = (line) => {
    output.data(line)
    output.line(logText(line))
  }
  const run = await withController(async (client) => {
    const last = await tellLog(client, id, 0, tell)
    return options.follow === true ? followRun(client, { id, after: last, tell, signal }) : client.run(id)
  })
  return options.follow === true && run.state !== 'succeeded' ? 1 : 0
}

/** `larder apply` and `larder mirror sync`: plans and applies the head of main again, and tells what happens. */
export async function applyHead(context: CommandContext): Promise<number> {
  return carryOut(context, (client) => client.sync())
}

/** Begins a run and tells what happens; for programs, the run as it ended is the answer. 1 when it did not succeed. */
export async function carryOut(context: CommandContext, begin: BeginRun): Promise<number> {
  const run = await followBegun(context, begin)
  context.output.data(run)
  return run.state === 'succeeded' ? 0 : 1
}

type BeginRun = (client: ControllerClient) => Promise<{ id: number }>

/** Begins a run, and tells what it says until it ends: beside the answer, where that is for programs. */
export async function followBegun(
  { withController, output, signal }: CommandContext,
  begin: BeginRun,
): Promise<RunDetail> {
  const say = output.json ? output.note : output.line
  const tell: TellLine = (line) => say(logText(line))
  return withController(async (client) => followRun(client, { id: (await begin(client)).id, after: 0, tell, signal }))
}

interface LogLine {
  number: number
  at: string
  message: string
}

type TellLine = (line: LogLine) => void

export function logText({ at, message }: LogLine): string {
  return `${at.slice(11, 19)} ${message}`
}

/** Tells what a run says until it ends. */
export async function followRun(
  client: ControllerClient,
  { id, after, tell, signal }: { id: number; after: number; tell: TellLine; signal: AbortSignal },
): Promise<RunDetail> {
  let last = after
  for (;;) {
    const run = await client.run(id)
    last = await tellLog(client, id, last, tell)
    if (run.finishedAt !== undefined) return run
    await new Promise((resolve) => setTimeout(resolve, 200))
    signal.throwIfAborted()
  }
}

async function tellLog(client: ControllerClient, id: number, after: number, tell: TellLine): Promise<number> {
  const lines = await client.runLog(id, after)
  for (const line of lines) tell(line)
  return lines.at(-1)?.number ?? after
}

async function retry({ withController, output }: CommandContext, id: number): Promise<undefined> {
  const run = await withController((client) => client.retryRun(id))
  output.data(run)
  output.line(`run ${run.id} is ${run.state}`)
}

async function cancel({ withController, output }: CommandContext, id: number): Promise<undefined> {
  const run = await withController((client) => client.cancelRun(id))
  output.data(run)
  output.line(`run ${run.id} is ${run.state === 'running' ? 'being cancelled' : run.state}`)
}

function took({ startedAt, finishedAt }: Partial<Pick<RunSummary, 'startedAt' | 'finishedAt'>>): string {
  if (startedAt === undefined || finishedAt === undefined) return ''
  const ms = Date.parse(finishedAt) - Date.parse(startedAt)
  return ms < 10_000 ? `${ms} ms` : `${(ms / 1000).toFixed(1)} s`
}
