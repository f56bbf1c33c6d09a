import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)

/**
 * A package that is loaded when it is first asked for, and not by everybody who imports this room: a command that only asks
 * the controller something, and a thread that compiles an index, would spend most of their start on it.
 */
export function lazyPackage<Package>(load: (require: NodeJS.Require) => Package): () => Package {
  let loaded: Package | undefined
  return () => (loaded ??= load(require))
}
