import { LarderError } from '../../core/index.ts'
import type { Release } from '../release.ts'
import type { SuiteSource } from './suite-source.ts'
import type { RememberedSuite } from './upstream-memory.ts'

/** How far a Release may be ahead of our clock: clocks differ. apt allows 10 s. */
const maxFutureMs = 10 * 60_000

/**
 * Holds a verified Release against the clock, against what was asked for, and against what was seen before. The same
 * Date with other content is let through: an upstream may publish twice within a second, or sign anew.
 * APT_RELEASE_FUTURE, APT_RELEASE_EXPIRED, APT_RELEASE_REPLAYED, APT_SUITE_MISMATCH. Pure.
 */
export function checkRelease(
  release: Release,
  source: SuiteSource,
  { now, remembered }: { now: Date; remembered: RememberedSuite | undefined },
): void {
  checkName(release, source)
  checkClock(release, source, now)
  const before = remembered?.origin === originOf(release) ? new Date(remembered.date) : undefined
  if (before && release.date < before) {
    throw new LarderError('APT_RELEASE_REPLAYED', {
      message: `${describe(source)}: the Release is of ${release.date.toISOString()}, but one of ${before.toISOString()} was seen before`,
      hint: 'an address of the upstream lags behind, a cache answers with old files, or someone replays them',
      context: { upstream: source.upstream, suite: source.suite },
    })
  }
}

/** Two Releases of the same origin are generations of one another. */
export function originOf(release: Release): string {
  return JSON.stringify([release.origin ?? '', release.label ?? ''])
}

export function describe(source: SuiteSource): string {
  return `upstream ${source.upstream}, suite ${source.suite}`
}

function checkClock(release: Release, source: SuiteSource, now: Date): void {
  const context = { upstream: source.upstream, suite: source.suite }
  if (source.checkDate && release.date.getTime() > now.getTime() + maxFutureMs) {
    throw new LarderError('APT_RELEASE_FUTURE', {
      message: `${describe(source)}: the Release is of ${release.date.toISOString()}, which is in the future`,
      hint: 'check the clock of this host, or set checkDate: false on the upstream',
      context,
    })
  }
  if (source.checkValidUntil && release.validUntil && release.validUntil < now) {
    throw new LarderError('APT_RELEASE_EXPIRED', {
      message: `${describe(source)}: the Release was valid until ${release.validUntil.toISOString()}`,
      hint: 'the upstream is no longer kept, or the address lags behind; checkValidUntil: false on the upstream accepts it',
      context,
    })
  }
}

function checkName(release: Release, source: SuiteSource): void {
  const names = [release.suite, release.codename].filter((name) => name !== undefined)
  if (source.suite.endsWith('/') || names.length === 0) return
  const accepted = [source.suite, source.suite.replace(/\/updates$/, ''), ...source.acceptSuites]
  if (names.some((name) => accepted.includes(name))) return
  throw new LarderError('APT_SUITE_MISMATCH', {
    message: `${describe(source)}: the Release found there is for ${names.join(', codename ')}`,
    hint: `if that is right, set acceptSuites: [${names[0]}] on the upstream`,
    context: { upstream: source.upstream, suite: source.suite, found: names },
  })
}
