import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { formatProblem, LarderError, parseSiteFile, validate, type Problem } from '../../core/index.ts'
import {
  controllerFile,
  controllerSchema,
  defaultControllerConfig,
  type ControllerConfig,
} from './controller-config.ts'

export interface ReadConfigOptions {
  /** Root of the data folder. */
  root: string
  /** `--config`. Default: controller.yaml of the data folder, when it is there. */
  file?: string | undefined
  /** `--repository`: short for a forge of type `git`. */
  repositoryUrl?: string | undefined
}

/** CONFIG_INVALID with every problem of the file, at its line; USAGE when it is said twice where the site is. */
export async function readControllerConfig(options: ReadConfigOptions): Promise<ControllerConfig> {
  const path = options.file ?? join(options.root, controllerFile)
  const bytes = await readFile(path).catch((error: unknown) => {
    if (options.file === undefined && (error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw new LarderError('CONFIG_INVALID', {
      message: `${path} cannot be read: ${(error as Error).message}`,
      hint: 'Name a readable file with --config, or leave the option out.',
      cause: error,
    })
  })
  const config = bytes === undefined ? defaultControllerConfig : parseControllerConfig(bytes, path)
  return withRepository(config, options.repositoryUrl, path)
}

/** CONFIG_INVALID. `label` names the file in problems. */
export function parseControllerConfig(bytes: Buffer, label: string): ControllerConfig {
  const { document, problems: syntax } = parseSiteFile(bytes, label)
  if (document === undefined) throw invalid(label, syntax)
  // An empty file, or one of comments.
  if (document.value === null) return defaultControllerConfig
  const { value, problems } = validate(controllerSchema, document)
  if (value === undefined || syntax.some(({ severity }) => severity === 'error'))
    throw invalid(label, [...syntax, ...problems])
  return value
}

function invalid(label: string, problems: readonly Problem[]): LarderError {
  return new LarderError('CONFIG_INVALID', {
    message: [`${label} has errors:`, ...problems.map(formatProblem)].join('\n'),
    hint: `larder schema ${controllerFile} says what may be in it.`,
    context: { problems },
  })
}

function withRepository(config: ControllerConfig, url: string | undefined, path: string): ControllerConfig {
  if (url === undefined) return config
  if (config.forge !== undefined) {
    throw new LarderError('USAGE', {
      message: `--repository says where the site is, and so does ${path}.`,
      hint: 'Leave one of them out.',
    })
  }
  refuseLogin(url)
  const { data, error } = controllerSchema.safeParse({ forge: { type: 'git', url } })
  if (data === undefined) {
    throw new LarderError('USAGE', {
      message: `--repository ${url} cannot be used; expected ${error.issues.map(({ message }) => message).join('; ')}.`,
      hint: 'Give the address that git clone takes; docs/forges.md has examples.',
    })
  }
  return { ...config, ...(data.forge === undefined ? {} : { forge: data.forge }) }
}

/** Every user of the host may read the arguments of every process. */
function refuseLogin(url: string): void {
  const { username, password, protocol } = URL.canParse(url)
    ? new URL(url)
    : { username: '', password: '', protocol: '' }
  // With ssh, a name is who it is, and no secret.
  if (password === '' && (username === '' || !protocol.startsWith('http'))) return
  throw new LarderError('USAGE', {
    message: 'The address of --repository has a login in it, which everybody on this host can read.',
    hint: `Write it into ${controllerFile} in the data folder: forge: { type: git, url: …, tokenFile: … }`,
  })
}
