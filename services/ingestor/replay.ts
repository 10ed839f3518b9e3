import { linkSync } from 'node:fs'
import { inTransaction, type Pool } from '../runtime/database.ts'
import { HeldFolder, isName } from './held-folder.ts'

export interface Replayed {
  fileName: string
  done: boolean
  /** For a person; it stands in `ingest_commands` too. */
  outcome: string
}

/**
 * Puts the archived files that `ingest_replay()` named into the input folder again. By a link, which
 * is made whole or not at all and never replaces a file; the archived one stays where it is, and once
 * the new generation is done the link is moved beside it.
 */
export async function replayAsked(
  pool: Pool,
  owner: string,
  { archiveDir, inputDir }: { archiveDir: string; inputDir: string },
): Promise<Replayed[]> {
  return inTransaction(pool, async tx => {
    const { rows } = await tx.query(
      `select c.command_id, c.file_name, f.archived_as
         from ingest_commands c left join ingest_files f using (file_id)
        where c.handled_at is null and c.command = 'replay'
        order by c.command_id limit 100
          for update of c skip locked`,
    )
    const replayed = rows.map(row => putBack(row.file_name, row.archived_as, archiveDir, inputDir))
    if (rows.length > 0) {
      await tx.query(
        `update ingest_commands c
            set handled_at = clock_timestamp(), handled_by = $1, outcome = d.outcome
           from unnest($2::bigint[], $3::text[]) as d (command_id, outcome)
          where c.command_id = d.command_id`,
        [owner, rows.map(row => row.command_id), replayed.map(({ outcome }) => outcome)],
      )
    }
    return replayed
  })
}

function putBack(
  fileName: string,
  archivedAs: string | null,
  archiveDir: string,
  inputDir: string,
): Replayed {
  const archived = `${archiveDir}/${archivedAs}`
  const folders: HeldFolder[] = []
  const held = (path: string) => {
    const folder = new HeldFolder(path)
    folders.push(folder)
    return folder
  }
  try {
    if (archivedAs === null || !isName(archivedAs) || !isName(fileName)) throw noSuchFile()
    linkSync(held(archiveDir).at(archivedAs), held(inputDir).at(fileName))
    return { fileName, done: true, outcome: 'dropped again' }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    const outcome =
      code === 'EEXIST'
        ? 'a file of that name waits in the input folder already'
        : code === 'ENOENT'
          ? `the archived file is not there: ${archived}`
          : `cannot be linked from ${archived} (${code})`
    return { fileName, done: false, outcome }
  } finally {
    for (const folder of folders) folder.close()
  }
}

function noSuchFile(): Error {
  return Object.assign(new Error('no file of the folder has such a name'), { code: 'ENOENT' })
}
