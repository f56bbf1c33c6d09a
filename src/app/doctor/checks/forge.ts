import { isLarderError, type ErrorCode } from '../../../core/index.ts'
import { listRemoteRefs } from '../../../forge/index.ts'
import type { ConnectedForge, HostedForge } from '../../site-source/connected-forge.ts'
import type { Ailment, DoctorCheck } from '../check.ts'

/** The forge lets the site be fetched, tells of its pull requests, and says who may approve them. */
export const forgeCheck: DoctorCheck = {
  name: 'forge',
  async look({ connected, signal }) {
    if (connected === undefined) return []
    const ofGit = await lookAtRepository(connected, signal)
    const { hosted } = connected
    return hosted === undefined ? ofGit : [...ofGit, ...(await lookAtApi(connected, hosted, signal))]
  },
}

async function lookAtRepository({ remote }: ConnectedForge, signal: AbortSignal): Promise<Ailment[]> {
  const asked = await ask(() => listRemoteRefs(remote, ['refs/heads/main'], signal), gitCodes)
  if ('failure' in asked) return [ailment('error', 'The repository of the site cannot be fetched', asked.failure)]
  if (asked.answer.length > 0) return []
  return [
    {
      severity: 'warning',
      subject: 'forge',
      message: 'The repository of the site has no branch main.',
      hint: 'Push one with larder.yaml at its root.',
    },
  ]
}

async function lookAtApi(
  { config }: ConnectedForge,
  { forge, repository, api }: HostedForge,
  signal: AbortSignal,
): Promise<Ailment[]> {
  const open = await ask(() => api.openPullRequests(signal), apiCodes)
  if ('failure' in open) return [ailment('error', `${forge.title} does not say what is open`, open.failure)]
  if (config.tokenFile === undefined && config.app === undefined) return []
  // Whoever it is: some forges tell administrators of the repository only.
  const [owner = ''] = repository.split('/')
  const approvers = await ask(() => api.mayApprove(owner, signal), apiCodes)
  if (!('failure' in approvers)) return []
  return [
    {
      ...ailment('warning', `${forge.title} does not say who may approve pull requests of forks`, approvers.failure),
      hint: 'With Gitea and Forgejo, the token must be of an administrator of the repository (docs/forges.md).',
    },
  ]
}

const gitCodes = ['GIT_FAILED', 'GIT_REF_REFUSED', 'FORGE_UNREACHABLE', 'FORGE_REFUSED'] as const
const apiCodes = ['FORGE_UNREACHABLE', 'FORGE_REFUSED'] as const

interface Failure {
  message: string
  hint: string | undefined
}

async function ask<T>(
  question: () => Promise<T>,
  codes: readonly ErrorCode[],
): Promise<{ answer: T } | { failure: Failure }> {
  try {
    return { answer: await question() }
  } catch (error) {
    if (!isLarderError(error, ...codes)) throw error
    return { failure: error }
  }
}

function ailment(severity: Ailment['severity'], what: string, { message, hint }: Failure): Ailment {
  return {
    severity,
    subject: 'forge',
    message: `${what}: ${message}`,
    hint: hint ?? 'Are its address and its token in controller.yaml right, and is it there?',
  }
}
