import { z } from 'zod'

/** What is written in resources, checked before anything is made of it. Whatever ends in a line of a file has no newline. */

const controls = /[\u0000-\u001f\u007f]/

/** A path on a machine: absolute, normalised, one line. */
export const hostPath = z
  .string()
  .max(4000)
  .refine(isHostPath, 'an absolute path is needed, without "//", "." and ".." in it, and without an end of line')

function isHostPath(path: string): boolean {
  if (!path.startsWith('/') || controls.test(path)) return false
  return (
    path === '/' ||
    path
      .slice(1)
      .split('/')
      .every((part) => part !== '' && part !== '.' && part !== '..')
  )
}

/** A path of the site repository. */
export const sitePath = z
  .string()
  .max(1000)
  .regex(/^(?!\/)(?!(.*\/)?\.\.?(\/|$))[^\\\u0000-\u001f]+$/, 'a path within the site repository is needed')

/** NAME_REGEX of adduser.conf(5), which useradd of other systems also takes. */
export const accountName = z
  .string()
  .regex(
    /^[a-z_][a-z0-9_-]{0,31}$/,
    'small letters, digits, _ and - make the name of an account; it begins with a letter or _',
  )

/** A name, or the number itself. */
export const ownerName = z.union([
  accountName,
  z.string().regex(/^[0-9]{1,10}$/, 'the name of an account is needed, or its number in quotes'),
])

/** Permission bits as chmod takes them. Answered with four digits: `0644`. */
export const fileMode = z
  .string('a mode is text: write it in quotes, as in "0644"')
  .regex(/^0?[0-7]{3}$|^[0-7]{4}$/, 'three or four octal digits in quotes are a mode, as in "0644"')

/** Four digits, whatever was written. */
export function fullMode(mode: string): string {
  return mode.padStart(4, '0')
}

/** systemd.unit(5): name and type. */
export const unitName = z
  .string()
  .max(255)
  .regex(
    /^[A-Za-z0-9:_.@\\-]+\.(?:service|socket|timer|mount|automount|target|path|slice)$/,
    'the name of a systemd unit is needed, with its type: nginx.service',
  )
  .refine((name) => !name.startsWith('-') && !name.startsWith('.'), 'the name of a unit does not begin with - or .')

/** One line of text: no control characters. */
export const oneLine = z
  .string()
  .max(4000)
  .refine((text) => !controls.test(text), 'one line of text is needed')

/** A list of arguments, or a text for /bin/sh. */
export const commandLine = z.union([
  z
    .array(
      z
        .string()
        .max(100_000)
        .refine((text) => !text.includes('\0'), 'no argument can hold a NUL'),
    )
    .min(1)
    .max(1000),
  z
    .string()
    .min(1)
    .max(100_000)
    .refine((text) => !text.includes('\0'), 'no argument can hold a NUL'),
])
export type CommandLine = z.output<typeof commandLine>

/** POSIX.1-2017 §8.1, and values of one line, which every file of variables can hold. */
export const environmentMap = z
  .record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'letters, digits and _ make the name of a variable'), oneLine)
  .default({})

/** A name that a thing of the site has: a mirror, a role, a secret. */
export const siteName = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/,
    'letters, digits and . _ - make a name; it begins with a letter or a digit',
  )

const unitMs: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000 }

/** `30s` → 30,000 */
export function durationMs(text: string): number {
  return Number(text.slice(0, -1)) * (unitMs[text.slice(-1)] ?? 0)
}

const durationWords = 'a time such as 0s, 30s or 5m is needed'

export const duration = z
  .string(durationWords)
  .regex(/^[0-9]{1,5}[smh]$/, durationWords)
  .refine((text) => durationMs(text) <= 3_600_000, 'at most 1h')

/** 0s would be over before anybody has asked. */
export const timeout = duration.refine((text) => durationMs(text) > 0, 'at least 1s')

export const presence = z.enum(['present', 'absent']).default('present')
