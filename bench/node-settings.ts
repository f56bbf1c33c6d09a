import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** How bin/larder starts Node: what is measured in a process of its own is to run like the controller. */
export interface NodeSettings {
  flags: string[]
  environment: NodeJS.ProcessEnv
}

/** Read from bin/larder itself, so that both stay the same. */
export function nodeSettings(root: string): NodeSettings {
  const script = readFileSync(join(root, 'bin/larder'), 'utf8')
  const flags = /^exec "\$node" (.*) "\$root/m.exec(script)?.[1]?.split(' ')
  if (flags === undefined) throw new Error('bin/larder does not start Node as it used to')
  const environment = { ...process.env }
  for (const [, name = '', value = ''] of script.matchAll(/\b(MALLOC_\w+)="\$\{\1:-(\d+)\}"/g))
    environment[name] ??= value
  return { flags, environment }
}
