import type { Command } from 'commander'
import {
  formatProblem,
  isLarderError,
  problemsIn,
  sortProblems,
  systemClock,
  type Problem,
  type Progress,
} from '../../core/index.ts'
import { describePlan } from '../describe-plan.ts'
import { openFolder } from '../folder-files.ts'
import type { CommandContext } from './command-context.ts'
import type { Bind } from './program.ts'
import { applyHead } from './run-commands.ts'
import { createTransferLine } from './transfer-line.ts'

export function addSiteCommands(program: Command, bind: Bind): void {
  program
    .command('check')
    .description('validate the files of a site: every error of every file at once')
    .argument('[folder]', 'that holds larder.yaml', '.')
    .option('--offline', 'do not ask upstreams whether the packages exist')
    .action(bind(check))
  program
    .command('plan')
    .description('show what a site folder would change, without changing it')
    .argument('[folder]', 'that holds larder.yaml', '.')
    .action(bind(plan))
  program.command('apply').description('plan and apply the head of main again').action(bind(applyHead))
  program
    .command('schema')
    .description('JSON Schema of a file of the site, for editors')
    .argument('<file>', 'larder.yaml, packages.json or controller.yaml')
    .action(bind(schema))
}

async function check(context: CommandContext, folder: string, options: { offline?: boolean }): Promise<number> {
  const { output } = context
  const files = await openFolder(folder)
  const { readSite } = await import('../../pipeline/index.ts')
  const { siteKinds } = await import('../site-kinds.ts')
  const result = await readSite(files, siteKinds())
  const asked = options.offline === true ? undefined : await checkAgainstUpstreams(context, folder)
  const problems = sortProblems([...('site' in result ? result.warnings : result.problems), ...(asked ?? [])])
  const all = problems.filter((problem) => problem.severity === 'error').length
  output.data({ ok: all === 0, problems })
  for (const problem of problems) output.line(formatProblem(problem))
  const unasked = asked === undefined ? '; upstreams were not asked whether the packages exist' : ''
  if (all === 0) output.line(`${folder}: no errors${unasked}`)
  return all === 0 ? 0 : 3
}

/**
 * Whether the listed packages exist and can be satisfied: that is a plan whose result nobody looks at. Undefined where
 * upstreams could not be asked.
 */
async function checkAgainstUpstreams(context: CommandContext, folder: string): Promise<readonly Problem[] | undefined> {
  try {
    await planFolder(context, folder, () => {})
    return []
  } catch (error) {
    if (!isLarderError(error)) throw error
    if (error.exitCode === 3 && problemsIn(error).length > 0) return problemsIn(error)
    if (error.exitCode !== 3) {
      context.output.note(`upstreams were not asked: ${error.message} [${error.code}]`)
      if (error.hint !== undefined) context.output.note(`  ${error.hint}`)
      return undefined
    }
    throw error
  }
}

async function plan(context: CommandContext, folder: string): Promise<undefined> {
  const changes = await planFolder(context, folder, context.output.note)
  context.output.data(changes)
  for (const line of describePlan(changes)) context.output.line(line)
}

async function planFolder({ withController, signal }: CommandContext, folder: string, log: Progress['log']) {
  const files = await openFolder(folder)
  const line = createTransferLine(process.stderr, systemClock)
  const progress: Progress = { log, transfer: line.show }
  try {
    return await withController((client) => client.planFiles(files, { progress, signal }))
  } finally {
    line.clear()
  }
}

async function schema(_context: CommandContext, file: string): Promise<undefined> {
  const { jsonSchemaOf } = await import('../../pipeline/index.ts')
  const { siteKinds } = await import('../site-kinds.ts')
  const { controllerFile, controllerSchema } = await import('../config/controller-config.ts')
  const others = { [controllerFile]: controllerSchema }
  process.stdout.write(`${JSON.stringify(jsonSchemaOf(file, siteKinds(), others), undefined, 2)}\n`)
}
