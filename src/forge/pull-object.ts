import { z } from 'zod'
import type { PullRequest } from './event.ts'
import { loginSchema, objectIdSchema, timeSchema, titleSchema } from './payload.ts'

/** One side of a pull request, as GitHub writes it and Gitea after it. */
interface PullSide {
  ref: string
  sha: string
  repo?: { full_name: string } | null | undefined
}

/** What payloads and answers of both say of a pull request. */
export interface PullObject {
  title: string
  user?: { login: string } | null | undefined
  updated_at: Date
  head: PullSide
  base: PullSide
}

const sideSchema = z.object({
  ref: z.string(),
  sha: objectIdSchema,
  repo: z.object({ full_name: z.string() }).nullish(),
})

/** A pull request in an answer of the API. */
export const pullSchema = z.object({
  number: z.number().int().positive(),
  title: titleSchema,
  user: z.object({ login: loginSchema }).nullish(),
  updated_at: timeSchema,
  head: sideSchema,
  base: sideSchema,
})

export function pullRequestOf(number: number, pull: PullObject, fromFork: boolean): PullRequest {
  const { title, user, updated_at, head, base } = pull
  return {
    number,
    title,
    author: user?.login ?? '',
    head: head.ref,
    headCommit: head.sha,
    headRepository: head.repo?.full_name,
    base: base.ref,
    baseCommit: base.sha,
    fromFork,
    updatedAt: updated_at,
  }
}

/** Whether the head is in another repository, or in one that is gone. */
export function isElsewhere({ head, base }: Pick<PullObject, 'head' | 'base'>): boolean {
  const owner = head.repo?.full_name
  return owner === undefined || owner !== base.repo?.full_name
}
