import { z } from 'zod'
import { sh, type Script } from '../shell/script.ts'
import { commandScript } from './command-script.ts'
import { commandLine, durationMs, timeout } from './grammar.ts'

const port = z.int().min(1).max(65_535)

/** How it is known that something is of use, from the machine that it is on. */
export const probeSchema = z
  .union([
    z.strictObject({ tcp: port.describe('Port that takes connections') }),
    z.strictObject({
      http: z
        .string()
        .regex(/^\/[!-~]*$/, 'the path of a page is needed, such as /healthz')
        .describe('Page that answers with 2xx or 3xx'),
      port: port.default(80),
    }),
    z.strictObject({ command: commandLine.describe('Ends with 0') }),
  ])
  .describe('How it is known that it is of use')
export type Probe = z.output<typeof probeSchema>

/** The key beside `ready`. */
export const readyTimeout = timeout.optional().describe('How long it may take until it is of use. Default: 60s')

export function readyMsOf(text: string | undefined): number | undefined {
  return text === undefined ? undefined : durationMs(text)
}

/**
 * Ends with 0 once it is. By bash, which both families have, since neither curl nor nc need be there: /dev/tcp of bash(1),
 * REDIRECTION.
 */
export function probeScript(probe: Probe): Script {
  if ('tcp' in probe) return sh`timeout 5 bash -c ${'exec 3<>"/dev/tcp/127.0.0.1/$0"'} ${probe.tcp}`
  if ('command' in probe)
    // With 1, whatever it ends with: `gaveUp` is not for others to say.
    return sh`{ timeout 30 /bin/sh -c ${commandScript(probe.command, { cwd: '/', user: undefined, environment: {} }).shell} || false; }`
  return sh`timeout 10 bash -c ${askPage} ${probe.port} ${probe.http}`
}

const askPage = `exec 3<>"/dev/tcp/127.0.0.1/$0" || exit 1
printf 'GET %s HTTP/1.0\\r\\nHost: localhost\\r\\nUser-Agent: larder\\r\\n\\r\\n' "$1" >&3
IFS= read -r line <&3
case $line in 'HTTP/1.'[01]' '[23][0-9][0-9]*) ;; *) printf '%s\\n' "$line" >&2; exit 1 ;; esac`
