import {
  isLarderError,
  LarderError,
  parseSiteFile,
  problemAt,
  problemsIn,
  sortProblems,
  type Problem,
  type SiteFiles,
} from '../core/index.ts'
import type { WrongSetting } from './format.ts'

/** Whether a check refuses what is declared: it has to be declared otherwise. */
export function isRefusal(error: unknown): error is LarderError {
  return isLarderError(error) && error.exitCode === 3
}

const siteFile = 'larder.yaml'

/** The same refusal; what it says of settings is told as problems at their places in larder.yaml. */
export async function placeSettings(files: SiteFiles, refusal: LarderError): Promise<LarderError> {
  const settings = (refusal.context['settings'] ?? []) as readonly WrongSetting[]
  if (settings.length === 0) return refusal
  const document = parseSiteFile((await files.read(siteFile)) ?? Buffer.alloc(0), siteFile).document
  if (document === undefined) return refusal
  const problems = settings.map(({ path, ...told }) => problemAt(document, path, told))
  return withProblems(refusal, refusal.message, problems)
}

/** A list that has errors. */
export function listRefusal(mirror: string, problems: readonly Problem[]): LarderError {
  const message = `The package list of mirror ${mirror} has errors.`
  return new LarderError('SITE_INVALID', { message, hint: 'larder check shows them.', context: { problems } })
}

/** All that is refused, as one error with all problems. */
export function joinRefusals(refusals: readonly [LarderError, ...LarderError[]]): LarderError {
  const [first, ...others] = refusals
  if (others.length === 0) return first
  const messages = new Set(refusals.map((refusal) => refusal.message.replace(/\.$/, '')))
  const message = `${[...messages].join('; ')}.`
  return withProblems(first, message, sortProblems(refusals.flatMap(problemsIn)))
}

function withProblems(refusal: LarderError, message: string, problems: readonly Problem[]): LarderError {
  const { code, hint, context, cause } = refusal
  return new LarderError(code, {
    message,
    ...(hint === undefined ? {} : { hint }),
    ...(cause === undefined ? {} : { cause }),
    context: { ...context, problems },
  })
}
