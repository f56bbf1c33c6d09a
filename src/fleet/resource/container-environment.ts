import { LarderError } from '../../core/index.ts'

/** How podman is told of the variables of a container: none of them in its arguments, where others would read them. */
export interface ContainerEnvironment {
  /** podman-run(1), --env-file. They are nothing to podman itself. */
  readonly file: string
  /** Through the environment of podman, by their names. */
  readonly passed: Readonly<Record<string, string>>
}

/**
 * What such a file says of quotes, `#`, `\` and ends of lines differs between versions of podman (4.6 reads it as a shell would, those
 * before and after do not): values with them are passed. FLEET_VALUE_UNUSABLE where one would act on podman then.
 */
export function containerEnvironment(
  container: string,
  variables: Readonly<Record<string, string>>,
): ContainerEnvironment {
  const entries = Object.entries(variables)
  const passed = entries.filter(([, value]) => !isPlain(value))
  const own = passed.find(([name]) => actsOnPodman.test(name))
  if (own !== undefined) {
    throw new LarderError('FLEET_VALUE_UNUSABLE', {
      message: `The variable ${own[0]} of the container ${container} has a value that no file of variables of podman holds: one with quotes, #, $, \\, more than one line, or blanks at its ends.`,
      hint: 'Another variable may have it; one of this name would act on podman, too. In addresses such characters are written as %23.',
      context: { variable: own[0], container },
    })
  }
  const lines = entries.filter(([, value]) => isPlain(value)).map(([name, value]) => `${name}=${value}\n`)
  return { file: lines.join(''), passed: Object.fromEntries(passed) }
}

/** Go's bufio.Scanner, by which podman reads, takes no line of 64 KiB. */
const longestValue = 60_000

function isPlain(value: string): boolean {
  return value.length <= longestValue && value === value.trim() && /^[\w .,:;/@%+=~^!?&*()[\]{}<>|-]*$/.test(value)
}

/** On podman, what it starts, the loader of programs, and Go. */
const actsOnPodman =
  /^(?:PATH|HOME|SHELL|ENV|BASH_ENV|TMPDIR|HOSTALIASES|LOCALDOMAIN|RES_OPTIONS|GCONV_PATH|GNUPGHOME|NOTIFY_SOCKET|REGISTRY_AUTH_FILE|(?:GODEBUG|GOGC|GOMAXPROCS|GOMEMLIMIT|GOTRACEBACK)|(?:LD|GLIBC|MALLOC|SSL_CERT|XDG|_?CONTAINERS?|_?PODMAN|BUILDAH|DOCKER|STORAGE|CRUN|LIBCRUN|CNI|NETAVARK|DBUS|LISTEN|OCI)_.*|(?:https?|ftp|all|no)_proxy)$/i
