import { lstat } from 'node:fs/promises'
import type { Discovery } from './discover.ts'
import { type HeldFolder, inFolder } from './held-folder.ts'

interface Grown {
  fileId: number
  sizeBytes: number
  mtimeNs: bigint
  inode: bigint
}

/**
 * Looks again at files that wait, and tells the checkpoint how far they have grown: one that is
 * copied into the folder is found when it is still empty, and would seem to be nothing to wait for as
 * long as nobody may claim it (a pause, a long backlog). Another file under the name is left for the
 * reader to find.
 * @param names to look at; null for all that seem to have nothing left to read
 */
export async function noticeGrowth(
  names: readonly string[] | null,
  discovery: Discovery,
): Promise<void> {
  const { rows } = await discovery.pool.query(
    `select file_id, file_name, size_bytes, inode::text from ingest_files
      where status = 'pending'
        and case when $1::text[] is null then byte_offset = size_bytes else file_name = any($1) end`,
    [names],
  )
  const grown: Grown[] = []
  await inFolder(discovery.inputDir, async folder => {
    for (const { file_id, file_name, size_bytes, inode } of rows) {
      const stat = await lookAt(file_name, folder)
      if (stat && Number(stat.size) > size_bytes && stat.ino === BigInt(inode)) {
        const { size, mtimeNs } = stat
        grown.push({ fileId: file_id, sizeBytes: Number(size), mtimeNs, inode: stat.ino })
      }
    }
  })
  await tell(grown, discovery)
}

async function lookAt(name: string, folder: HeldFolder) {
  try {
    return await lstat(folder.at(name), { bigint: true })
  } catch {
    return null
  }
}

// Whoever claimed one meanwhile knows better, and says so when it gives it back.
async function tell(grown: readonly Grown[], { pool, clock }: Discovery): Promise<void> {
  if (grown.length === 0) return
  const stillMs = ({ mtimeNs }: Grown) => Math.max(0, clock.now() - Number(mtimeNs / 1_000_000n))
  await pool.query(
    `update ingest_files f
        set size_bytes = g.size, mtime_ns = g.mtime,
            still_since = clock_timestamp() - least(g.still_ms, 86400000) * interval '1 ms'
       from unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::numeric[], $5::float8[])
         as g (file_id, size, mtime, inode, still_ms)
      where f.file_id = g.file_id and f.status = 'pending' and f.inode = g.inode and f.size_bytes < g.size`,
    [
      grown.map(({ fileId }) => fileId),
      grown.map(({ sizeBytes }) => sizeBytes),
      grown.map(({ mtimeNs }) => mtimeNs.toString()),
      grown.map(({ inode }) => inode.toString()),
      grown.map(stillMs),
    ],
  )
}
