import { access, constants } from 'node:fs/promises'
import { delimiter, join } from 'node:path'

/** Whether one of the folders of PATH has the program. */
export async function isOnPath(program: string, environment: NodeJS.ProcessEnv): Promise<boolean> {
  const folders = (environment['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '')
  for (const folder of folders) if (await isExecutable(join(folder, program))) return true
  return false
}

export async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  )
}
