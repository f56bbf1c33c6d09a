/** Variables through which receive-pack shows objects that are not accepted yet: git-receive-pack(1), QUARANTINE. */
const quarantineNames = ['GIT_QUARANTINE_PATH', 'GIT_OBJECT_DIRECTORY', 'GIT_ALTERNATE_OBJECT_DIRECTORIES'] as const

/** What a git process needs of our own environment, and nothing else. */
const inheritedNames = ['PATH', 'TMPDIR', 'SSH_AUTH_SOCK', 'https_proxy', 'http_proxy', 'no_proxy'] as const

/**
 * Environment of every git process: no configuration of the host or user, no question on a terminal, only
 * protocols that run no command of the address (`ext::` never); a server of ssh that says nothing for a minute is away.
 */
export function gitEnvironment(extra: Readonly<Record<string, string>> = {}): Record<string, string> {
  const inherited = inheritedNames.flatMap((name) => {
    // oxlint-disable-next-line house/environment -- not read, but handed on to the processes that git starts
    const value = process.env[name]
    return value === undefined ? [] : [[name, value] as const]
  })
  return {
    ...Object.fromEntries(inherited),
    HOME: '/nonexistent',
    LC_ALL: 'C',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_TERMINAL_PROMPT: '0',
    GIT_ASKPASS: 'false',
    GIT_SSH_COMMAND: 'ssh -o BatchMode=yes -o ConnectTimeout=20 -o ServerAliveInterval=20',
    GIT_ALLOW_PROTOCOL: 'file:https:ssh',
    GIT_OPTIONAL_LOCKS: '0',
    ...extra,
  }
}

/** Only the variables of the quarantine: everything else that claims to be one is dropped. */
export function quarantineOf(environment: Readonly<Record<string, unknown>>): Record<string, string> {
  const kept = quarantineNames.flatMap((name) => {
    const value = environment[name]
    return typeof value === 'string' && value !== '' ? [[name, value] as const] : []
  })
  return Object.fromEntries(kept)
}
