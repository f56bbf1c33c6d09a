import { LarderError } from '../../core/index.ts'

/**
 * A full ref name that may be handed to git: `refs/heads/main`.
 * GIT_REF_REFUSED. Source: git-check-ref-format(1).
 */
export function checkRefName(ref: string): string {
  if (!ref.startsWith('refs/') || !isRefPath(ref)) {
    throw refused('ref', ref, 'Refs look like refs/heads/main.')
  }
  return ref
}

/** A branch name without `refs/heads/`. GIT_REF_REFUSED. */
export function checkBranchName(branch: string): string {
  if (!isBranchName(branch)) {
    throw refused('branch', branch, 'Branches look like main or topic/add-nmap.')
  }
  return branch
}

/** Whether git lets a branch be named so, and no program takes the name for an option. */
export function isBranchName(branch: string): boolean {
  return !branch.startsWith('-') && isRefPath(`refs/heads/${branch}`)
}

/** SHA-1 or SHA-256 object id, in full and in lower case. GIT_REF_REFUSED. */
export function checkObjectId(id: string): string {
  if (!isObjectId(id)) throw refused('commit', id, 'Give all 40 (or 64) hex digits.')
  return id
}

export function isObjectId(id: string): boolean {
  return /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(id)
}

/** What git sends for "no object": a ref that is made or removed. */
export function isNullId(id: string): boolean {
  return /^0+$/.test(id)
}

function isRefPath(ref: string): boolean {
  if (ref.length > 255 || ref.includes('..') || ref.includes('@{') || ref.endsWith('.')) return false
  if (/[\u0000-\u0020\u007f~^:?*[\\]/.test(ref)) return false
  return ref.split('/').every((part) => part !== '' && !part.startsWith('.') && !part.endsWith('.lock'))
}

function refused(what: string, value: string, hint: string): LarderError {
  return new LarderError('GIT_REF_REFUSED', {
    message: `${JSON.stringify(value.slice(0, 200))} is no ${what} name that git allows.`,
    hint,
  })
}
