import { open, rename } from 'node:fs/promises'

/** Gives what was made its name, once it is durable. */
export async function keepFile(made: string, path: string): Promise<void> {
  const file = await open(made, 'r+')
  try {
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(made, path)
}
