import { afterEach, expect } from 'vitest'
import type { DoctorFinding } from '../doctor/doctor-report.ts'
import { openTestLarder, type TestLarder, type TestLarderOptions } from './open-test-larder.ts'

export const hourMs = 3600_000
export const dayMs = 24 * hourMs

/** Starts one, which ends with the test. */
export function useTestLarder(): (options?: TestLarderOptions) => Promise<TestLarder> {
  let opened: TestLarder | undefined
  afterEach(async () => {
    await opened?.[Symbol.asyncDispose]()
    opened = undefined
  })
  return async (options) => (opened = await openTestLarder(options))
}

/** What one check finds. */
export async function found(
  { larder }: TestLarder,
  check: string,
  options: { fix?: boolean; deep?: boolean } = {},
): Promise<DoctorFinding[]> {
  const report = await larder.controller.doctor({ fix: options.fix ?? false, deep: options.deep ?? false })
  return report.findings.filter((finding) => finding.check === check)
}

/** The check names it, `--fix` mends it, and then it is gone. */
export async function expectMended(
  larder: TestLarder,
  check: string,
  texts: readonly (string | RegExp)[],
): Promise<void> {
  const before = await found(larder, check)
  expect(before.map((finding) => finding.message)).toEqual(texts.map((text): unknown => expect.stringMatching(text)))
  expect(before.every((finding) => finding.fixable && !finding.fixed)).toBe(true)
  const mended = await found(larder, check, { fix: true })
  expect(mended.map((finding) => finding.fixed)).toEqual(texts.map(() => true))
  await larder.settle()
  expect(await found(larder, check)).toEqual([])
}
