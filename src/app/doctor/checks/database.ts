import { checkIntegrity } from '../../../state/index.ts'
import type { DoctorCheck } from '../check.ts'

const mostTold = 5

/** SQLite finds its own file whole. */
export const databaseCheck: DoctorCheck = {
  name: 'database',
  async look({ context, dataFolder, deep }) {
    const complaints = await checkIntegrity(context.state, { thorough: deep })
    return complaints.slice(0, mostTold).map((complaint) => ({
      severity: 'error',
      subject: dataFolder.database,
      message: `The database is damaged: ${complaint}`,
      hint: 'Stop Larder, keep a copy of the data folder, and restore larder.db from a backup (docs/operations.md). The disk may be failing.',
    }))
  },
}
